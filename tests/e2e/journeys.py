"""What users, propeller and operators do with a deployed stack; each raises when something does not show."""

import base64
import hashlib
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flyteidl.admin.common_pb2 import (
    NamedEntity,
    NamedEntityGetRequest,
    NamedEntityIdentifier,
    NamedEntityIdentifierList,
    NamedEntityIdentifierListRequest,
    NamedEntityList,
    NamedEntityListRequest,
    NamedEntityUpdateRequest,
    NamedEntityUpdateResponse,
    ObjectGetRequest,
    ResourceListRequest,
    Sort,
)
from flyteidl.admin.description_entity_pb2 import (
    Description,
    DescriptionEntity,
    DescriptionEntityList,
    DescriptionEntityListRequest,
)
from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
    NodeExecutionEventResponse,
    TaskExecutionEventRequest,
    TaskExecutionEventResponse,
)
from flyteidl.admin.execution_pb2 import (
    EXECUTION_ARCHIVED,
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionList,
    ExecutionSpec,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
    ExecutionUpdateRequest,
    ExecutionUpdateResponse,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.admin.launch_plan_pb2 import (
    ACTIVE,
    ActiveLaunchPlanListRequest,
    ActiveLaunchPlanRequest,
    LaunchPlan,
    LaunchPlanList,
    LaunchPlanUpdateRequest,
    LaunchPlanUpdateResponse,
)
from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionForTaskListRequest,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
    NodeExecutionList,
    NodeExecutionListRequest,
)
from flyteidl.admin.project_pb2 import (
    Project,
    ProjectGetRequest,
    ProjectListRequest,
    ProjectRegisterRequest,
    ProjectRegisterResponse,
    Projects,
    ProjectUpdateResponse,
)
from flyteidl.admin.signal_pb2 import (
    Signal,
    SignalGetOrCreateRequest,
    SignalList,
    SignalListRequest,
    SignalSetRequest,
    SignalSetResponse,
)
from flyteidl.admin.task_execution_pb2 import (
    TaskExecution,
    TaskExecutionGetDataRequest,
    TaskExecutionGetDataResponse,
    TaskExecutionGetRequest,
    TaskExecutionList,
    TaskExecutionListRequest,
)
from flyteidl.admin.task_pb2 import Task, TaskCreateRequest, TaskCreateResponse, TaskList, TaskSpec
from flyteidl.admin.version_pb2 import GetVersionRequest, GetVersionResponse
from flyteidl.admin.workflow_pb2 import (
    Workflow,
    WorkflowCreateRequest,
    WorkflowCreateResponse,
    WorkflowList,
    WorkflowSpec,
)
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.execution_pb2 import TaskExecution as TaskExecutionPhase
from flyteidl.core.identifier_pb2 import (
    TASK,
    WORKFLOW,
    Identifier,
    NodeExecutionIdentifier,
    SignalIdentifier,
    TaskExecutionIdentifier,
    WorkflowExecutionIdentifier,
)
from flyteidl.core.literals_pb2 import Literal, LiteralMap, Primitive, Scalar
from flyteidl.core.tasks_pb2 import Container, RuntimeMetadata, TaskMetadata, TaskTemplate
from flyteidl.core.types_pb2 import INTEGER, LiteralType
from flyteidl.core.workflow_pb2 import Node, TaskNode, WorkflowTemplate
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from flyteidl.service.dataproxy_pb2 import (
    ARTIFACT_TYPE_DECK,
    CreateDownloadLinkRequest,
    CreateDownloadLinkResponse,
    CreateDownloadLocationRequest,
    CreateDownloadLocationResponse,
    CreateUploadLocationRequest,
    CreateUploadLocationResponse,
    GetDataRequest,
    GetDataResponse,
)
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from flyteadmin.events.envelope import Kind, seal
from flyteadmin.events.service import group_of
from flyteadmin.identifiers import execution_key
from flyteadmin.notifications.messages import Notification
from local.admin import Admin, CallFailed
from local.cluster.faults import Fault
from local.cluster.process import RunningCluster
from local.demo.subscriber import Subscriber
from local.stack import DOMAIN, PROJECT, Stack
from tests.e2e.waiting import eventually
from tests.registration import register
from tests.workflows import BROKEN_REPORT, ECHOED_REPORT, FAILURE, WAITING_REPORT

