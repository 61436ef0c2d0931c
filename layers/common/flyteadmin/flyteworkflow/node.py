"""A compiled node as the custom resource has it (`transformers/k8s/node.go`)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flyteidl.core.tasks_pb2 import Resources, TaskTemplate
from flyteidl.core.workflow_pb2 import BranchNode, IfBlock, Node, TaskNodeOverrides
from google.protobuf.message import Message
from pydantic.alias_generators import to_pascal

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.index import END_NODE_ID, START_NODE_ID, key
from flyteadmin.compiler.quantity import QuantityError, parse_quantity
from flyteadmin.flyteworkflow import crd
from flyteadmin.flyteworkflow.encoding import duration_nanoseconds, go_duration
from flyteadmin.pretty_print import shortest_single, to_text

_RESOURCE_NAMES: dict[int, str] = {
    Resources.CPU: "cpu",
    Resources.MEMORY: "memory",
    Resources.GPU: "nvidia.com/gpu",
    Resources.EPHEMERAL_STORAGE: "ephemeral-storage",
}


@dataclass(frozen=True, slots=True)
class NodeTransformer:
    """Builds the nodes of one closure; tasks by `index.key`, errors as the compiler collects them."""

    tasks: Mapping[bytes, TaskTemplate]
    errors: e.ErrorCollector

    def build_nodes(self, nodes: Iterable[Node]) -> dict[str, crd.NodeSpec]:
        """All nodes by id, those inside branches too; two different ones of one id are an error."""
        specs: dict[str, crd.NodeSpec] = {}
        for node in nodes:
            for spec in self.build(node):
                if spec.id in specs and specs[spec.id] != spec:
                    difference = _difference(specs[spec.id], spec)
                    self.errors.collect(e.value_collision(node.id, difference, spec.id))
                specs[spec.id] = spec
        return specs

    def build(self, node: Node) -> list[crd.NodeSpec]:
        """Return the node first, then the nodes inside it if it is a branch; nothing after an error."""
        mark = self.errors.mark()
        if not node.WhichOneof("target") and node.id not in (START_NODE_ID, END_NODE_ID):
            self.errors.collect(e.value_required(node.id, "target"))
            return []
        task = self._task(node)
        spec = self._spec(node, task) if self.errors.clean_since(mark) else None
        if spec is None:
            return []
        inner: list[crd.NodeSpec] = []
        if node.WhichOneof("target") == "branch_node":
            branch, inner = self._branch(node.branch_node)
            spec = spec.model_copy(update={"kind": "branch", "branch": branch})
        else:
            spec = spec.model_copy(update=self._target(node))
        return [spec, *inner] if self.errors.clean_since(mark) else []

    def _task(self, node: Node) -> TaskTemplate | None:
        if node.WhichOneof("target") != "task_node":
            return None
        task = self.tasks.get(key(node.task_node.reference_id))
        if task is None:
            self.errors.collect(e.task_reference_not_found(node.id, to_text(node.task_node.reference_id)))
        return task

    def _spec(self, node: Node, task: TaskTemplate | None) -> crd.NodeSpec | None:
        """All that doesn't depend on what the node runs, with the overrides of a task node."""
        overrides = node.task_node.overrides
        try:
            resources = resource_requirements(overrides.resources)
            deadline = _deadline(node)
        except QuantityError as error:
            cause = f"Failed to parse resource as a valid quantity.: {error}"
            self.errors.collect(e.workflow_build_error(cause))
            return None
        except ValueError:
            self.errors.collect(e.syntax_error(node.id, "node:metadata:timeout"))
            return None
        metadata = node.metadata
        return crd.NodeSpec(
            id=node.id,
            name=metadata.name,
            resources=resources,
            retry=_retry(node, task),
            execution_deadline=None if deadline is None else go_duration(deadline),
            active_deadline=None if deadline is None else go_duration(2 * deadline),
            output_alias=list(node.output_aliases),
            input_bindings=list(node.inputs),
            interruptible=metadata.interruptible if metadata.WhichOneof("interruptible_value") else None,
            container_image=overrides.container_image,
            extended_resources=_present(overrides, "extended_resources"),
            pod_template=_present(overrides, "pod_template"),
        )

    def _target(self, node: Node) -> dict[str, object]:
        """Return the fields that say what the node runs."""
        target = node.WhichOneof("target")
        if target == "task_node":
            return {"kind": "task", "task": to_text(node.task_node.reference_id)}
        if target == "workflow_node":
            return self._workflow(node)
        if target == "gate_node":
            return {"kind": "gate", "gate": _gate(node)}
        if target == "array_node":
            return {"kind": "array", "array": self._array(node)}
        return {"kind": "start" if node.id == START_NODE_ID else "end"}

    def _workflow(self, node: Node) -> dict[str, object]:
        reference = node.workflow_node.WhichOneof("reference")
        if reference is None:
            self.errors.collect(e.value_required(node.id, "WorkflowNode.Reference"))
        if reference == "launchplan_ref":
            spec = crd.WorkflowNodeSpec(launch_plan_ref_id=node.workflow_node.launchplan_ref)
        else:
            spec = crd.WorkflowNodeSpec(sub_workflow_ref=to_text(node.workflow_node.sub_workflow_ref))
        return {"kind": "workflow", "workflow": spec}

    def _array(self, node: Node) -> crd.ArrayNodeSpec | None:
        array = node.array_node
        inner = self.build(array.node)
        if not inner:
            return None
        if not math.isfinite(array.min_success_ratio):
            self.errors.collect(e.invalid_value(node.id, "ArrayNode.MinSuccessRatio"))
        successes = array.WhichOneof("success_criteria")
        return crd.ArrayNodeSpec(
            sub_node_spec=inner[0],
            parallelism=array.parallelism if array.WhichOneof("parallelism_option") else None,
            min_successes=array.min_successes if successes == "min_successes" else None,
            min_success_ratio=shortest_single(array.min_success_ratio) if successes == "min_success_ratio" else None,
            bound_inputs=list(array.bound_inputs) or None,
        )

    def _branch(self, branch: BranchNode) -> tuple[crd.BranchNodeSpec | None, list[crd.NodeSpec]]:
        if_else = branch.if_else
        first, inner = self._if_block(if_else.case)
        default = if_else.WhichOneof("default")
        if default == "else_node":
            inner += self.build(if_else.else_node)
        others: list[crd.IfBlock] = []
        for block in if_else.other:
            other, nodes = self._if_block(block)
            others.append(other)
            inner += nodes
        spec = crd.BranchNodeSpec(
            if_=first,
            else_if=others,
            else_=if_else.else_node.id if default == "else_node" else None,
            else_fail=if_else.error if default == "error" else None,
        )
        return spec, inner

    def _if_block(self, block: IfBlock) -> tuple[crd.IfBlock, list[crd.NodeSpec]]:
        return crd.IfBlock(condition=block.condition, then=block.then_node.id), self.build(block.then_node)


