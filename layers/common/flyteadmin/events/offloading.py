"""Where an event's large parts go before its facts are taken: to S3, once, under upstream's prefixes.

Keys end in the content's digest, so a repeated event writes the same object and a losing one changes nothing.
"""

from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients import storage
from flyteadmin.events.validation import Event, attempt_identifier
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.task_executions import phases as task_phases
from flyteadmin.task_executions.repository import closure_parts

INLINE_ERROR_BYTES = 4 * 1024
"""A longer error lies in S3; the row keeps its beginning, so that one huge error never breaks a list."""

_KEPT_MESSAGE = 1024


def workflow(event: Event, sequence: str) -> workflow_phases.PhaseEvent:
    """A workflow event with its outcome in place (WFE-18, WFE-19)."""
    assert isinstance(event, WorkflowExecutionEvent)
    parts = _parts(event.execution_id)
    error, error_uri = _error(event.error, *parts) if event.HasField("error") else (b"", "")
    return workflow_phases.PhaseEvent(
        event,
        sequence,
        outputs_uri=_data(event.output_data, *parts, "offloaded_outputs") if event.HasField("output_data") else "",
        error=error,
        error_uri=error_uri,
    )


def node(event: Event, sequence: str) -> node_phases.PhaseEvent:
    """A node event with its data in place (NEV-05, NEV-19, NEV-20)."""
    assert isinstance(event, NodeExecutionEvent)
    parts = (*_parts(event.id.execution_id), event.id.node_id)
    error, error_uri = _error(event.error, *parts) if event.HasField("error") else (b"", "")
    return node_phases.PhaseEvent(
        event,
        sequence,
        inputs_uri=_data(event.input_data, *parts, "offloaded_inputs") if event.HasField("input_data") else "",
        outputs_uri=_data(event.output_data, *parts, "offloaded_outputs") if event.HasField("output_data") else "",
        error=error,
        error_uri=error_uri,
        dynamic_workflow_uri=_dynamic_workflow(event, *parts),
    )


def task(event: Event, sequence: str) -> task_phases.PhaseEvent:
    """A task event with its data in place (TEV-13, TEV-21)."""
    assert isinstance(event, TaskExecutionEvent)
    parts = closure_parts(attempt_identifier(event))
    return task_phases.PhaseEvent(
        event,
        sequence,
        inputs_uri=_data(event.input_data, *parts, "offloaded_inputs") if event.HasField("input_data") else "",
        outputs_uri=_data(event.output_data, *parts, "offloaded_outputs") if event.HasField("output_data") else "",
    )


def _parts(execution: WorkflowExecutionIdentifier) -> tuple[str, ...]:
    return "metadata", execution.project, execution.domain, execution.name


def _data(literals: LiteralMap, *parts: str) -> str:
    return storage.write_once(literals.SerializeToString(deterministic=True), *parts)


def _error(error: ExecutionError, *parts: str) -> tuple[bytes, str]:
    whole = error.SerializeToString(deterministic=True)
    if len(whole) <= INLINE_ERROR_BYTES:
        return whole, ""
    beginning = ExecutionError(
        code=error.code[:256],
        message=error.message[:_KEPT_MESSAGE],
        error_uri=error.error_uri[:_KEPT_MESSAGE],
        kind=error.kind,
    )
    return beginning.SerializeToString(deterministic=True), storage.write_once(whole, *parts, "error")


def _dynamic_workflow(event: NodeExecutionEvent, *parts: str) -> str:
    dynamic = event.task_node_metadata.dynamic_workflow
    if not dynamic.HasField("compiled_workflow"):
        return ""
    identifier = dynamic.id
    name = f"{identifier.project}_{identifier.domain}_{identifier.name}_{identifier.version}"
    return storage.write_once(dynamic.SerializeToString(deterministic=True), *parts, name)