ENDS = {WorkflowExecution.SUCCEEDED, WorkflowExecution.FAILED, WorkflowExecution.ABORTED}


@dataclass(frozen=True)
class Traveller:
    """Who goes on the journeys: a stack, a subscriber, and how long to wait for anything."""

    stack: Stack
    subscriber: Subscriber
    patience: float = 60

    @property
    def admin(self) -> Admin:
        return self.stack.admin()

    def eventually[R](self, look: Callable[[], R | None], what: str) -> R:
        """What `look` gives once it gives something."""
        return eventually(look, what, self.patience)


def all_journeys(traveller: Traveller) -> Iterator[Callable[[], None]]:
    """Every journey, to be taken in this order."""
    version = f"v{uuid.uuid4().hex[:10]}"
    yield lambda: projects(traveller, f"p{uuid.uuid4().hex[:10]}")
    yield lambda: entities(traveller, version)
    yield lambda: a_run(traveller, version)
    yield lambda: a_failing_run(traveller, version)
    yield lambda: a_task_by_itself(traveller, version)
    yield lambda: signals(traveller, version)
    yield lambda: an_abort(traveller, version)
    yield lambda: an_abort_of_what_never_ran(traveller, version)
    yield lambda: a_refusal(traveller, version)
    yield lambda: events_of_all_sizes(traveller, version)
    yield lambda: data(traveller, version)


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


def projects(traveller: Traveller, name: str) -> None:
    admin = traveller.admin
    admin.call("RegisterProject", ProjectRegisterRequest(project=Project(id=name, name=name)), ProjectRegisterResponse)
    admin.call("UpdateProject", Project(id=name, description="for the tests"), ProjectUpdateResponse)
    assert admin.call("GetProject", ProjectGetRequest(id=name), Project).description == "for the tests"
    listed = admin.call("ListProjects", ProjectListRequest(limit=100), Projects)
    assert {PROJECT, name} <= {project.id for project in listed.projects}


def large_task(version: str, number: int) -> TaskTemplate:
    """A task whose arguments alone are 1.5 MB."""
    return TaskTemplate(
        id=Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=f"large-{number}", version=version),
        type="container",
        metadata=TaskMetadata(runtime=RuntimeMetadata(type=RuntimeMetadata.FLYTE_SDK, version="1", flavor="python")),
        interface={},
        container=Container(image="python:3.12", args=["x" * 1_500_000]),
    )


