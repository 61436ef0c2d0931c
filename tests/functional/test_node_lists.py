"""Lists of nodes and of task executions answer as upstream's SQL would: any filters, pages of any size."""

import pytest
from flyteidl.admin.node_execution_pb2 import NodeExecutionList
from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure, TaskExecutionList
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.identifier_pb2 import Identifier, TaskExecutionIdentifier
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Code
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.executions.repository import set_index_keys
from flyteadmin.identifiers import children_key, task_execution_key
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.task_executions.models import TaskExecutionRow
from flyteadmin.timestamps import NANOSECONDS, to_duration, to_timestamp
from functions.get_executions.handler import lambda_handler as get_executions
from tests.builders import DOMAIN, PROJECT, node_id
from tests.sql_oracle import FIRST, Ask, Cell, Database, Listing, error_of, moment, requests_made, second, some_filters

pytestmark = pytest.mark.usefixtures("aws")

ANY = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIRECTIONS = {"ASCENDING": "ASC", "DESCENDING": "DESC"}
MOMENTS = [moment(-1), moment(0), moment(9), moment(20), moment(100)]
SCOPE = f"{PROJECT}:{DOMAIN}"
RUN = f"{SCOPE}:run"

NODES = Listing(get_executions, f"node_executions/{PROJECT}/{DOMAIN}/run", NodeExecutionList)
TASKS = Listing(get_executions, f"task_executions/{PROJECT}/{DOMAIN}/run/n0", TaskExecutionList)


def some_nodes() -> tuple[Database, str]:
    """Return the children of a node, and that node's id."""
    rows, known = list[NodeExecutionRow](), list[dict[str, Cell]]()
    phases = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "SKIPPED"]
    for number, phase in enumerate(phases * 5):
        at, is_ended = second(number * 7 % 25), phase in {"SUCCEEDED", "FAILED"}
        is_started = is_ended or phase == "RUNNING"
        error = error_of(phase, number)
        parent = ("", "n0")[number // 5 % 2]
        row = NodeExecutionRow(
            execution=RUN,
            node_id=f"n{number}",
            phase=phase,
            sequence="1",
            created_at=at,
            started_at=at + NANOSECONDS if is_started else None,
            ended_at=at + (1 + number) * NANOSECONDS if is_ended else None,
            updated_at=at + number * NANOSECONDS,
            parent=children_key(RUN, node=parent),
            input_uri=f"s3://bucket/{number % 3}",
            error=error.SerializeToString() if error else None,
            error_kind=ExecutionError.ErrorKind.Name(error.kind) if error else None,
            error_code=error.code if error else None,
            cache_status=("CACHE_HIT", None)[number % 2],
            event_version=1,
        )
        rows.append(row)
        cell: dict[str, Cell] = {
            "id": row.node_id,
            "parent": parent,
            "node_id": row.node_id,
            "execution_name": "run",
            "node_execution.execution_name": "run",
            "phase": phase,
            "created_at": at,
            "node_execution_created_at": at,
            "updated_at": int(row.updated_at),
            "node_execution_updated_at": int(row.updated_at),
            "started_at": int(row.started_at) if row.started_at else None,
            "duration": number * NANOSECONDS if is_ended else 0,
            "input_uri": row.input_uri,
            "error_kind": row.error_kind,
            "error_code": row.error_code,
            "cache_status": row.cache_status,
        }
        known.append(cell | running())
    batch_put(rows)
    batch_put(execution_run())
    return Database(known), "n0"


def running() -> dict[str, Cell]:
    """Return the columns of the execution that the nodes and tasks belong to."""
    return {"execution.phase": "RUNNING", "execution.state": 0, "execution.cluster": "east"}


def execution_run() -> list[ExecutionState | ExecutionSpecification]:
    state = ExecutionState(
        execution=RUN,
        phase="RUNNING",
        cluster="east",
        created_at=FIRST,
        updated_at=FIRST,
        launch_plan=f"{SCOPE}:nightly",
        launch_plan_version="v1",
        workflow=f"{SCOPE}:flow",
        workflow_version="v1",
    )
    specification = ExecutionSpecification(
        execution=RUN, spec=b"", workflow_id=b"", inputs_uri="", user_inputs_uri="", principal="ada"
    )
    set_index_keys(state, specification.principal)
    return [state, specification]


OF_THE_EXECUTION = [
    Ask("execution.phase", ["RUNNING", "FAILED"]),
    Ask("execution.state", ["0", "1"], is_text=False),
    Ask("execution.cluster", ["east", "west"]),
]
NODE_ASKS = [
    *OF_THE_EXECUTION,
    Ask("phase", ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "ED"]),
    Ask("node_id", ["n1", "n12", "n"]),
    Ask("execution_name", ["run", "x"]),
    Ask("node_execution.execution_name", ["run", "x"]),
    Ask("created_at", MOMENTS, is_text=False),
    Ask("node_execution_created_at", MOMENTS, is_text=False),
    Ask("updated_at", MOMENTS, is_text=False),
    Ask("node_execution_updated_at", MOMENTS, is_text=False),
    Ask("started_at", MOMENTS, is_text=False),
    Ask("duration", ["0", "3", "10"], is_text=False),
    Ask("input_uri", ["s3://bucket/1", "bucket"]),
    Ask("error_kind", ["USER", "SYSTEM"]),
    Ask("error_code", ["Code0", "Code1"]),
    Ask("cache_status", ["CACHE_HIT", "CACHE_MISS"]),
]


