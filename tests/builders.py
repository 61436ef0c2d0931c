"""The messages and rows that tests begin with: a test states only what it is about."""

from hashlib import sha256

from flyteidl.core.identifier_pb2 import (
    TASK,
    Identifier,
    NodeExecutionIdentifier,
    WorkflowExecutionIdentifier,
)
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.events.envelope import kind_of, seal
from flyteadmin.events.validation import Event
from flyteadmin.executions import leases, repository
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.settings import environment
from flyteadmin.timestamps import NANOSECONDS

PROJECT, DOMAIN = "flytesnacks", "development"
CREATED_AT = 1_700_000_000 * NANOSECONDS


def at(seconds: float) -> Timestamp:
    """So many seconds after the executions of these tests are created."""
    whole = CREATED_AT + int(seconds * NANOSECONDS)
    return Timestamp(seconds=whole // NANOSECONDS, nanos=whole % NANOSECONDS)


def execution_id(name: str = "run") -> WorkflowExecutionIdentifier:
    return WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def node_id(node: str = "n0", execution: str = "run") -> NodeExecutionIdentifier:
    return NodeExecutionIdentifier(node_id=node, execution_id=execution_id(execution))


def task_id(name: str = "task") -> Identifier:
    return Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=name, version="v1")


def workflow_event(
    phase: str, seconds: float = 0, *, execution: str = "run", **fields: object
) -> WorkflowExecutionEvent:
    event = WorkflowExecutionEvent(
        execution_id=execution_id(execution),
        producer_id="propeller",
        phase=phase,
        occurred_at=at(seconds),
    )
    event.MergeFrom(WorkflowExecutionEvent(**fields))  # type: ignore[arg-type]  # whatever the test is about
    return event


def node_event(
    phase: str, seconds: float = 0, *, node: str = "n0", execution: str = "run", **fields: object
) -> NodeExecutionEvent:
    event = NodeExecutionEvent(
        id=node_id(node, execution),
        producer_id="propeller",
        phase=phase,
        occurred_at=at(seconds),
        spec_node_id=node,
        event_version=1,
    )
    event.MergeFrom(NodeExecutionEvent(**fields))  # type: ignore[arg-type]  # whatever the test is about
    return event


def task_event(
    phase: str, seconds: float = 0, *, node: str = "n0", execution: str = "run", attempt: int = 0, **fields: object
) -> TaskExecutionEvent:
    event = TaskExecutionEvent(
        task_id=task_id(),
        parent_node_execution_id=node_id(node, execution),
        retry_attempt=attempt,
        producer_id="propeller",
        phase=phase,
        occurred_at=at(seconds),
        task_type="python-task",
        event_version=1,
    )
    event.MergeFrom(TaskExecutionEvent(**fields))  # type: ignore[arg-type]  # whatever the test is about
    return event


def message_body(event: Event) -> str:
    """Return an event as it lies in the queue."""
    return seal(kind_of(event), event.SerializeToString(deterministic=True))


def stored_execution(
    name: str = "run", *, cluster: str = "east", principal: str = "", nesting: int = 0
) -> ExecutionState:
    """Return an execution that was created and has no event yet, with its lease, in the tables."""
    key = f"{PROJECT}:{DOMAIN}:{name}"
    launch_plan = f"{PROJECT}:{DOMAIN}:plan"
    state = ExecutionState(
        execution=key,
        phase="UNDEFINED",
        cluster=cluster,
        created_at=CREATED_AT,
        updated_at=CREATED_AT,
        launch_plan=launch_plan,
        launch_plan_version="v1",
        workflow=f"{PROJECT}:{DOMAIN}:workflow",
        workflow_version="v1",
    )
    specification = ExecutionSpecification(
        execution=key,
        spec=b"",
        principal=principal,
        nesting=nesting,
        workflow_id=Identifier(project=PROJECT, domain=DOMAIN, name="workflow", version="v1").SerializeToString(),
        inputs_uri="",
        user_inputs_uri="",
    )
    of_these_tables = f"{environment().table_prefix}{name}"  # a database remembers tokens of other tables' tests too
    repository.create(state, specification, sha256(of_these_tables.encode()).hexdigest()[:36])
    return state


def lease_of(state: ExecutionState) -> object:
    """Return the lease of an execution in the tables, None once it has ended."""
    from flyteadmin.clients.dynamodb.reads import get  # noqa: PLC0415

    return get(leases.key(state.launch_plan, state.execution))
