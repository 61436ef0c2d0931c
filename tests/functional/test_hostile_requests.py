"""No request spoils what others read: every RPC gets requests at the limits of its descriptor, then others list.

CI takes the same examples each time; `make property` takes others, from PROPERTY_SEED on, PROPERTY_SCALE times as many.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
    TaskExecutionEventRequest,
    WorkflowExecutionEventRequest,
)
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateRequest, LaunchPlanCreateResponse
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest
from flyteidl.admin.signal_pb2 import Signal, SignalGetOrCreateRequest, SignalSetRequest
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest, WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, SignalIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.types_pb2 import INTEGER, LiteralType
from google.protobuf.message import EncodeError, Message
from google.rpc.status_pb2 import Status
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from flyteadmin.api.handler import MAX_BODY_BYTES
from flyteadmin.api.routes import routes_of
from flyteadmin.errors import Code
from local.admin import Admin
from tests import in_process
from tests.builders import DOMAIN, PROJECT, execution_id, node_event, stored_execution, task_event, workflow_event
from tests.entities import identifier, integer, launch_plan_request, task_request, workflow_request
from tests.hostile_requests import LONG_TEXTS, TEXTS, plausible, spoil

SCALE = int(os.environ.get("PROPERTY_SCALE", "1"))
SEED = int(os.environ.get("PROPERTY_SEED", "0"))
EXAMPLES = 25
_MOST_SECONDS = 12
"""Of CPU; a function ends after 20 seconds."""

RPCS = sorted({rpc for handler in in_process.handlers().values() for rpc in handler.rpcs})
SIGNAL = SignalIdentifier(execution_id=execution_id(), signal_id="s")
VALID: dict[str, Callable[[str], Message]] = {
    "CreateTask": task_request,
    "CreateWorkflow": workflow_request,
    "CreateLaunchPlan": launch_plan_request,
    "CreateExecution": lambda name: ExecutionCreateRequest(
        project=PROJECT,
        domain=DOMAIN,
        name=name,
        spec=ExecutionSpec(launch_plan=identifier(LAUNCH_PLAN, "doubling")),
        inputs=LiteralMap(literals={"x": integer(1)}),
    ),
    "CreateWorkflowEvent": lambda _name: WorkflowExecutionEventRequest(event=workflow_event("RUNNING")),
    "CreateNodeEvent": lambda _name: NodeExecutionEventRequest(event=node_event("RUNNING")),
    "CreateTaskEvent": lambda _name: TaskExecutionEventRequest(event=task_event("RUNNING")),
    "RegisterProject": lambda name: ProjectRegisterRequest(project=Project(id=name, name=name)),
    "GetOrCreateSignal": lambda _name: SignalGetOrCreateRequest(id=SIGNAL, type=LiteralType(simple=INTEGER)),
    "SetSignal": lambda _name: SignalSetRequest(id=SIGNAL, value=integer(1)),
}
LISTS = [
    f"/api/v1/{path}?limit=100"
    for path in (
        *(f"{kind}/{PROJECT}/{DOMAIN}" for kind in ("tasks", "workflows", "launch_plans", "executions")),
        *(f"named_entities/{kind}/{PROJECT}/{DOMAIN}" for kind in ("TASK", "WORKFLOW", "LAUNCH_PLAN")),
        f"node_executions/{PROJECT}/{DOMAIN}/run",
        f"signals/{PROJECT}/{DOMAIN}/run",
        "projects",
    )
]


@pytest.fixture
def seeded(admin: Admin) -> Admin:
    """A task, a workflow, a launch plan and an execution, so that requests of others get further."""
    admin.call("CreateTask", task_request(), TaskCreateResponse)
    admin.call("CreateWorkflow", workflow_request(), WorkflowCreateResponse)
    admin.call("CreateLaunchPlan", launch_plan_request("doubling"), LaunchPlanCreateResponse)
    stored_execution()
    admin.call("GetOrCreateSignal", VALID["GetOrCreateSignal"](""), Signal)
    return admin


def valid(rpc: str, name: str) -> Message:
    return VALID[rpc](name) if rpc in VALID else plausible(routes_of(rpc)[0].request_type()())


@pytest.mark.parametrize("rpc", RPCS)
def test_no_request_spoils_what_others_read(
    seeded: Admin, rpc: str, record_property: Callable[[str, object], None]
) -> None:
    texts = LONG_TEXTS if routes_of(rpc)[0].body else TEXTS
    answers: Counter[str] = Counter()
    slowest = 0.0

    @seed(SEED)
    @settings(max_examples=EXAMPLES * SCALE, database=None)
    @given(number=st.integers(0, 2**32), changes=st.integers(1, 3))
    def explore(number: int, changes: int) -> None:
        nonlocal slowest
        random, message = Random(number), valid(rpc, f"h{number % 10**8}")
        for _ in range(changes):
            spoil(message, random, texts)
        try:
            if message.ByteSize() > MAX_BODY_BYTES:
                return
            started = time.process_time()
            response = seeded.send(rpc, message)
        except (EncodeError, StopIteration):
            return  # no client can send it
        taken = time.process_time() - started
        slowest = max(slowest, taken)
        code = Code.OK if response.status in {200, 303} else Code(Status.FromString(response.body).code)
        answers[code.name] += 1
        assert code not in {Code.INTERNAL, Code.UNKNOWN}, Status.FromString(response.body).message
        assert taken < _MOST_SECONDS

    explore()
    for path in LISTS:
        for content in ("application/json", "application/octet-stream"):
            answer = seeded.api.request("GET", path, None, {"accept": content})
            assert answer.status in {200, 303}, (path, content, answer.body[:300])
    counts = ", ".join(f"{count} {name}" for name, count in sorted(answers.items()))
    record_property("figure", f"hostile requests: {rpc}: {counts}; slowest {slowest:.1f} s of CPU")


def test_millions_of_empty_elements_are_refused_by_name_in_every_form(seeded: Admin) -> None:
    task = task_request("bomb")
    task.spec.template.security_context.MergeFromString(b"\x12\x00" * 2_090_000)
    elements = "{}," * 1_300_000 + "{}"
    text = '{"spec": {"template": {"security_context": {"secrets": [' + elements + "]}}}}"
    headers = {"accept": "application/octet-stream", "content-type": "application/json"}
    started = time.process_time()
    binary = seeded.send("CreateTask", task)
    json = seeded.api.request("POST", "/api/v1/tasks", text.encode(), headers)
    assert time.process_time() - started < _MOST_SECONDS
    assert [Status.FromString(answer.body).message for answer in (binary, json)] == [
        "invalid value for spec.template.security_context.secrets: at most 500000 elements are allowed in a request",
        "invalid request body: at most 500000 objects and lists are allowed",
    ]


@pytest.mark.parametrize("rpc", ["CreateExecution", "CreateTask", "CreateWorkflow", "CreateLaunchPlan", "SetSignal"])
def test_impossible_times_are_refused_by_name_where_they_are_handed_in(seeded: Admin, rpc: str) -> None:
    message = VALID[rpc]("late")
    match message:
        case ExecutionCreateRequest():
            message.spec.metadata.scheduled_at.seconds = 10**14
        case TaskCreateRequest():
            message.spec.template.metadata.timeout.seconds = 10**15
        case WorkflowCreateRequest():
            message.spec.template.nodes[0].metadata.timeout.seconds = 10**15
        case LaunchPlanCreateRequest():
            dates = message.spec.fixed_inputs.literals["x"].collection.literals
            dates.add().scalar.primitive.datetime.seconds = 10**14
        case SignalSetRequest():
            message.value.collection.literals.add().scalar.primitive.datetime.seconds = 10**14
    status = Status.FromString(seeded.send(rpc, message).body)
    assert status.code == Code.INVALID_ARGUMENT
    assert status.message.startswith("invalid value for ")
    assert status.message.endswith(("in the years 1 to 9999", "with nanos of its sign"))
