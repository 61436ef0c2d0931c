"""Entities registered through the real handler, and what it answers."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.launch_plan_pb2 import (
    LaunchPlan,
    LaunchPlanState,
    LaunchPlanUpdateRequest,
)
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code
from flyteadmin.launch_plans import reading as launch_plan_reading
from functions.register_entity.handler import lambda_handler
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT
from tests.entities import (
    identifier,
)

PATHS = {"TaskCreateRequest": "tasks", "WorkflowCreateRequest": "workflows", "LaunchPlanCreateRequest": "launch_plans"}


def call(method: str, path: str, body: Message) -> Answer:
    headers = {"content-type": OCTETS, "accept": OCTETS}
    event = http_event(method, f"/api/v1/{path}", body=body.SerializeToString(), headers=headers)
    return answer_of(lambda_handler(event, Context()))


def register(request: Message) -> Answer:
    return call("POST", PATHS[request.DESCRIPTOR.name], request)


def registered(*requests: Message) -> None:
    for request in requests:
        answer = register(request)
        assert answer.status == 200, answer.message(Status)


def change_state(version: str, state: LaunchPlanState, name: str = "doubling") -> Answer:
    path = f"launch_plans/{PROJECT}/{DOMAIN}/{name}/{version}"
    return call("PUT", path, LaunchPlanUpdateRequest(state=state))


def code(answer: Answer) -> Code:
    return Code.OK if answer.status == 200 else Code(answer.message(Status).code)


def refusal(answer: Answer) -> tuple[Code, str]:
    return code(answer), answer.message(Status).message


def launch_plan(version: str = "v1") -> LaunchPlan:
    return launch_plan_reading.get(ObjectGetRequest(id=identifier(LAUNCH_PLAN, "doubling", version)))


def at_once[T](calls: Sequence[Callable[[], T]]) -> list[T]:
    """Begin all calls together and return their results."""
    barrier = Barrier(len(calls))

    def begun_together(each: Callable[[], T]) -> T:
        barrier.wait()
        return each()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begun_together, calls))