@pytest.mark.conformance("LST-20", "LST-21", "LST-25")
@pytest.mark.parametrize("parent", ["", "n0"])
def test_nodes(parent: str) -> None:
    database, _ = some_nodes()
    listing = Listing(get_executions, NODES.path, NodeExecutionList, {"uniqueParentId": parent})

    @ANY
    @given(
        some_filters(NODE_ASKS),
        st.sampled_from(["created_at", "node_execution_created_at", "id"]),
        st.sampled_from([*DIRECTIONS]),
    )
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        found = [row.id.node_id for row in listing.walk(4, filters, sort, direction)]
        below = f"{filters}+eq(parent,{parent})".removeprefix("+") if parent else f"{filters}+ne(parent,n0)"
        assert found == database.select("id", below.removeprefix("+"), f"created_at {DIRECTIONS[direction]}")

    answers_as_sql()


@pytest.mark.conformance("LST-22")
def test_listed_nodes_errors_are_cut() -> None:
    some_nodes()
    failed = list(NODES.walk(50, "eq(phase,FAILED)"))
    assert {row.closure.error.message for row in failed} == {"ü" * 50}


@pytest.mark.conformance("LST-21")
def test_a_parent_must_be_there() -> None:
    some_nodes()
    answer = NODES.get({"limit": "5", "unique_parent_id": "nowhere"})
    assert (answer.status, answer.message(Status).code) == (404, Code.NOT_FOUND)


def test_the_consoles_page_of_nodes_takes_few_requests() -> None:
    some_nodes()
    with requests_made() as operations:
        (found,) = NODES.pages(10_000, "", "created_at", "ASCENDING")
    assert len(found) == 15
    assert operations == ["Query", "BatchGetItem"]


