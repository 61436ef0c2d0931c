"""From the stream of executions to the topic: each new transition once more if in doubt, never lost (invariant 6)."""

from collections.abc import Iterable
from time import monotonic

from flyteidl.admin.execution_pb2 import AbortMetadata
from flyteidl.core.execution_pb2 import ExecutionError
from pydantic import Base64Bytes, BaseModel, Field

from flyteadmin.clients import deadline, topic
from flyteadmin.clients.aws import LONGEST_CALL_SECONDS
from flyteadmin.errors import FlyteAdminError
from flyteadmin.executions.models import Transition
from flyteadmin.executions.phases import ABORTED, ABORTING
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


class _Text(BaseModel):
    value: str = Field("", alias="S")


class _Bytes(BaseModel):
    value: Base64Bytes = Field(b"", alias="B")


class _Texts(BaseModel):
    values: list[_Text] = Field([], alias="L")


class Image(BaseModel):
    """What a stream record shows of an execution's state item."""

    execution: _Text
    transitions: _Texts = _Texts()
    workflow: _Text = _Text()
    workflow_version: _Text = _Text()
    launch_plan: _Text = _Text()
    launch_plan_version: _Text = _Text()
    error: _Bytes = _Bytes()
    abort: _Bytes = _Bytes()


class _Change(BaseModel):
    sequence_number: str = Field(alias="SequenceNumber")
    new: Image | None = Field(None, alias="NewImage")
    old: Image | None = Field(None, alias="OldImage")


class StreamRecord(BaseModel):
    """One change of an execution's state item."""

    dynamodb: _Change


def notify(records: Iterable[StreamRecord], seconds: float) -> list[str]:
    """Publish what a batch announces and give the record to start again from, if the topic did not take one.

    `seconds` is how long the function may run. No call is begun that could outlast it: a function that is killed says
    nothing of what it published, and all of that would be published again.
    """
    with deadline.at(monotonic() + seconds - LONGEST_CALL_SECONDS):
        for record in records:
            messages = [_message(notification) for notification in notifications_of(record)]
            try:
                topic.publish(messages)
            except FlyteAdminError as error:
                execution = record.dynamodb.new.execution.value if record.dynamodb.new else ""
                about = {"execution": execution, "cause": error.message}
                logger.warning("notifications will be published again", extra=about)
                return [record.dynamodb.sequence_number]
    return []


def notifications_of(record: StreamRecord) -> list[Notification]:
    """What one change announces; nothing when a row is deleted."""
    new, old = record.dynamodb.new, record.dynamodb.old
    if new is None:
        return []
    before = [text.value for text in old.transitions.values] if old else []
    after = [text.value for text in new.transitions.values]
    return [_notification(new, transition) for transition in announced(before, after)]


def _notification(image: Image, transition: Transition) -> Notification:
    project, domain, name = image.execution.value.split(":", 2)
    return Notification(
        id=notification_id(image.execution.value, transition.phase),
        execution=ExecutionName(project=project, domain=domain, name=name),
        phase=transition.phase,
        occurred_at=_rfc3339(transition.occurred_at),
        workflow=_entity(image.workflow.value, image.workflow_version.value),
        launch_plan=_entity(image.launch_plan.value, image.launch_plan_version.value),
        error=_failure(image.error.value) if transition.phase in _WITH_ERROR else None,
        abort=_abort(image.abort.value) if transition.phase in _WITH_ABORT else None,
    )


def _message(notification: Notification) -> topic.Message:
    body = notification.model_dump_json(ensure_ascii=True)  # names and errors may hold what no message may
    return topic.Message(notification.id, body, notification.attributes())


def _entity(key: str, version: str) -> EntityName:
    project, domain, name = key.split(":", 2)
    return EntityName(project=project, domain=domain, name=name, version=version)


def _failure(blob: bytes) -> ExecutionFailure | None:
    if not blob:
        return None
    error = ExecutionError.FromString(blob)
    return ExecutionFailure.model_validate(
        {"kind": _KINDS.get(error.kind, "UNKNOWN"), "code": error.code, "message": error.message}
    )


def _abort(blob: bytes) -> ExecutionAbort | None:
    if not blob:
        return None
    abort = AbortMetadata.FromString(blob)
    return ExecutionAbort(cause=abort.cause, principal=abort.principal)


def _rfc3339(nanoseconds: int) -> str:
    second = to_datetime(nanoseconds).replace(tzinfo=None).isoformat(timespec="seconds")  # %Y has no leading zeros
    return f"{second}.{nanoseconds % NANOSECONDS:09d}Z"
