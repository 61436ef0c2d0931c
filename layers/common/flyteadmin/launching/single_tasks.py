"""Makes the workflow and launch plan around a task that is launched by itself, stored with its first execution; pure.

Source: flyteadmin util/single_task_execution.go. What upstream makes in steps is one transaction here, with the
execution's own, and versions that exist already stay, so that two first launches at once both succeed (KD-20).
"""

import unicodedata
from hashlib import sha256

from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlan, LaunchPlanClosure, LaunchPlanMetadata, LaunchPlanSpec
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, WORKFLOW, Identifier, ResourceType
from flyteidl.core.interface_pb2 import ParameterMap, VariableMap
from flyteidl.core.literals_pb2 import Binding, BindingData, LiteralMap, RetryStrategy
from flyteidl.core.types_pb2 import OutputReference
from flyteidl.core.workflow_pb2 import Node, NodeMetadata, TaskNode, WorkflowTemplate

from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.index import END_NODE_ID, START_NODE_ID
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.errors import InvalidArgument
from flyteadmin.launch_plans.validation import expected_inputs
from flyteadmin.pretty_print import to_text

_PREFIX = ".flytegen."
_NODE_ID_BYTES = 63
_RETRIES = 3


def workflow_id(task: Identifier) -> Identifier:
    """Return the id of the workflow around a task (CRE-44)."""
    return _generated(task, WORKFLOW)


def launch_plan_id(task: Identifier) -> Identifier:
    """Return the id of the launch plan around a task (CRE-47)."""
    return _generated(task, LAUNCH_PLAN)


def _generated(task: Identifier, kind: ResourceType) -> Identifier:
    return Identifier(
        resource_type=kind, project=task.project, domain=task.domain, name=_PREFIX + task.name, version=task.version
    )


def closure(task: CompiledTask) -> CompiledWorkflowClosure:
    """Compile the workflow of one node that runs a task (CRE-44, CRE-45).

    Raises:
        InvalidArgument: it does not compile.
    """
    template = task.template
    node = node_id(template.id.name)
    retries = template.metadata.retries if template.metadata.HasField("retries") else RetryStrategy(retries=_RETRIES)
    workflow = WorkflowTemplate(
        id=workflow_id(template.id),
        interface=template.interface,
        nodes=[
            Node(
                id=node,
                metadata=NodeMetadata(name=node, retries=retries),
                inputs=_bindings(template.interface.inputs, ""),
                task_node=TaskNode(reference_id=template.id),
            )
        ],
        outputs=_bindings(template.interface.outputs, node),
    )
    try:
        return compile_workflow(workflow, (), [task], ())
    except CompileErrors as error:
        raise InvalidArgument(f"failed to compile workflow for [{to_text(workflow.id)}] with err: {error}") from error


def node_id(task: str) -> str:
    """Return the letters, digits and "-" at a task name's end (CRE-45), or a digest where they are no id (KD-22)."""
    end = task.encode()[-_NODE_ID_BYTES:].decode(errors="ignore")
    kept = "".join(letter for letter in end if letter == "-" or unicodedata.category(letter)[0] in "LN")
    return kept if kept not in {"", START_NODE_ID, END_NODE_ID} else f"n{sha256(task.encode()).hexdigest()[:16]}"


def _bindings(variables: VariableMap, node: str) -> list[Binding]:
    return [
        Binding(var=name, binding=BindingData(promise=OutputReference(node_id=node, var=name)))
        for name in sorted(variables.variables)
    ]


def launch_plan(compiled: CompiledWorkflowClosure, spec: ExecutionSpec) -> LaunchPlan:
    """Make the launch plan around a task. It keeps the first launch's role, which decides nothing (CRE-47, CRE-48)."""
    [task] = compiled.tasks
    interface = compiled.primary.template.interface
    inputs = expected_inputs(interface.inputs, LiteralMap(), ParameterMap())
    made = LaunchPlanSpec(
        workflow_id=_named_as_task(task.template.id), entity_metadata=LaunchPlanMetadata(), default_inputs=inputs
    )
    if spec.HasField("auth_role"):
        made.auth_role.CopyFrom(spec.auth_role)
    if spec.HasField("security_context"):
        made.security_context.CopyFrom(spec.security_context)
    return LaunchPlan(
        id=launch_plan_id(task.template.id),
        spec=made,
        closure=LaunchPlanClosure(expected_inputs=inputs, expected_outputs=interface.outputs),
    )


def _named_as_task(task: Identifier) -> Identifier:
    identifier = Identifier()
    identifier.CopyFrom(task)
    identifier.resource_type = WORKFLOW
    return identifier
