"""No request spoils what others read: every RPC gets requests at the limits of its descriptor, then others list.

Events are applied at once, so that the lists show what hostile ones left behind, and no message is set aside.

CI takes the same examples each time; `make property` takes others, from PROPERTY_SEED on, PROPERTY_SCALE times as many.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from urllib.parse import quote

import pytest
from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
    TaskExecutionEventRequest,
    WorkflowExecutionEventRequest,
)
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateRequest, LaunchPlanCreateResponse
from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig
from flyteidl.admin.node_execution_pb2 import NodeExecutionList, NodeExecutionListRequest
from flyteidl.admin.project_attributes_pb2 import ProjectAttributes, ProjectAttributesUpdateRequest
from flyteidl.admin.project_domain_attributes_pb2 import ProjectDomainAttributes, ProjectDomainAttributesUpdateRequest
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest
from flyteidl.admin.signal_pb2 import Signal, SignalGetOrCreateRequest, SignalSetRequest
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse
from flyteidl.admin.workflow_attributes_pb2 import WorkflowAttributes, WorkflowAttributesUpdateRequest
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest, WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, SignalIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.types_pb2 import INTEGER, LiteralType
from google.protobuf.message import EncodeError, Message
from google.rpc.status_pb2 import Status
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from flyteadmin.api.handler import MAX_BODY_BYTES
from flyteadmin.api.routes import routes_of, segment
from flyteadmin.errors import Code
from flyteadmin.settings import environment
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from tests import in_process
from tests.aws_events import queue_record
from tests.builders import DOMAIN, PROJECT, execution_id, node_event, stored_execution, task_event, workflow_event
from tests.entities import identifier, integer, launch_plan_request, task_request, workflow_request
from tests.event_delivery import again
from tests.hostile_requests import LONG_TEXTS, TEXTS, plausible, spoil

SCALE = int(os.environ.get("PROPERTY_SCALE", "1"))
SEED = int(os.environ.get("PROPERTY_SEED", "0"))
EXAMPLES = 25
_MOST_SECONDS = 12
"""Of CPU; a function ends after 20 seconds."""

EVENTS = ("CreateWorkflowEvent", "CreateNodeEvent", "CreateTaskEvent")
RPCS = sorted({rpc for handler in in_process.handlers().values() for rpc in handler.rpcs})
SIGNAL = SignalIdentifier(execution_id=execution_id(), signal_id="s")
ATTRIBUTES = MatchingAttributes(workflow_execution_config=WorkflowExecutionConfig(max_parallelism=1))
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
    "CreateWorkflowEvent": lambda _name: WorkflowExecutionEventRequest(event=workflow_event("QUEUED")),
    "CreateNodeEvent": lambda _name: NodeExecutionEventRequest(event=node_event("RUNNING")),
    "CreateTaskEvent": lambda _name: TaskExecutionEventRequest(event=task_event("RUNNING")),
    "RegisterProject": lambda name: ProjectRegisterRequest(project=Project(id=name, name=name)),
    "GetOrCreateSignal": lambda _name: SignalGetOrCreateRequest(id=SIGNAL, type=LiteralType(simple=INTEGER)),
    "UpdateProjectAttributes": lambda _name: ProjectAttributesUpdateRequest(
        attributes=ProjectAttributes(project=PROJECT, matching_attributes=ATTRIBUTES)
    ),
    "UpdateProjectDomainAttributes": lambda _name: ProjectDomainAttributesUpdateRequest(
        attributes=ProjectDomainAttributes(project=PROJECT, domain=DOMAIN, matching_attributes=ATTRIBUTES)
    ),
    "UpdateWorkflowAttributes": lambda name: WorkflowAttributesUpdateRequest(
        attributes=WorkflowAttributes(project=PROJECT, domain=DOMAIN, workflow=name, matching_attributes=ATTRIBUTES)
    ),
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
] + [f"/api/v1/matchable_attributes?resource_type={kind}" for kind in MatchableResource.values()]


@pytest.fixture
def seeded(admin: Admin) -> Admin:
    """A task, a workflow, a launch plan and an execution, so that requests of others get further."""
    admin.call("CreateTask", task_request(), TaskCreateResponse)
    admin.call("CreateWorkflow", workflow_request(), WorkflowCreateResponse)
    admin.call("CreateLaunchPlan", launch_plan_request("doubling"), LaunchPlanCreateResponse)
    stored_execution()
    admin.call("GetOrCreateSignal", VALID["GetOrCreateSignal"](""), Signal)
    return admin


def apply_queued(aws: Aws) -> None:
    """Hand the queued events over as for the last time that each may fail: none fails, and none is set aside."""
    sqs = aws.client("sqs")
    received = sqs.receive_message(
        QueueUrl=aws.resources["EventsQueue"], MaxNumberOfMessages=10, AttributeNames=["SequenceNumber"]
    )
    for message in received.get("Messages", []):
        sequence = int(message["Attributes"]["SequenceNumber"])
        again_ids = again([queue_record(message["Body"], sequence, receive_count=environment().dead_letter_after)])
        sqs.delete_message(QueueUrl=aws.resources["EventsQueue"], ReceiptHandle=message["ReceiptHandle"])
        assert again_ids == []
    letters = sqs.receive_message(QueueUrl=aws.resources["EventsDeadLetterQueue"], MessageAttributeNames=["All"])
    assert [letter["MessageAttributes"]["cause"] for letter in letters.get("Messages", [])] == []


def of_nodes(admin: Admin) -> list[str]:
    """Return the paths of what others read of each node: itself, its children, its attempts, and their data."""
    request = NodeExecutionListRequest(workflow_execution_id=execution_id(), limit=100)
    paths = []
    for node in admin.call("ListNodeExecutions", request, NodeExecutionList).node_executions:
        path = f"{PROJECT}/{DOMAIN}/run/{segment(node.id.node_id)}"
        paths += [f"/api/v1/{kind}/{path}" for kind in ("node_executions", "data/node_executions")]
        paths.append(f"/api/v1/task_executions/{path}?limit=100")
        paths.append(
            f"/api/v1/node_executions/{PROJECT}/{DOMAIN}/run?limit=100&unique_parent_id={quote(node.id.node_id)}"
        )
    return [f"/api/v1/executions/{PROJECT}/{DOMAIN}/run", *paths]


def valid(rpc: str, name: str) -> Message:
    return VALID[rpc](name) if rpc in VALID else plausible(routes_of(rpc)[0].request_type()())


@pytest.mark.parametrize("rpc", RPCS)
def test_no_request_spoils_what_others_read(
    aws: Aws, seeded: Admin, rpc: str, record_property: Callable[[str, object], None]
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
        if rpc in EVENTS and code is Code.OK:
            apply_queued(aws)

    explore()
    for path in (*LISTS, *of_nodes(seeded)):
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