def entities(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    for task in (large_task(version, number) for number in range(3)):
        admin.call("CreateTask", TaskCreateRequest(id=task.id, spec=TaskSpec(template=task)), TaskCreateResponse)
    identifier = Identifier(resource_type=WORKFLOW, project=PROJECT, domain=DOMAIN, name="large", version=version)
    nodes = [Node(id=f"n{n}", task_node=TaskNode(reference_id=large_task(version, n).id)) for n in range(3)]
    spec = WorkflowSpec(
        template=WorkflowTemplate(id=identifier, interface={}, nodes=nodes),
        description=DescriptionEntity(long_description=Description(value="a large one")),
    )
    admin.call("CreateWorkflow", WorkflowCreateRequest(id=identifier, spec=spec), WorkflowCreateResponse)
    large = Workflow.FromString(followed(traveller, "GetWorkflow", ObjectGetRequest(id=identifier)))
    assert len(large.closure.compiled_workflow.tasks) == 3
    launch_plan = register(admin, ECHOED_REPORT, PROJECT, DOMAIN, version).launch_plan
    register(admin, BROKEN_REPORT, PROJECT, DOMAIN, version)
    register(admin, WAITING_REPORT, PROJECT, DOMAIN, version)
    admin.call("UpdateLaunchPlan", LaunchPlanUpdateRequest(id=launch_plan, state=ACTIVE), LaunchPlanUpdateResponse)
    name = {"project": PROJECT, "domain": DOMAIN, "name": launch_plan.name}
    active = admin.call("GetActiveLaunchPlan", ActiveLaunchPlanRequest(id=name), LaunchPlan)
    assert active.id.version == version
    scope = ActiveLaunchPlanListRequest(project=PROJECT, domain=DOMAIN, limit=10)
    assert admin.call("ListActiveLaunchPlans", scope, LaunchPlanList).launch_plans
    assert admin.call("GetLaunchPlan", ObjectGetRequest(id=launch_plan), LaunchPlan).id == launch_plan
    assert admin.call("GetTask", ObjectGetRequest(id=large_task(version, 0).id), Task).id.version == version
    lists(admin, launch_plan.name, version)
    names(admin, identifier)


def names(admin: Admin, workflow: Identifier) -> None:
    name = NamedEntityIdentifier(project=workflow.project, domain=workflow.domain, name=workflow.name)
    update = NamedEntityUpdateRequest(resource_type=WORKFLOW, id=name, metadata={"description": "a large one"})
    admin.call("UpdateNamedEntity", update, NamedEntityUpdateResponse)
    found = admin.call("GetNamedEntity", NamedEntityGetRequest(resource_type=WORKFLOW, id=name), NamedEntity)
    assert found.metadata.description == "a large one"
    described = admin.call("GetDescriptionEntity", ObjectGetRequest(id=workflow), DescriptionEntity)
    assert described.long_description.value == "a large one"
    assert admin.call("GetVersion", GetVersionRequest(), GetVersionResponse).control_plane_version.Version
    list_names(admin, name)


def list_names(admin: Admin, name: NamedEntityIdentifier) -> None:
    descriptions = DescriptionEntityListRequest(resource_type=WORKFLOW, id=name, limit=1)
    for key in ("created_at", "version"):
        descriptions.sort_by.key = key
        listed = admin.call("ListDescriptionEntities", descriptions, DescriptionEntityList)
        assert listed.descriptionEntities
    entities = NamedEntityListRequest(resource_type=WORKFLOW, project=PROJECT, domain=DOMAIN, limit=1000)
    for entities.filters in ("", "eq(state,0)"):
        assert name in [each.id for each in admin.call("ListNamedEntities", entities, NamedEntityList).entities]


def lists(admin: Admin, name: str, version: str) -> None:
    """Lists by each index that there is."""
    for rpc, each, answer in (("ListTasks", "large-0", TaskList), ("ListWorkflows", name, WorkflowList)):
        for of, filters, sort in (
            (each, "", "created_at"),
            (each, "", "version"),
            ("", "", "created_at"),
            ("", "", "name"),
            ("", f"eq(version,{version})", "created_at"),
        ):
            assert listed(admin, rpc, answer, of, filters, sort).ByteSize()
    for of, filters, sort in (
        (name, "", "created_at"),
        (name, "", "version"),
        (name, "", "updated_at"),
        ("", "", "created_at"),
        ("", "", "updated_at"),
        ("", "", "name"),
        ("", f"eq(version,{version})", "created_at"),
        ("", "eq(state,1)", "created_at"),
        ("", f"eq(workflow.name,{name})", "created_at"),
        ("", f"eq(workflow.name,{name})+eq(workflow.version,{version})", "created_at"),
        ("", "ne(schedule_type,NONE)", "created_at"),
    ):
        found = listed(admin, "ListLaunchPlans", LaunchPlanList, of, filters, sort)
        assert found.ByteSize() or "schedule" in filters
    for rpc in ("ListTaskIds", "ListWorkflowIds", "ListLaunchPlanIds"):
        names = NamedEntityIdentifierListRequest(project=PROJECT, domain=DOMAIN, limit=5)
        assert admin.call(rpc, names, NamedEntityIdentifierList).entities


def listed[M: Message](admin: Admin, rpc: str, of: type[M], name: str, filters: str, sort: str) -> M:
    scope = {"project": PROJECT, "domain": DOMAIN, "name": name}
    request = ResourceListRequest(id=scope, limit=1, filters=filters, sort_by=Sort(key=sort))
    return admin.call(rpc, request, of)


def create(traveller: Traveller, name: str, version: str) -> WorkflowExecutionIdentifier:
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=ExecutionSpec())
    identifier = Identifier(resource_type=3, project=PROJECT, domain=DOMAIN, name=name, version=version)  # type: ignore[arg-type]
    request.spec.launch_plan.CopyFrom(identifier)
    request.inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    return traveller.admin.call("CreateExecution", request, ExecutionCreateResponse).id


