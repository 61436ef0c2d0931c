"""Builds the FlyteWorkflow of a compiled closure (`transformers/k8s/workflow.go`)."""

import re
from collections.abc import Mapping

from flyteidl.core.compiler_pb2 import CompiledWorkflow, CompiledWorkflowClosure, ConnectionSet
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.core.workflow_pb2 import WorkflowMetadata, WorkflowTemplate

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.index import START_NODE_ID, key
from flyteadmin.flyteworkflow import crd
from flyteadmin.flyteworkflow.inputs import validate_inputs
from flyteadmin.flyteworkflow.interface import strip_interface
from flyteadmin.flyteworkflow.node import NodeTransformer
from flyteadmin.pretty_print import to_text
from flyteadmin.text import enum_name

SHARD_KEYSPACE_SIZE = 32
_LABEL_LENGTH = 63
_NOT_IN_LABEL = re.compile(r"[^-a-z0-9]+")
_FNV_OFFSET = 0x811C9DC5
_FNV_PRIME = 0x01000193


def build_flyteworkflow(
    closure: CompiledWorkflowClosure,
    inputs: LiteralMap | None,
    execution_id: WorkflowExecutionIdentifier,
    namespace: str,
) -> crd.FlyteWorkflow:
    """Turn a closure and its inputs into the resource of one execution, before `prepare_flyteworkflow`.

    Raises:
        CompileErrors: the inputs don't fit the interface, or the closure is not one that the compiler made.
    """
    errors = e.ErrorCollector()
    _validate_inputs(closure.primary.template, inputs, errors)
    errors.raise_if_any()
    stripped = CompiledWorkflowClosure()
    stripped.CopyFrom(closure)
    tasks = _tasks(stripped, errors)
    transformer = NodeTransformer({key(task.id): task for task in reversed(tasks)}, errors)
    primary = _spec(stripped.primary, transformer)
    if primary is None:
        raise errors.failure()
    sub_workflows = {
        to_text(sub_workflow.template.id): _spec(sub_workflow, transformer) for sub_workflow in stripped.sub_workflows
    }
    _validate_entry(primary, stripped.primary.template.id, errors)
    errors.raise_if_any()
    return crd.FlyteWorkflow(
        metadata=_metadata(execution_id, stripped.primary.template.id, namespace),
        spec=primary,
        inputs=inputs,
        sub_workflows={name: spec for name, spec in sub_workflows.items() if spec},
        tasks={to_text(task.id): task for task in tasks},
        node_defaults=crd.NodeDefaults(interruptible=stripped.primary.template.metadata_defaults.interruptible),
    )


def workflow_id_as_string(identifier: Identifier) -> str:
    """Give "project:domain:name" of a workflow."""
    return f"{identifier.project}:{identifier.domain}:{identifier.name}"


def sanitize_label_value(name: str) -> str:
    """Return a name as the value of a label: lower case, other characters as dashes, at most 63."""
    return _NOT_IN_LABEL.sub("-", name.lower())[:_LABEL_LENGTH].strip("-")


def shard_key(name: str) -> int:
    """Return the shard of an execution: FNV-1a of its name, modulo 32; propeller's shards select by it."""
    hashed = _FNV_OFFSET
    for byte in name.encode():
        hashed = ((hashed ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return hashed % SHARD_KEYSPACE_SIZE


def _validate_inputs(template: WorkflowTemplate, inputs: LiteralMap | None, errors: e.ErrorCollector) -> None:
    if inputs is not None:
        interface = template.interface if template.HasField("interface") else None
        validate_inputs(START_NODE_ID, interface, inputs, errors)
    elif template.interface.inputs.variables:
        errors.collect(e.value_required("root", "inputs"))


def _tasks(closure: CompiledWorkflowClosure, errors: e.ErrorCollector) -> list[TaskTemplate]:
    seen: set[bytes] = set()
    for task in closure.tasks:
        strip_interface(task.template.interface)
        if key(task.template.id) in seen:
            text = to_text(task.template.id)
            errors.collect(e.value_collision(text, "Id", text))
        seen.add(key(task.template.id))
    return [task.template for task in closure.tasks]


def _spec(compiled: CompiledWorkflow, transformer: NodeTransformer) -> crd.WorkflowSpec | None:
    """One workflow's graph; after an error nothing, and the errors once more as one WorkflowBuildError."""
    template = compiled.template
    errors = transformer.errors
    mark = errors.mark()
    strip_interface(template.interface)
    failure_node = transformer.build(template.failure_node) if template.HasField("failure_node") else []
    nodes = transformer.build_nodes(template.nodes) if errors.clean_since(mark) else {}
    if not errors.clean_since(mark):
        errors.collect(e.workflow_build_error(errors.failure().message))
        return None
    edges = crd.Edges(
        downstream=_lists(compiled.connections.downstream), upstream=_lists(compiled.connections.upstream)
    )
    policy = template.metadata.on_failure
    return crd.WorkflowSpec(
        id=workflow_id_as_string(template.id),
        nodes=nodes,
        connections=edges.downstream,
        edges=edges,
        on_failure=failure_node[0] if failure_node else None,
        outputs=template.interface.outputs,
        output_bindings=list(template.outputs),
        on_failure_policy=enum_name(WorkflowMetadata.OnFailurePolicy, policy) if policy else None,
    )


def _lists(connections: Mapping[str, ConnectionSet.IdList]) -> dict[str, list[str]]:
    return {node_id: list(following.ids) for node_id, following in connections.items()}


def _validate_entry(spec: crd.WorkflowSpec, identifier: Identifier, errors: e.ErrorCollector) -> None:
    if START_NODE_ID not in spec.nodes:
        cause = f"Bad Node [{START_NODE_ID}], is not defined in the Workflow [{spec.id}]"
        errors.collect(e.workflow_build_error(cause))
    elif not spec.edges.downstream.get(START_NODE_ID):
        errors.collect(e.no_entry_node(to_text(identifier)))


def _metadata(execution_id: WorkflowExecutionIdentifier, workflow: Identifier, namespace: str) -> crd.ObjectMeta:
    return crd.ObjectMeta(
        name=execution_id.name,
        namespace=namespace,
        labels={
            "execution-id": execution_id.name,
            "project": execution_id.project,
            "domain": execution_id.domain,
            "workflow-name": sanitize_label_value(workflow.name),
            "shard-key": str(shard_key(execution_id.name)),
        },
    )
