"""The function of the test stack: it notes each delivery in a file, then does what the message itself asks for.

A message is JSON `{"id": ..., "<delivery>": [step, ...]}`; a step is `fail`, `report`, `report-nothing`,
`await:start:<delivery>[:<id>]` or `await:end:...`. Deliveries count from 1.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

NOTES = Path(os.environ["NOTES"])
PATIENCE_SECONDS = 8
LARGE = 6 * 1024 * 1024 + 1


def api(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer with the event, or as the path asks."""
    path = event["rawPath"]
    if path == "/fail":
        raise RuntimeError("a secret of the function")
    if path == "/where":
        return {"statusCode": 200, "body": str(Path(__file__).resolve())}
    body = "x" * LARGE if path == "/large" else json.dumps(event)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}


def authorize(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Let everyone in, and tell the route which cookies came."""
    return {"isAuthorized": True, "context": {"cookies": ",".join(event.get("cookies", []))}}


def consume(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take messages of a queue or records of a stream."""
    failed: list[dict[str, str]] = []
    for record in event["Records"]:
        identifier, message = _opened(record)
        delivery = str(len(_notes(f"start:{message['id']}")) + 1)
        _note(f"start:{message['id']}", delivery)
        for step in message.get(delivery, message.get("always", [])):
            failed += _perform(step, identifier, message["id"])
        _note(f"end:{message['id']}", delivery)
    return {"batchItemFailures": failed}


def _opened(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "dynamodb" in record:
        image = record["dynamodb"]["NewImage"]
        return record["dynamodb"]["SequenceNumber"], json.loads(image["message"]["S"])
    return record["messageId"], json.loads(record["body"])


def _perform(step: str, identifier: str, message_id: str) -> list[dict[str, str]]:
    verb, *rest = step.split(":")
    if verb == "fail":
        raise RuntimeError(f"{message_id} was told to fail")
    if verb == "await":
        what, delivery, *other = rest
        _await(f"{what}:{other[0] if other else message_id}", delivery)
    return {"report": [{"itemIdentifier": identifier}], "report-nothing": [{"itemIdentifier": ""}]}.get(verb, [])


def _await(what: str, delivery: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while delivery not in _notes(what):
        if time.monotonic() > deadline:
            _note("impatient", what)
            return
        time.sleep(0.02)


def _note(what: str, delivery: str) -> None:
    with NOTES.open("a") as notes:
        notes.write(json.dumps([what, delivery]) + "\n")


def _notes(what: str) -> list[str]:
    if not NOTES.exists():
        return []
    notes = [json.loads(line) for line in NOTES.read_text().splitlines()]
    return [delivery for name, delivery in notes if name == what]