def get(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> Execution:
    return traveller.admin.call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)


def ended(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> Execution:
    def look() -> Execution | None:
        execution = get(traveller, identifier)
        return execution if execution.closure.phase in ENDS else None

    return traveller.eventually(look, f"an end of {identifier.name}")


def a_run(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    execution = ended(traveller, create(traveller, "tests.workflows.echoed_report", version))
    assert execution.closure.phase == WorkflowExecution.SUCCEEDED
    assert notified(traveller, execution).phase == "SUCCEEDED"
    data = WorkflowExecutionGetDataRequest(id=execution.id)
    assert admin.call("GetExecutionData", data, WorkflowExecutionGetDataResponse).full_outputs.literals
    archiving(admin, execution)
    nodes = admin.call(
        "ListNodeExecutions", NodeExecutionListRequest(workflow_execution_id=execution.id, limit=20), NodeExecutionList
    )
    by_id = {node.id.node_id: node for node in nodes.node_executions}
    assert {"n0", "n1", "n2"} <= set(by_id)
    node = by_id["n0"].id
    assert admin.call("GetNodeExecution", NodeExecutionGetRequest(id=node), NodeExecution).closure.output_uri
    of_node = NodeExecutionGetDataRequest(id=node)
    assert admin.call("GetNodeExecutionData", of_node, NodeExecutionGetDataResponse).full_inputs.literals
    attempts = admin.call(
        "ListTaskExecutions", TaskExecutionListRequest(node_execution_id=node, limit=5), TaskExecutionList
    )
    [attempt] = attempts.task_executions
    assert (
        admin.call("GetTaskExecution", TaskExecutionGetRequest(id=attempt.id), TaskExecution).closure.logs is not None
    )
    of_task = TaskExecutionGetDataRequest(id=attempt.id)
    assert admin.call("GetTaskExecutionData", of_task, TaskExecutionGetDataResponse).full_outputs.literals


def archiving(admin: Admin, execution: Execution) -> None:
    """Lists show it, by its name too, until it is archived."""
    for name in (execution.id.name, ""):
        request = ResourceListRequest(id={"project": PROJECT, "domain": DOMAIN, "name": name}, limit=5)
        assert execution.id in [each.id for each in admin.call("ListExecutions", request, ExecutionList).executions]
    archived = ExecutionUpdateRequest(id=execution.id, state=EXECUTION_ARCHIVED)
    admin.call("UpdateExecution", archived, ExecutionUpdateResponse)
    assert execution.id not in [each.id for each in admin.call("ListExecutions", request, ExecutionList).executions]


def a_task_by_itself(traveller: Traveller, version: str) -> None:
    """Launched twice by one call that is sent again; its skeleton comes into being with it."""
    name = "tests.workflows.echo_days"
    task = Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=name, version=version)
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=task))
    request.inputs.literals["days"].scalar.primitive.integer = 3
    again = Admin(traveller.admin.api, {"idempotency-key": version})
    first, second = (again.call("CreateExecution", request, ExecutionCreateResponse).id for _ in range(2))
    assert first == second
    execution = ended(traveller, first)
    assert execution.closure.phase == WorkflowExecution.SUCCEEDED
    assert execution.closure.workflow_id.name == f".flytegen.{name}"


