"""Publishes phases from the stream of executions to the topic: each at least once (invariant 6)."""

from collections.abc import Iterable
from time import monotonic

from flyteidl.admin.execution_pb2 import AbortMetadata
from flyteidl.core.execution_pb2 import ExecutionError
from pydantic import BaseModel, Field

from flyteadmin.clients import deadline, topic
from flyteadmin.clients.aws import LONGEST_CALL_SECONDS
from flyteadmin.clients.dynamodb.streams import StreamImage, from_image
from flyteadmin.errors import FlyteAdminError
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import ABORTED, ABORTING, Transition
from flyteadmin.notifications.rules import announced, notification_id
from flyteadmin.notifications.schema import (
    EntityName,
    ExecutionAbort,
    ExecutionFailure,
    ExecutionName,
    Notification,
)
from flyteadmin.observability import logger
from flyteadmin.timestamps import NANOSECONDS, to_datetime

_KINDS = {number: name for name, number in ExecutionError.ErrorKind.items()}
_WITH_ERROR = frozenset({"FAILED", "TIMED_OUT"})
_WITH_ABORT = frozenset({ABORTING, ABORTED})


class _Change(BaseModel):
    sequence_number: str = Field(alias="SequenceNumber")
    new: StreamImage | None = Field(None, alias="NewImage")
    old: StreamImage | None = Field(None, alias="OldImage")


class StreamRecord(BaseModel):
    """One change of an execution's state item, as the stream delivers it."""

    dynamodb: _Change


def notify(records: Iterable[StreamRecord], seconds: float) -> list[str]:
    """Publish the notifications of a batch; if the topic refuses, return the record from which to deliver again.

    `seconds` is the time that the function has left. No call is begun that could outlast it: a killed function could
    not report its progress, and everything it published would be published again.
    """
    with deadline.at(monotonic() + seconds - LONGEST_CALL_SECONDS):
        for record in records:
            messages = [_message(notification) for notification in notifications_of(record)]
            try:
                topic.publish(messages)
            except FlyteAdminError as error:
                new = record.dynamodb.new
                execution = from_image(ExecutionState, new).execution if new else ""
                about = {"execution": execution, "cause": error.message}
                logger.warning("notifications will be published again", extra=about)
                return [record.dynamodb.sequence_number]
    return []


def notifications_of(record: StreamRecord) -> list[Notification]:
    """Return the notifications for a change of a row; none when the row is deleted."""
    if record.dynamodb.new is None:
        return []
    new = from_image(ExecutionState, record.dynamodb.new)
    old = from_image(ExecutionState, record.dynamodb.old) if record.dynamodb.old is not None else None
    return [_notification(new, transition) for transition in announced(old.transitions if old else (), new.transitions)]


def _notification(row: ExecutionState, transition: Transition) -> Notification:
    project, domain, name = row.execution.split(":", 2)
    return Notification(
        id=notification_id(row.execution, transition.phase),
        execution=ExecutionName(project=project, domain=domain, name=name),
        phase=transition.phase,
        occurred_at=_rfc3339(transition.occurred_at),
        workflow=_entity(row.workflow, row.workflow_version),
        launch_plan=_entity(row.launch_plan, row.launch_plan_version),
        error=_failure(row.error) if row.error and transition.phase in _WITH_ERROR else None,
        abort=_abort(row.abort) if row.abort and transition.phase in _WITH_ABORT else None,
    )


def _message(notification: Notification) -> topic.Message:
    body = notification.model_dump_json(ensure_ascii=True)  # SNS refuses some characters of names and errors
    return topic.Message(notification.id, body, notification.attributes())


def _entity(key: str, version: str) -> EntityName:
    project, domain, name = key.split(":", 2)
    return EntityName(project=project, domain=domain, name=name, version=version)


def _failure(blob: bytes) -> ExecutionFailure:
    error = ExecutionError.FromString(blob)
    return ExecutionFailure.model_validate(
        {"kind": _KINDS.get(error.kind, "UNKNOWN"), "code": error.code, "message": error.message}
    )


def _abort(blob: bytes) -> ExecutionAbort:
    abort = AbortMetadata.FromString(blob)
    return ExecutionAbort(cause=abort.cause, principal=abort.principal)


def _rfc3339(nanoseconds: int) -> str:
    second = to_datetime(nanoseconds).replace(tzinfo=None).isoformat(timespec="seconds")  # %Y has no leading zeros
    return f"{second}.{nanoseconds % NANOSECONDS:09d}Z"
