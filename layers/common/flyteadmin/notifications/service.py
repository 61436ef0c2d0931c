"""Publishes phases from the stream of executions to the topic: each at least once (invariant 6)."""

from collections.abc import Iterable
from time import monotonic

from flyteidl.admin.execution_pb2 import AbortMetadata
from flyteidl.core.execution_pb2 import ExecutionError
from pydantic import BaseModel, Field

from flyteadmin.clients import deadline, queue, topic
from flyteadmin.clients.aws import LONGEST_CALL_SECONDS
from flyteadmin.clients.dynamodb.streams import StreamImage, from_image
from flyteadmin.errors import FlyteAdminError, InvalidArgument
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import ABORTED, ABORTING, Transition
from flyteadmin.identifiers import key_parts
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
_CAUSE, _BODY = 2_000, 100_000
"""Characters that are kept of a failure: a message of SQS holds 256 KiB, and each may be escaped once more."""


class _Change(BaseModel):
    sequence_number: str = Field(alias="SequenceNumber")
    keys: StreamImage = Field({}, alias="Keys")
    new: StreamImage | None = Field(None, alias="NewImage")
    old: StreamImage | None = Field(None, alias="OldImage")

    @property
    def execution(self) -> str:
        """The key of the execution, "" if the record has none."""
        return str((self.keys or self.new or {}).get("execution", {}).get("S", ""))


class FailedNotification(BaseModel):
    """A change that can't be announced, as it lies in the queue of failures; `message` is what the topic refused."""

    execution: str
    sequence: str
    cause: str
    message: str


class StreamRecord(BaseModel):
    """One change of an execution's state item, as the stream delivers it."""

    dynamodb: _Change


def notify(records: Iterable[StreamRecord], seconds: float) -> list[str]:
    """Publish the notifications of a batch; if the topic is not there, return the record from which to deliver again.

    A message that the topic refuses for good, and a row that can't be read, are set aside with the cause, since they
    would hold up all that is behind them. `seconds` is the time that the function has left. No call is begun that could
    outlast it: a killed function could not report its progress, and everything it published would be published again.
    """
    with deadline.at(monotonic() + seconds - LONGEST_CALL_SECONDS):
        for record in records:
            try:
                _publish(record)
            except FlyteAdminError as error:
                about = {"execution": record.dynamodb.execution, "cause": error.message}
                logger.warning("notifications will be published again", extra=about)
                return [record.dynamodb.sequence_number]
    return []


def _publish(record: StreamRecord) -> None:
    """Publish what one change announces.

    Raises:
        FlyteAdminError: some of it is neither published nor set aside.
    """
    try:
        notifications = notifications_of(record)
    except Exception as error:  # noqa: BLE001 (one unreadable row must not hold up those behind it)
        logger.error("a change can't be read", exc_info=error)
        _set_aside(record, f"the row can't be read: {type(error).__name__}: {error}", "")
        return
    messages = [_message(notification) for notification in notifications]
    outcomes = topic.publish(messages)
    for message, outcome in zip(messages, outcomes, strict=True):
        if isinstance(outcome, InvalidArgument):
            _set_aside(record, outcome.message, message.body)
    later = next((outcome for outcome in outcomes if outcome and not isinstance(outcome, InvalidArgument)), None)
    if later is not None:
        raise later


def _set_aside(record: StreamRecord, cause: str, body: str) -> None:
    execution, sequence = record.dynamodb.execution, record.dynamodb.sequence_number
    logger.error("a notification is set aside", extra={"execution": execution, "cause": cause})
    failure = FailedNotification(execution=execution, sequence=sequence, cause=cause[:_CAUSE], message=body[:_BODY])
    queue.set_aside_notification(failure.model_dump_json(ensure_ascii=True))


def notifications_of(record: StreamRecord) -> list[Notification]:
    """Return the notifications for a change of a row; none when the row is deleted."""
    if record.dynamodb.new is None:
        return []
    new = from_image(ExecutionState, record.dynamodb.new)
    old = from_image(ExecutionState, record.dynamodb.old) if record.dynamodb.old is not None else None
    return [_notification(new, transition) for transition in announced(old.transitions if old else (), new.transitions)]


def _notification(row: ExecutionState, transition: Transition) -> Notification:
    project, domain, name = key_parts(row.execution)
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
    project, domain, name = key_parts(key)
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