def signals(traveller: Traveller, name: str) -> None:
    """A gate asks twice, between which somebody sets what it waits for."""
    admin = traveller.admin
    execution = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)
    identifier = SignalIdentifier(signal_id="approve", execution_id=execution)
    asked = SignalGetOrCreateRequest(id=identifier, type=LiteralType(simple=INTEGER))
    assert not admin.call("GetOrCreateSignal", asked, Signal).HasField("value")
    value = Literal(scalar=Scalar(primitive=Primitive(integer=5)))
    admin.call("SetSignal", SignalSetRequest(id=identifier, value=value), SignalSetResponse)
    assert admin.call("GetOrCreateSignal", asked, Signal).value == value
    listed = admin.call("ListSignals", SignalListRequest(workflow_execution_id=execution, limit=5), SignalList)
    assert [each.value for each in listed.signals] == [value]


def a_failing_run(traveller: Traveller, version: str) -> None:
    execution = ended(traveller, create(traveller, "tests.workflows.broken_report", version))
    assert (execution.closure.phase, FAILURE in execution.closure.error.message) == (WorkflowExecution.FAILED, True)
    notification = notified(traveller, execution)
    assert notification.error is not None
    assert FAILURE in notification.error.message


def notified(traveller: Traveller, execution: Execution) -> Notification:
    try:
        return traveller.subscriber.wait_for(execution.id.name, traveller.patience)
    except TimeoutError as error:
        raise AssertionError(str(error)) from None


