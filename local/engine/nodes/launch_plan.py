"""A launch-plan node: an execution of its own, started and watched through FlyteAdmin (nodes/subworkflow)."""

import asyncio
import logging

from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionClosure,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionMetadata,
    ExecutionSpec,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import KeyValuePair, LiteralMap
from flyteidl.event.event_pb2 import WorkflowNodeMetadata
from google.protobuf.wrappers_pb2 import BoolValue

from flyteadmin.errors import Code
from local.engine.bridge import Refused
from local.engine.faults import Lost, reason_of, system_error, user_error
from local.engine.identity import child_execution_id
from local.engine.outcome import Outcome
from local.engine.places import Place
from local.engine.walk import Walk

POLL_SECONDS = 0.5
_FAILED_CHILD = "RemoteChildWorkflowExecutionFailed"
_RETRIED = {Code.DATA_LOSS, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.UNKNOWN, Code.CANCELLED}
_ENDS = {WorkflowExecution.SUCCEEDED, WorkflowExecution.FAILED, WorkflowExecution.ABORTED, WorkflowExecution.TIMED_OUT}
_SHARD_KEY = "shard-key"
_log = logging.getLogger(__name__)


async def launch_plan(walk: Walk, place: Place, inputs: LiteralMap) -> Outcome:
    """Start the execution and wait for its end; one that is aborted takes it along."""
    child = child_execution_id(walk.events.node_id(place), place.attempt)
    told = WorkflowNodeMetadata(execution_id=child)
    refused = await _launch(walk, place, inputs, child)
    if refused:
        message = f"failed to launch workflow, caused by: {refused}"
        return Outcome(error=user_error("RuntimeExecutionError", message))
    try:
        await walk.running(place, Outcome(metadata=told))
        async with walk.runner.parallelism:
            ended = await _ended(walk, child)
    except (asyncio.CancelledError, Lost) as stop:
        await _terminate(walk, child, reason_of(stop))
        raise
    except Refused as gone:
        return Outcome(error=system_error("NotFound", f"launch-plan not found: {gone}"), metadata=told)
    if ended.phase != WorkflowExecution.SUCCEEDED:
        return Outcome(error=_error_of(ended, child), metadata=told)
    request = WorkflowExecutionGetDataRequest(id=child)
    outputs = (await walk.insist("GetExecutionData", request, WorkflowExecutionGetDataResponse)).full_outputs
    await walk.hands.write(place.outputs_uri, outputs)
    return Outcome(outputs, place.outputs_uri, metadata=told)


async def _launch(walk: Walk, place: Place, inputs: LiteralMap, child: WorkflowExecutionIdentifier) -> Refused | None:
    """Create the execution; one that exists is this node's own from before. Gives a refusal that is for good."""
    request = _request(walk, place, inputs, child)
    try:
        await walk.insist("CreateExecution", request, ExecutionCreateResponse, final=set(Code) - _RETRIED)
    except Refused as refused:
        return None if refused.code == Code.ALREADY_EXISTS else refused
    return None


def _request(
    walk: Walk, place: Place, inputs: LiteralMap, child: WorkflowExecutionIdentifier
) -> ExecutionCreateRequest:
    resource, config = walk.workflow, walk.workflow.execution_config
    assert place.node.workflow is not None
    spec = ExecutionSpec(
        launch_plan=place.node.workflow.launch_plan_ref_id,
        metadata=ExecutionMetadata(
            mode=ExecutionMetadata.CHILD_WORKFLOW, nesting=1, parent_node_execution=walk.events.node_id(place)
        ),
        max_parallelism=config.max_parallelism,
        raw_output_data_config=resource.raw_output_data_config,
        security_context=resource.security_context,
        interruptible=None if config.interruptible is None else BoolValue(value=config.interruptible),
        overwrite_cache=config.overwrite_cache,
    )
    spec.labels.values.update({name: value for name, value in resource.metadata.labels.items() if name != _SHARD_KEY})
    spec.annotations.values.update(resource.metadata.annotations)
    variables = config.environment_variables or {}
    spec.envs.values.extend(KeyValuePair(key=name, value=value) for name, value in variables.items())
    return ExecutionCreateRequest(project=child.project, domain=child.domain, name=child.name, spec=spec, inputs=inputs)


async def _ended(walk: Walk, child: WorkflowExecutionIdentifier) -> ExecutionClosure:
    """Return the closure of the execution after its end.

    Raises:
        Refused: NOT_FOUND, there is none.
    """
    request = WorkflowExecutionGetRequest(id=child)
    while True:
        execution = await walk.insist("GetExecution", request, Execution, final={Code.NOT_FOUND})
        if execution.closure.phase in _ENDS:
            return execution.closure
        await walk.hands.sleep(POLL_SECONDS)


def _error_of(ended: ExecutionClosure, child: WorkflowExecutionIdentifier) -> ExecutionError:
    if ended.phase == WorkflowExecution.ABORTED:
        return user_error(_FAILED_CHILD, f"launchplan [{child.name}] aborted, caused by: launchplan execution aborted")
    if ended.HasField("error"):
        return ended.error
    return ExecutionError(code="LaunchPlanExecutionFailed", message="Unknown Error")


async def _terminate(walk: Walk, child: WorkflowExecutionIdentifier, reason: str) -> None:
    name = walk.workflow.execution_id.name
    cause = f"cascading abort as parent execution id [{name}] aborted, reason [{reason}]"
    try:
        request = ExecutionTerminateRequest(id=child, cause=cause)
        await walk.hands.call("TerminateExecution", request, ExecutionTerminateResponse)
    except Refused as refused:
        _log.warning("%s was not terminated: %s", child.name, refused)