def resource_requirements(resources: Resources) -> crd.ResourceRequirements:
    """Return requests and limits under Kubernetes' names; amounts of zero are left out (`flytek8s/utils.go`).

    Raises:
        QuantityError: an amount is no quantity.
    """
    return crd.ResourceRequirements(
        limits=_resource_list(resources.limits), requests=_resource_list(resources.requests)
    )


def _resource_list(entries: Iterable[Resources.ResourceEntry]) -> dict[str, str]:
    amounts = [(_RESOURCE_NAMES.get(entry.name), parse_quantity(entry.value)) for entry in entries]
    return {name: str(amount) for name, amount in amounts if name and amount}


def _retry(node: Node, task: TaskTemplate | None) -> crd.RetryStrategy | None:
    """One attempt more than the retries of the node, or else of the task; nothing without retries."""
    retries = node.metadata.retries.retries or (task.metadata.retries.retries if task is not None else 0)
    return crd.RetryStrategy(min_attempts=retries + 1) if retries else None


def _deadline(node: Node) -> int | None:
    return duration_nanoseconds(node.metadata.timeout) if node.metadata.HasField("timeout") else None


def _gate(node: Node) -> crd.GateNodeSpec | None:
    gate = node.gate_node
    condition = gate.WhichOneof("condition")
    if condition == "approve":
        return crd.GateNodeSpec(kind="approve", approve=gate.approve)
    if condition == "signal":
        return crd.GateNodeSpec(kind="signal", signal=gate.signal)
    return crd.GateNodeSpec(kind="sleep", sleep=gate.sleep) if condition == "sleep" else None


def _present[M: Message](overrides: TaskNodeOverrides, field: str) -> M | None:
    return getattr(overrides, field) if overrides.HasField(field) else None


def _difference(one: crd.NodeSpec, other: crd.NodeSpec) -> str:
    """Return the fields that differ, one per line."""
    values = ((name, getattr(one, name), getattr(other, name)) for name in crd.NodeSpec.model_fields)
    return "\r\n".join(f"{to_pascal(name)}: {ours} != {theirs}" for name, ours, theirs in values if ours != theirs)
