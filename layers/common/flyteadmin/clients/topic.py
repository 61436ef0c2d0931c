"""The notifications topic: messages with the attributes that subscribers filter on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteadmin.clients.attributes import visible
from flyteadmin.clients.aws import client, translate_errors
from flyteadmin.errors import Unavailable
from flyteadmin.settings import environment

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef

_BATCH = 10


@dataclass(frozen=True)
class Message:
    """A notification: a stable id, a JSON body in ASCII, and attributes that subscribers filter on."""

    identifier: str
    body: str
    attributes: Mapping[str, str]


def publish(messages: Sequence[Message]) -> None:
    """Publish messages, ten in a request.

    Raises:
        Unavailable: the topic did not take one of them; those before it are published.
    """
    for start in range(0, len(messages), _BATCH):
        entries: list[PublishBatchRequestEntryTypeDef] = [
            {
                "Id": str(position),
                "Message": message.body,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": visible(value)}
                    for name, value in message.attributes.items()
                },
            }
            for position, message in enumerate(messages[start : start + _BATCH])
        ]
        with translate_errors("the notifications topic"):
            answer = client("sns").publish_batch(
                TopicArn=environment().notifications_topic_arn,
                PublishBatchRequestEntries=entries,
            )
        if answer.get("Failed"):
            raise Unavailable("the notifications topic did not take a message, try again")
