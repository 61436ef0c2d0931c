"""The stack that the tests of the local AWS share: its outputs, clients, and the notes of its probe."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials

from local.aws import client
from local.aws.client import Endpoint, HttpApi
from local.aws.deploy import Deployment, deploy

TEMPLATE = Path(__file__).parent / "template.yaml"
PATIENCE_SECONDS = 25


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed test stack."""

    endpoint: Endpoint
    outputs: dict[str, str]
    notes_file: Path

    @classmethod
    def deployed(cls, endpoint: Endpoint, notes_file: Path) -> "Stack":
        outputs = deploy(Deployment(TEMPLATE, "probing", {"Notes": str(notes_file)}), endpoint)
        return cls(endpoint, outputs, notes_file)

    @property
    def api(self) -> HttpApi:
        return HttpApi.at(self.endpoint, self.outputs["Api"])

    def client(self, service: str) -> Any:
        """Return a client of root, whom IAM lets do everything."""
        return self.endpoint.client(service)

    def as_caller(self, service: str) -> Any:
        """Return a client of the `Caller` role."""
        return client.client(service, self.endpoint.url, client.session(self.caller()))

    def caller(self) -> Credentials:
        keys = self.client("sts").assume_role(RoleArn=self.outputs["Caller"], RoleSessionName="test")["Credentials"]
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def send(self, queue: str, message: dict[str, Any], group: str | None = None) -> None:
        """Send a message to the probe, in a message group if the queue has them."""
        extra = {"MessageGroupId": group} if group else {}
        self.client("sqs").send_message(QueueUrl=self.outputs[queue], MessageBody=json.dumps(message), **extra)

    def put(self, *messages: dict[str, Any]) -> None:
        """Write items whose stream records the probe takes as messages, all at once, so in one batch."""
        for start in range(0, len(messages), 25):
            puts = [
                {"Put": {"TableName": self.outputs["Table"], "Item": _item(message)}}
                for message in messages[start : start + 25]
            ]
            self.client("dynamodb").transact_write_items(TransactItems=puts)

    def received(self, queue: str) -> list[str]:
        """Take what a queue holds."""
        answer = self.client("sqs").receive_message(QueueUrl=self.outputs[queue], MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]

    def deliveries(self, message_id: str, what: str = "end") -> list[str]:
        """Return the numbers of a message's deliveries that started or ended, in order."""
        return [number for name, number in self.notes() if name == f"{what}:{message_id}"]

    def notes(self) -> list[tuple[str, str]]:
        lines = self.notes_file.read_text().splitlines() if self.notes_file.exists() else []
        return [(name, number) for name, number in map(json.loads, lines)]


def _item(message: dict[str, Any]) -> dict[str, Any]:
    return {"pk": {"S": "message"}, "sk": {"S": message["id"]}, "message": {"S": json.dumps(message)}}


def eventually[T](ask: Callable[[], T]) -> T:
    """Return the first true answer, or the last one when patience runs out."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer
