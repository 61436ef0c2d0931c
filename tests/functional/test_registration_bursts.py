"""Many registrations and activations at once, and a database that throttles: one winner each, and nobody is told."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.launch_plan_pb2 import ACTIVE
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW
from google.protobuf.message import Message

from flyteadmin.clients.aws import client
from flyteadmin.errors import Code
from flyteadmin.launch_plans import reading as launch_plans
from flyteadmin.tasks import reading as tasks
from flyteadmin.workflows import reading as workflows
from tests.entities import identifier, launch_plan_request, task_request, workflow_request
from tests.register_calls import at_once, change_state, code, register

pytestmark = pytest.mark.usefixtures("aws")


def store(request: Message) -> Code:
    return code(register(request))


def activate(version: str) -> Code:
    return code(change_state(version, ACTIVE))


def task_of(image: str) -> Message:
    return task_request(image=f"registry.example/task:{image}")


def workflow_of(nodes: str) -> Message:
    return workflow_request(nodes=int(nodes))


def launch_plan_of(parallelism: str) -> Message:
    request = launch_plan_request()
    request.spec.max_parallelism = int(parallelism)
    return request


def stored_image() -> str:
    found = tasks.get(ObjectGetRequest(id=identifier(TASK, "double")))
    return found.closure.compiled_task.template.container.image.rpartition(":")[2]


def stored_nodes() -> str:
    found = workflows.get(ObjectGetRequest(id=identifier(WORKFLOW, "doubling")))
    return str(len(found.closure.compiled_workflow.primary.template.nodes) - 2)


def stored_parallelism() -> str:
    return str(launch_plans.get(ObjectGetRequest(id=identifier(LAUNCH_PLAN, "doubling"))).spec.max_parallelism)


@pytest.mark.conformance("REG-01", "REG-02", "ERR-10")
@pytest.mark.parametrize(
    ("before", "make", "stored"),
    [
        ([], task_of, stored_image),
        ([task_request], workflow_of, stored_nodes),
        ([task_request, workflow_request], launch_plan_of, stored_parallelism),
    ],
    ids=["task", "workflow", "launch plan"],
)
def test_of_a_hundred_registrations_of_one_identifier_one_is_stored_and_the_others_are_told_rightly(
    before: list[Callable[[], Message]], make: Callable[[str], Message], stored: Callable[[], str]
) -> None:
    for each in before:
        assert store(each()) == Code.OK
    contents = ["1", "2"] * 50
    codes = at_once([partial(store, make(content)) for content in contents])
    assert codes.count(Code.OK) == 1
    winner = contents[codes.index(Code.OK)]
    assert stored() == winner
    told = {(content == winner, code) for content, code in zip(contents, codes, strict=True) if code != Code.OK}
    assert told == {(True, Code.ALREADY_EXISTS), (False, Code.INVALID_ARGUMENT)}


@pytest.mark.conformance("REG-16")
def test_of_fifty_activations_at_once_exactly_one_version_is_active() -> None:
    versions = [f"v{number}" for number in range(1, 51)]
    for request in (task_request(), workflow_request(), *(launch_plan_request(version=each) for each in versions)):
        assert store(request) == Code.OK
    assert set(at_once([partial(activate, version) for version in versions])) == {Code.OK}
    found = [launch_plans.get(ObjectGetRequest(id=identifier(LAUNCH_PLAN, "doubling", each))) for each in versions]
    assert sum(each.closure.state == ACTIVE for each in found) == 1


@contextmanager
def throttling() -> Iterator[list[str]]:
    """Of every fifth call the database refuses the first two attempts; gives the calls that it refused."""
    refused: list[str] = []

    def refuse(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        invocation = _text(request.headers["amz-sdk-invocation-id"])
        attempt = int(_text(request.headers["amz-sdk-request"]).partition("attempt=")[2].partition(";")[0])
        if int(invocation[:8], 16) % 5 or attempt > 2:
            return None
        refused.append(invocation)
        raw = _Raw(b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}')
        return AWSResponse(request.url, 400, HTTPHeaders.from_pairs([("x-amzn-requestid", "throttled")]), raw)

    events = client("dynamodb").meta.events
    events.register("before-send.dynamodb", refuse, unique_id="throttling")  # type: ignore[arg-type]  # it may answer
    yield refused
    events.unregister("before-send.dynamodb", unique_id="throttling")


class _Raw:
    """The raw body of an answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_no_throttle_reaches_who_registers_five_hundred_tasks_and_a_hundred_workflows() -> None:
    burst: list[Message] = [task_request(f"task-{number}") for number in range(500)]
    chains: list[Message] = [
        workflow_request(f"workflow-{number}", task=identifier(TASK, f"task-{number}")) for number in range(100)
    ]
    with throttling() as refused, ThreadPoolExecutor(32) as threads:
        assert set(threads.map(store, burst)) == {Code.OK}
        assert set(threads.map(store, chains)) == {Code.OK}
    assert len(refused) > 200
    for number in range(100):
        assert workflows.get(ObjectGetRequest(id=identifier(WORKFLOW, f"workflow-{number}"))).id.version == "v1"
