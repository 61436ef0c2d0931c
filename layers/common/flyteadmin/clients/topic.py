"""The notifications topic: messages with the attributes that subscribers filter on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from flyteadmin.clients.attributes import visible
from flyteadmin.clients.aws import client, error_code, translate_errors
from flyteadmin.errors import FlyteAdminError, InvalidArgument, Unavailable
from flyteadmin.settings import environment

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef

_BATCH = 10
_WHAT = "the notifications topic"
_REFUSED = frozenset(
    {
        "BatchRequestTooLong",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "ParameterValueInvalid",
        "ValidationException",
    }
)
"""Codes by which SNS refuses a message itself, so that it would refuse it again; a missing right is not among them."""


@dataclass(frozen=True)
class Message:
    """A notification: a stable id, a JSON body in ASCII, and attributes that subscribers filter on."""

    identifier: str
    body: str
    attributes: Mapping[str, str]


def publish(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
    """Publish messages, ten in a request; for each, return None or the error that kept it out.

    InvalidArgument is an error of the message, which the topic would refuse again. Any other is one of the moment, or
    of the deployment.
    """
    outcomes: list[FlyteAdminError | None] = []
    for start in range(0, len(messages), _BATCH):
        outcomes += _publish(messages[start : start + _BATCH])
    return outcomes


def _publish(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
    try:
        with translate_errors(_WHAT):
            answer = client("sns").publish_batch(
                TopicArn=environment().notifications_topic_arn,
                PublishBatchRequestEntries=[_entry(position, message) for position, message in enumerate(messages)],
            )
    except FlyteAdminError as error:
        if not _is_refusal(error):
            return [error] * len(messages)
        if len(messages) == 1:
            return [InvalidArgument(f"{_WHAT} refuses the message: {error.__cause__}")]
        return [outcome for message in messages for outcome in _publish([message])]
    failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
    return [_outcome(failed[str(at)]["Code"]) if str(at) in failed else None for at in range(len(messages))]


def _is_refusal(error: FlyteAdminError) -> bool:
    return isinstance(error.__cause__, ClientError) and error_code(error.__cause__) in _REFUSED


def _outcome(code: str) -> FlyteAdminError:
    if code in _REFUSED:
        return InvalidArgument(f"{_WHAT} refuses the message: {code}")
    return Unavailable(f"{_WHAT} did not take a message: {code}")


def _entry(position: int, message: Message) -> "PublishBatchRequestEntryTypeDef":
    return {
        "Id": str(position),
        "Message": message.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": visible(value)} for name, value in message.attributes.items()
        },
    }
