"""The largest requests that the bounds of each function admit, as its events.

Four binary megabytes hold more elements than bounds.py admits, so that a request is as large as its elements or its
JSON form may be; JSON is measured too, since its text and its objects are held besides the message.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flyteidl.admin.event_pb2 import TaskExecutionEventRequest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.signal_pb2 import SignalGetOrCreateRequest, SignalSetRequest
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, SignalIdentifier
from flyteidl.core.literals_pb2 import Literal, LiteralCollection, LiteralMap
from flyteidl.core.types_pb2 import LiteralType
from flyteidl.event.event_pb2 import TaskExecutionEvent
from google.protobuf.message import Message

from flyteadmin.api.handler import MAX_BODY_BYTES
from flyteadmin.api.routes import routes_of
from flyteadmin.clients import storage
from flyteadmin.events.envelope import Kind, seal
from flyteadmin.events.opening import store_claim
from tests.aws_events import OCTETS, batch, http_event, queue_record
from tests.builders import DOMAIN, PROJECT, execution_id, node_event, stored_execution, task_event
from tests.entities import identifier, integer, launch_plan_request, task_request, workflow_request
from tests.event_delivery import apply as apply_now

ELEMENTS = 480_000
"""The elements of a request: with the few others, what bounds.MAX_ELEMENTS admits."""

PARTS = 99_000
"""The parts of a task event: what events/validation.MAX_PARTS admits."""

_JSON = "application/json"
_RUN = f"{PROJECT}:{DOMAIN}:run"


@dataclass(frozen=True)
class Largest:
    """An event for a function, and what is large about it."""

    function: str
    what: str
    event: Mapping[str, Any]

    @property
    def is_refused(self) -> bool:
        """Return whether such a request is refused, after the function has decoded it."""
        return self.what.endswith("refused")


def _post(function: str, what: str, path: str, message: Message) -> Largest:
    body = message.SerializeToString()
    assert len(body) <= MAX_BODY_BYTES, (what, len(body))
    return Largest(function, what, http_event("POST", f"/api/v1/{path}", body=body, headers={"content-type": OCTETS}))


def _text(function: str, what: str, path: str, text: str, method: str = "POST") -> Largest:
    assert len(text) <= MAX_BODY_BYTES, (what, len(text))
    headers = {"content-type": _JSON, "accept": _JSON}
    return Largest(function, what, http_event(method, f"/api/v1/{path}", body=text.encode(), headers=headers))


def _get(function: str, what: str, path: str, accept: str, query: Mapping[str, str] | None = None) -> Largest:
    event = http_event("GET", f"/api/v1/{path}", query=query or {}, headers={"accept": accept})
    return Largest(function, f"{what}, {'JSON' if accept == _JSON else 'binary'}", event)


def events() -> Iterator[Largest]:
    """Yield the events in an order in which each finds what those before it have stored."""
    yield from _registrations()
    yield from _creates()
    yield from _events()
    yield from _signals()
    yield from _reads()
    yield from _small()


def _registrations() -> Iterator[Largest]:
    function, env = "register_entity", b"\x2a\x00"
    for name in ("double", "twice"):
        task = task_request(name)
        task.spec.template.container.MergeFromString(env * ELEMENTS)
        yield _post(function, "a task of many elements", "tasks", task)
    elements = "{}," * ELEMENTS + "{}"
    identity = '{"resource_type":"TASK","project":"flytesnacks","domain":"development","name":"json","version":"v1"}'
    container = f'{{"image":"i","env":[{elements}]}}'
    template = f'{{"type":"t","metadata":{{"runtime":{{"version":"1"}}}},"container":{container},"interface":{{}}}}'
    task_json = f'{{"id":{identity},"spec":{{"template":{template}}}}}'
    yield _text(function, "a task of many elements, JSON", "tasks", task_json)
    yield _post(function, "a workflow of a large task", "workflows", workflow_request())
    yield _post(function, "a launch plan", "launch_plans", launch_plan_request())
    plan = launch_plan_request("annotated")
    plan.spec.annotations.values.update({f"{number:x}": "" for number in range(300_000)})
    yield _post(function, "a launch plan of many annotations", "launch_plans", plan)


def _creates() -> Iterator[Largest]:
    spec = ExecutionSpec(launch_plan=identifier(LAUNCH_PLAN, "doubling"))
    spec.envs.MergeFromString(b"\x0a\x00" * (ELEMENTS // 10))  # a cluster takes few in a resource
    for number in range(2):
        request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=f"large{number}", spec=spec)
        request.inputs.literals["x"].CopyFrom(integer(1))
        yield _post("create_execution", "a task of many elements and an environment", "executions", request)
    spec.launch_plan.name = "annotated"
    spec.envs.MergeFromString(b"\x0a\x00" * (ELEMENTS * 9 // 10))
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name="refused", spec=spec)
    request.inputs.literals["x"].CopyFrom(integer(1))
    what = "a launch plan and an environment of many elements, refused"
    yield _post("create_execution", what, "executions", request)


def _events() -> Iterator[Largest]:
    stored_execution()
    for what, event in (("many parts", _of_parts(0)), ("many elements", _of_elements())):
        request = TaskExecutionEventRequest(event=event)
        yield _post("record_event", f"a task event of {what}", "events/tasks", request)
    for first in (0, 10):
        nodes = [f"n{first + number}" for number in range(10)]
        claims = [
            seal(Kind.TASK, b"", claim=_claim(_of_parts(n, node)), execution=_RUN) for n, node in enumerate(nodes)
        ]
        records = [queue_record(body, first + number) for number, body in enumerate(claims, 1)]
        yield Largest("process_event", "ten task events of many parts", batch(records))
    for what, events_of in (("many parts", _of_parts), ("large custom information", _of_custom_info)):
        claims = [_claim(events_of(number, what)) for number in range(10)]
        bodies = [seal(Kind.TASK, b"", claim=claim, execution=_RUN) for claim in claims]
        records = [queue_record(body, 100 + number) for number, body in enumerate(bodies)]
        yield Largest("process_event", f"ten task events of {what}, of one attempt", batch(records))


def _of_parts(number: int, node: str = "n0") -> TaskExecutionEvent:
    event = task_event("RUNNING", number, node=node)
    event.MergeFrom(TaskExecutionEvent(reasons=[{"reason": f"{number}-{part}"} for part in range(PARTS)]))
    return event


def _of_custom_info(number: int, node: str) -> TaskExecutionEvent:
    event = task_event("RUNNING", number, node=node)
    event.custom_info.update({f"{number}{entry:x}": None for entry in range(200_000)})
    return event


def _of_elements() -> TaskExecutionEvent:
    event = task_event("RUNNING", 1)
    event.metadata.MergeFromString(b"\x1a\x00" * ELEMENTS)
    return event


def _claim(event: TaskExecutionEvent) -> str:
    return store_claim(event.SerializeToString(deterministic=True), _RUN, Kind.TASK)


def _signals() -> Iterator[Largest]:
    for number in range(3):
        identity = SignalIdentifier(execution_id=execution_id(), signal_id=f"s{number}")
        kind = LiteralType(collection_type=LiteralType(simple="INTEGER"))
        made = SignalGetOrCreateRequest(id=identity, type=kind)
        yield _post("manage_signals", "a signal", _path("GetOrCreateSignal"), made)
        value = Literal(collection=LiteralCollection())
        value.collection.literals.extend([integer(1)] * 20_000)
        yield _post("manage_signals", "a value of many elements", "signals", SignalSetRequest(id=identity, value=value))
    yield _get("manage_signals", "a list", f"signals/{PROJECT}/{DOMAIN}/run", _JSON, {"limit": "1000"})


def _reads() -> Iterator[Largest]:
    many = {"limit": "1000"}
    outputs = LiteralMap()
    outputs.literals["x"].collection.MergeFromString(b"\x0a\x00" * 1_500_000)
    uri = storage.write_once(outputs.SerializeToString(), "metadata", "outputs")
    apply_now(node_event("SUCCEEDED", 9, node="n0", output_uri=uri))
    for accept in (_JSON, OCTETS):
        for kind in ("tasks", "workflows", "launch_plans"):
            yield _get("get_entities", f"a list of {kind}", f"{kind}/{PROJECT}/{DOMAIN}", accept, many)
        workflow = f"workflows/{PROJECT}/{DOMAIN}/doubling/v1"
        yield _get("get_entities", "a workflow", workflow, accept)
        yield _get("get_executions", "a list of executions", f"executions/{PROJECT}/{DOMAIN}", accept, many)
        yield _get("get_executions", "a list of attempts", f"task_executions/{PROJECT}/{DOMAIN}/run/n1", accept, many)
        yield _get("get_executions", "outputs", f"data/node_executions/{PROJECT}/{DOMAIN}/run/n0", accept)


def _small() -> Iterator[Largest]:
    """Yield requests of functions whose answers and rows are small: only the body can be large."""
    letters = "x" * (MAX_BODY_BYTES - 1000)
    end = f'{{"cause":"{letters}"}}'
    yield _text("terminate_execution", "a long cause", f"executions/{PROJECT}/{DOMAIN}/large0", end, "DELETE")
    for function, method, path in (
        ("update_execution", "PUT", f"executions/{PROJECT}/{DOMAIN}/large0"),
        ("data_proxy", "POST", "dataproxy/artifact_urn"),
        ("manage_projects", "POST", "projects"),
        ("get_server_info", "POST", "nothing"),
    ):
        yield _text(function, "a long body, refused", path, f'{{"project":"{letters}"}}', method)
    image = {
        "execution": {"S": _RUN},
        "part": {"S": "state"},
        "phase": {"S": "FAILED"},
        "error": {"B": base64.b64encode(b"x" * 32_000).decode()},
    }
    change = {"SequenceNumber": "1", "Keys": {"execution": {"S": _RUN}}, "NewImage": image, "OldImage": image}
    yield Largest("notify", "rows with long errors", batch([{"dynamodb": change}] * 60))


def _path(rpc: str) -> str:
    return routes_of(rpc)[0].template.removeprefix("/api/v1/")