def some_attempts() -> Database:
    rows, known = list[TaskExecutionRow](), list[dict[str, Cell]]()
    for number in range(12):
        phase = ("RUNNING", "FAILED", "SUCCEEDED")[number % 3]
        at, is_started = second(number * 7 % 12), number % 4 > 0
        task = Identifier(
            resource_type="TASK", project=PROJECT, domain=DOMAIN, name=("double", "triple")[number % 2], version="v1"
        )
        identifier = TaskExecutionIdentifier(task_id=task, node_execution_id=node_id("n0"), retry_attempt=number // 2)
        closure = TaskExecutionClosure(
            phase=phase,
            created_at=to_timestamp(at),
            updated_at=to_timestamp(at + number * NANOSECONDS),
            task_type=("spark", "python-task")[number % 2],
            duration=to_duration(number * NANOSECONDS) if is_started else None,
            started_at=to_timestamp(at + NANOSECONDS) if is_started else None,
            error=ExecutionError(message="x" * 200) if phase == "FAILED" else None,
        )
        execution, attempt = task_execution_key(identifier)
        row = TaskExecutionRow(
            execution=execution,
            attempt_key=attempt,
            identifier=identifier.SerializeToString(),
            phase=phase,
            phase_version=number,
            sequence="1",
            input_uri=None if number % 2 else "s3://bucket/in",
            closure=closure.SerializeToString(),
        )
        rows.append(row)
        cell: dict[str, Cell] = {
            "id": attempt,
            "name": "run",
            "execution_name": "run",
            "node_id": "n0",
            "version": "v1",
            "task.name": task.name,
            "task.type": closure.task_type,
            "task_execution.phase": phase,
            "node_execution.node_id": "n0",
            "node_execution.phase": "QUEUED",
            "retry_attempt": number // 2,
            "phase": phase,
            "phase_version": number,
            "input_uri": row.input_uri or "",
            "created_at": at,
            "task_execution_created_at": at,
            "updated_at": at + number * NANOSECONDS,
            "started_at": at + NANOSECONDS if is_started else None,
            "duration": number * NANOSECONDS if is_started else 0,
        }
        known.append(cell | running())
    batch_put(rows)
    some_nodes()
    return Database(known)


TASK_ASKS = [
    *OF_THE_EXECUTION,
    Ask("name", ["run", "double"]),
    Ask("version", ["v1", "v2"]),
    Ask("task.name", ["double", "triple", "none"]),
    Ask("task.type", ["spark"]),
    Ask("node_execution.node_id", ["n0", "n1"]),
    Ask("node_execution.phase", ["QUEUED", "FAILED"]),
    Ask("task_execution.phase", ["RUNNING", "FAILED"]),
    Ask("node_id", ["n0", "n1"]),
    Ask("retry_attempt", ["0", "3", "9"], is_text=False),
    Ask("phase", ["RUNNING", "FAILED", "SUCCEEDED", "ED"]),
    Ask("phase_version", ["0", "3", "9"], is_text=False),
    Ask("input_uri", ["s3://bucket/in", "in"]),
    Ask("created_at", MOMENTS, is_text=False),
    Ask("task_execution_created_at", MOMENTS, is_text=False),
    Ask("updated_at", MOMENTS, is_text=False),
    Ask("started_at", MOMENTS, is_text=False),
    Ask("duration", ["0", "3", "10"], is_text=False),
]


@pytest.mark.conformance("LST-24", "LST-25")
def test_tasks() -> None:
    database = some_attempts()
    orders = ["created_at", "retry_attempt", "phase", "duration", "started_at", "updated_at", "phase_version"]

    @ANY
    @given(some_filters(TASK_ASKS), st.sampled_from(orders), st.sampled_from([*DIRECTIONS]))
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        found = [task_execution_key(row.id)[1] for row in TASKS.walk(3, filters, sort, direction)]
        by = DIRECTIONS[direction]
        nulls = "LAST" if direction == "ASCENDING" else "FIRST"
        assert found == database.select("id", filters, f'"{sort}" {by} NULLS {nulls}, id {by}')

    answers_as_sql()
    assert {len(row.closure.error.message) for row in TASKS.walk(20, "eq(phase,FAILED)")} == {200}


@pytest.mark.conformance("LST-16", "LST-22", "LST-24")
@pytest.mark.parametrize("listing", [NODES, TASKS], ids=["nodes", "tasks"])
def test_a_list_needs_a_limit(listing: Listing) -> None:
    answer = listing.get({})
    assert (answer.status, answer.message(Status).message.split(":")[0]) == (400, "invalid value for limit")


QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.one_of(st.integers(0, 2**33).map(str), st.text(max_size=5)),
        "token": st.one_of(st.integers(-1, 2**65).map(str), st.text(max_size=12)),
        "filters": st.one_of(some_filters([*NODE_ASKS, *TASK_ASKS]), st.text("eqphas(,)+; \n\x00é", max_size=20)),
        "sort_by.key": st.one_of(st.sampled_from(["created_at", "phase", "spec"]), st.text(max_size=5)),
        "sort_by.direction": st.one_of(st.sampled_from(["ASCENDING", "1", "7", "-1"]), st.text(max_size=5)),
        "unique_parent_id": st.one_of(st.sampled_from(["n0", "x" * 3000]), st.text(max_size=5)),
    },
)


def test_no_query_is_a_server_error() -> None:
    some_attempts()

    @settings(ANY, max_examples=200)
    @given(st.sampled_from([NODES, TASKS]), QUERIES)
    def answers(listing: Listing, query: dict[str, str]) -> None:
        answer = listing.get(query)
        assert answer.status in {200, 400, 404}, (listing.path, query, answer.body)
        if answer.status == 400:
            assert answer.message(Status).code == Code.INVALID_ARGUMENT

    answers()
