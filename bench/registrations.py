"""Counts requests of a registration: the first, the same again, another version, another structure."""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from itertools import product

from google.protobuf.message import Message

from bench.counting import Call, Recorder, stages, tally, write_units
from bench.report import Row
from functions.register_entity.handler import lambda_handler
from tests.aws_events import OCTETS, Context, answer_of, http_event
from tests.entities import launch_plan_request, task_request, workflow_request

_HELD_SECONDS = 0.02
_KINDS: Sequence[tuple[str, Callable[..., Message]]] = (
    ("tasks", task_request),
    ("workflows", workflow_request),
    ("launch_plans", launch_plan_request),
)
_TIMES = (
    ("the first of its name", "v1", HTTPStatus.OK),
    ("a further version", "v2", HTTPStatus.OK),
    ("the same again", "v1", HTTPStatus.CONFLICT),
)


def rows(recorder: Recorder) -> Iterator[Row]:
    """Tasks, workflows of them, launch plans of those."""
    for (path, request), (when, version, status) in product(_KINDS, _TIMES):
        calls = _registered(recorder, path, request(version=version), status)
        made_of = f"{tally(calls)} · {stages(calls)} one after another · {write_units(calls):g} write units"
        yield Row(f"register {path.replace('_', ' ')}, {when}: requests per entity", len(calls), reason=made_of)


def _registered(recorder: Recorder, path: str, request: Message, status: HTTPStatus) -> Sequence[Call]:
    headers = {"content-type": OCTETS, "accept": OCTETS}
    event = http_event("POST", f"/api/v1/{path}", body=request.SerializeToString(), headers=headers)
    with recorder.recording(hold=_HELD_SECONDS) as calls:
        answer = answer_of(lambda_handler(event, Context()))
    assert answer.status == status, answer.body
    return calls
