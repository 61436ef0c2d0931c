"""A dynamic task after its code has run: the workflow that it made runs inside its node (nodes/dynamic)."""

import secrets
from collections.abc import Iterable
from dataclasses import replace

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflowClosure
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.execution_pb2 import NodeExecution
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier
from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.core.workflow_pb2 import WorkflowTemplate
from flyteidl.event.event_pb2 import DynamicWorkflowNodeMetadata, TaskNodeMetadata

from flyteadmin.compiler.admin import LaunchPlanInterface, launch_plan_interface
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.requirements import get_requirements
from flyteadmin.compiler.task_compiler import compile_task
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.errors import Code
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from local.engine.bridge import Refused
from local.engine.faults import user_error
from local.engine.graph import END_NODE, Graph, Library
from local.engine.outcome import Outcome
from local.engine.places import Attempt
from local.engine.tasks.results import futures_uri
from local.engine.walk import Walk

ABORTED = "Dynamic workflow failed"
BUILD_FAILED = "DynamicWorkflowBuildFailed"


async def dynamic(walk: Walk, attempt: Attempt, made: Outcome) -> Outcome:
    """Compile what the task left in its futures.pb, and run that; the node gives what its end node gets."""
    place = attempt.place
    futures = await walk.hands.read(futures_uri(attempt), DynamicJobSpec)
    assert futures is not None
    try:
        closure = await _compiled(walk, attempt, futures)
        resource = build_flyteworkflow(closure, LiteralMap(), walk.events.execution_id, "")
    except (CompileErrors, Refused) as fault:
        return replace(made, error=user_error(BUILD_FAILED, str(fault)))
    workflow = DynamicWorkflowNodeMetadata(
        id=closure.primary.template.id, compiled_workflow=closure, dynamic_job_spec_uri=futures_uri(attempt)
    )
    told = Outcome(metadata=TaskNodeMetadata(dynamic_workflow=workflow), is_dynamic=True)
    await walk.report(place, NodeExecution.DYNAMIC_RUNNING, told)
    assert resource.spec is not None
    library = Library(resource.tasks or {}, resource.sub_workflows or {})
    inside = Graph(resource.spec, library, place.output_directory, place.as_parent(is_dynamic=True))
    await walk.start(inside, LiteralMap())
    error = await walk.nodes(inside, ABORTED)
    if error:
        return replace(made, error=error)
    if not resource.spec.output_bindings:
        return made
    outputs = inside.outputs[END_NODE]
    await walk.hands.write(place.outputs_uri, outputs)
    return replace(made, outputs=outputs, output_uri=place.outputs_uri)


async def _compiled(walk: Walk, attempt: Attempt, futures: DynamicJobSpec) -> CompiledWorkflowClosure:
    """Return the workflow of a futures.pb, compiled with what it refers to.

    Raises:
        CompileErrors: it is not well formed.
        Refused: NOT_FOUND, it names a launch plan that is not there.
    """
    template = _template(walk, attempt, futures)
    wanted = get_requirements(template, futures.subworkflows).launch_plan_ids
    launch_plans = [await _interface(walk, identifier) for identifier in wanted]
    return compile_workflow(template, futures.subworkflows, _tasks(futures.tasks), launch_plans)


def _template(walk: Walk, attempt: Attempt, futures: DynamicJobSpec) -> WorkflowTemplate:
    execution = walk.events.execution_id
    identifier = Identifier(
        resource_type=WORKFLOW,
        project=execution.project,
        domain=execution.domain,
        name=f"dynamic_{attempt.place.node.id}",
        version=secrets.token_hex(5),
    )
    interface = TypedInterface(outputs=attempt.template.interface.outputs)
    return WorkflowTemplate(id=identifier, nodes=futures.nodes, outputs=futures.outputs, interface=interface)


def _tasks(templates: Iterable[TaskTemplate]) -> list[CompiledTask]:
    """Each task once, compiled."""
    unique = {template.id.SerializeToString(deterministic=True): template for template in reversed(list(templates))}
    return [compile_task(template) for template in reversed(unique.values())]


async def _interface(walk: Walk, identifier: Identifier) -> LaunchPlanInterface:
    found = await walk.insist(
        "GetLaunchPlan", ObjectGetRequest(id=identifier), LaunchPlan, final={Code.NOT_FOUND, Code.INVALID_ARGUMENT}
    )
    return launch_plan_interface(found)