def terminate(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> None:
    request = ExecutionTerminateRequest(id=identifier, cause="no longer needed")
    traveller.admin.call("TerminateExecution", request, ExecutionTerminateResponse)


def an_abort(traveller: Traveller, version: str) -> None:
    """It waits at a gate, and nobody would come before tomorrow."""
    identifier = create(traveller, "tests.workflows.waiting_report", version)

    def look() -> Execution | None:
        execution = get(traveller, identifier)
        return execution if execution.closure.phase == WorkflowExecution.RUNNING else None

    traveller.eventually(look, f"a start of {identifier.name}")
    terminate(traveller, identifier)
    execution = ended(traveller, identifier)
    assert execution.closure.phase == WorkflowExecution.ABORTED
    assert execution.closure.abort_metadata.cause == "no longer needed"
    assert notified(traveller, execution).phase == "ABORTED"


def an_abort_of_what_never_ran(traveller: Traveller, version: str) -> None:
    """The cluster did not take it, so that no event would ever end it."""
    cluster = traveller.stack.cluster
    assert isinstance(cluster, RunningCluster)
    cluster.add_fault(Fault(verb="create", code=500))
    identifier = create(traveller, "tests.workflows.waiting_report", version)
    terminate(traveller, identifier)
    assert get(traveller, identifier).closure.phase == WorkflowExecution.ABORTED


def a_refusal(traveller: Traveller, version: str) -> None:
    cluster = traveller.stack.cluster
    assert isinstance(cluster, RunningCluster)
    cluster.add_fault(Fault(verb="create", code=403, reason="Forbidden", message="no more workflows"))
    execution = get(traveller, create(traveller, "tests.workflows.echoed_report", version))
    assert "no more workflows" in execution.closure.error.message


def events_of_all_sizes(traveller: Traveller, version: str) -> None:
    """Events beside the engine's: too large for the queue, sent twice, without admission, and no event at all."""
    cluster = traveller.stack.cluster
    assert isinstance(cluster, RunningCluster)
    cluster.add_fault(Fault(verb="create", code=500))
    identifier = create(traveller, "tests.workflows.echoed_report", version)
    large_events(traveller, identifier)
    large_attempt(traveller, identifier)
    send_raw(traveller, identifier, '{"kind": "node", "event": "bm8gZXZlbnQ="}')
    failed = WorkflowExecutionEvent(
        execution_id=identifier,
        phase=WorkflowExecution.FAILED,
        occurred_at=now(),
        error=ExecutionError(code="E2E", message="x" * 10_000),
    )
    send_raw(traveller, identifier, seal(Kind.WORKFLOW, failed.SerializeToString()))
    assert ended(traveller, identifier).closure.error.code == "E2E"
    assert "INVALID_ARGUMENT" in traveller.eventually(lambda: set_aside(traveller, identifier), "a dead letter")


def large_events(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> None:
    """The outputs of a node: 4.5 MB in S3 for one event, 1 MB in the event itself for another, which comes twice."""
    bucket = traveller.stack.outputs["Bucket"]
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 4_500_000
    key = f"metadata/e2e/{identifier.name}/outputs.pb"
    traveller.stack.endpoint.client("s3").put_object(Bucket=bucket, Key=key, Body=outputs.SerializeToString())
    node = NodeExecutionIdentifier(node_id="n0", execution_id=identifier)
    send_node(traveller, NodeExecutionEvent(id=node, phase=3, occurred_at=now(), output_uri=f"s3://{bucket}/{key}"))  # type: ignore[arg-type]
    other = NodeExecutionIdentifier(node_id="n1", execution_id=identifier)
    inline = LiteralMap()
    inline.literals["x"].scalar.primitive.string_value = "x" * 1_000_000
    for _ in range(2):
        send_node(traveller, NodeExecutionEvent(id=other, phase=3, occurred_at=now(), output_data=inline))  # type: ignore[arg-type]
    request = NodeExecutionGetDataRequest(id=node)

    def look() -> bytes | None:
        try:
            return followed(traveller, "GetNodeExecutionData", request)
        except CallFailed:
            return None

    body = traveller.eventually(look, "the node that was sent")
    assert NodeExecutionGetDataResponse.FromString(body).full_outputs == outputs
    of_other = NodeExecutionGetDataRequest(id=other)

    def look_again() -> NodeExecutionGetDataResponse | None:
        try:
            return traveller.admin.call("GetNodeExecutionData", of_other, NodeExecutionGetDataResponse)
        except CallFailed:
            return None

    assert traveller.eventually(look_again, "the node with the large event").full_outputs == inline


def data(traveller: Traveller, version: str) -> None:
    """Files go up and down through signed URLs, and data is looked at by its flyte:// URL."""
    uploads(traveller, version)
    execution = ended(traveller, create(traveller, "tests.workflows.echoed_report", version))
    base = f"flyte://v1/{PROJECT}/{DOMAIN}/{execution.id.name}"
    admin = traveller.admin
    for url in (f"{base}/n0/i", f"{base}/n0/0/o"):
        assert admin.call("GetData", GetDataRequest(flyte_url=url), GetDataResponse).literal_map.literals
    raw = f"s3://{traveller.stack.outputs['Bucket']}/raw/{execution.id.name}/file"
    deck = f"s3://{traveller.stack.outputs['Bucket']}/metadata/e2e/{execution.id.name}/deck.html"
    for target in (raw, deck):
        store(traveller, target, b"content")
    assert downloaded(admin, raw) == b"content"
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 4_500_000
    large = f"{deck}.outputs.pb"
    store(traveller, large, outputs.SerializeToString())
    node = NodeExecutionIdentifier(node_id="late", execution_id=execution.id)
    event = NodeExecutionEvent(id=node, phase=3, occurred_at=now(), deck_uri=deck, output_uri=large)  # type: ignore[arg-type]
    send_node(traveller, event)
    request = CreateDownloadLinkRequest(artifact_type=ARTIFACT_TYPE_DECK, node_execution_id=node)

    def look() -> CreateDownloadLinkResponse | None:
        try:
            return admin.call("CreateDownloadLink", request, CreateDownloadLinkResponse)
        except CallFailed:
            return None

    [link] = traveller.eventually(look, "the deck of the node that was sent").signed_url
    assert fetched(link) == b"content"
    body = followed(traveller, "GetData", GetDataRequest(flyte_url=f"{base}/late/o"))
    assert GetDataResponse.FromString(body).literal_map == outputs


def uploads(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    request = CreateUploadLocationRequest(
        project=PROJECT, domain=DOMAIN, filename="code.tar", filename_root=version, add_content_md5_metadata=True
    )
    request.content_md5 = hashlib.md5(b"code").digest()
    for _ in range(2):
        location = admin.call("CreateUploadLocation", request, CreateUploadLocationResponse)
        headers = {"Content-MD5": base64.b64encode(request.content_md5).decode(), **location.headers}
        fetched(urllib.request.Request(location.signed_url, b"code", headers, method="PUT"))
    assert downloaded(admin, location.native_url) == b"code"


def downloaded(admin: Admin, native_url: str) -> bytes:
    request = CreateDownloadLocationRequest(native_url=native_url)
    return fetched(admin.call("CreateDownloadLocation", request, CreateDownloadLocationResponse).signed_url)


def store(traveller: Traveller, target: str, content: bytes) -> None:
    bucket, _, key = target.removeprefix("s3://").partition("/")
    traveller.stack.endpoint.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def fetched(request: str | urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error}: {error.read()[:500]!r}") from None


def large_attempt(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> None:
    """A task attempt whose closure outgrows its row, so that the next event finds it in S3."""
    admin = traveller.stack.admin(traveller.stack.propeller)
    attempt = TaskExecutionIdentifier(
        task_id=Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name="large", version="v1"),
        node_execution_id=NodeExecutionIdentifier(node_id="n0", execution_id=identifier),
    )
    for phase in (TaskExecutionPhase.RUNNING, TaskExecutionPhase.SUCCEEDED):
        event = TaskExecutionEvent(
            task_id=attempt.task_id,
            parent_node_execution_id=attempt.node_execution_id,
            phase=phase,
            occurred_at=now(),
            reason=f"{phase} {'x' * 50_000}",
        )
        admin.call("CreateTaskEvent", TaskExecutionEventRequest(event=event), TaskExecutionEventResponse)

    def look() -> TaskExecution | None:
        try:
            found = admin.call("GetTaskExecution", TaskExecutionGetRequest(id=attempt), TaskExecution)
        except CallFailed:
            return None
        return found if found.closure.phase == TaskExecutionPhase.SUCCEEDED else None

    found = traveller.eventually(look, "the end of the large task")
    assert len(found.closure.reasons) == 2
    request = NodeExecutionForTaskListRequest(task_execution_id=attempt, limit=5)
    assert not admin.call("ListNodeExecutionsForTask", request, NodeExecutionList).node_executions


def send_node(traveller: Traveller, event: NodeExecutionEvent) -> None:
    admin = traveller.stack.admin(traveller.stack.propeller)
    admin.call("CreateNodeEvent", NodeExecutionEventRequest(event=event), NodeExecutionEventResponse)


def send_raw(traveller: Traveller, identifier: WorkflowExecutionIdentifier, body: str) -> None:
    """Put a message into the queue past admission, as a redrive or a foreign producer does."""
    traveller.stack.endpoint.client("sqs").send_message(
        QueueUrl=traveller.stack.outputs["EventsQueueUrl"],
        MessageBody=body,
        MessageGroupId=group_of(execution_key(identifier)),
        MessageDeduplicationId=uuid.uuid4().hex,
    )


def set_aside(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> str | None:
    """The cause that the dead-letter queue gives for a message of an execution."""
    sqs = traveller.stack.endpoint.client("sqs")
    answer = sqs.receive_message(
        QueueUrl=traveller.stack.outputs["DeadLetterQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
        VisibilityTimeout=0,
    )
    group = group_of(execution_key(identifier))
    for message in answer.get("Messages", []):
        if message["MessageAttributes"]["group"]["StringValue"] == group:
            cause: str = message["MessageAttributes"]["cause"]["StringValue"]
            assert message["MessageAttributes"]["sequence"]["StringValue"].isdigit()
            return cause
    return None


def followed(traveller: Traveller, rpc: str, request: Message) -> bytes:
    """The body of an answer that is too large for a function, fetched from where it says."""
    response = traveller.admin.send(rpc, request)
    if not response.ok:
        raise CallFailed(rpc, Status.FromString(response.body))
    assert response.status == 303, response
    return fetched(response.headers["location"])
