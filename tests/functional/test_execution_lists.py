"""Lists of executions answer as upstream's SQL would: any filters, pages of any size."""

from itertools import product

import pytest
from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.execution_pb2 import AbortMetadata, ExecutionList, ExecutionMetadata, ExecutionSpec
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Code
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.executions.phases import ControlPlanePhase, facts_of_control_plane
from flyteadmin.executions.repository import set_index_keys
from flyteadmin.listing.tokens import Cursor, Start, token_of
from flyteadmin.timestamps import NANOSECONDS
from functions.get_executions.handler import lambda_handler as get_executions
from functions.process_event.handler import lambda_handler as process_event
from tests.aws_events import Context, batch, queue_record
from tests.builders import DOMAIN, PROJECT, message_body, stored_execution, workflow_event
from tests.sql_oracle import (
    FIRST,
    Ask,
    Cell,
    Database,
    Listing,
    error_of,
    moment,
    rows_examined,
    second,
    some_filters,
)

pytestmark = pytest.mark.usefixtures("aws")

ANY = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIRECTIONS = {"ASCENDING": "ASC", "DESCENDING": "DESC"}
MOMENTS = [moment(-1), moment(0), moment(9), moment(20), moment(100)]
PHASES = ["UNDEFINED", "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
SCOPES = [f"{PROJECT}:{DOMAIN}", f"{PROJECT}:production"]

EXECUTIONS = Listing(get_executions, f"executions/{PROJECT}/{DOMAIN}", ExecutionList)


def columns_of(entity: str, key: str | None, version: str) -> dict[str, Cell]:
    """Return the columns of an entity that an execution names, empty for one that it does not name."""
    parts = key.split(":") if key else [None] * 3
    values = [*parts, version if key else None]
    return {
        f"{entity}.{field}": value
        for field, value in zip(("project", "domain", "name", "version"), values, strict=True)
    }


def some_executions() -> Database:
    states, specifications, known = list[ExecutionState](), list[ExecutionSpecification](), list[dict[str, Cell]]()
    for number, (scope, phase) in enumerate(product(SCOPES, PHASES * 4)):
        name, at = f"run{number:02d}", second(number * 7 % 48)
        is_started, is_ended = phase not in {"UNDEFINED", "QUEUED"}, phase in {"SUCCEEDED", "FAILED"}
        error = error_of(phase, number)
        cause = ("too slow", "not needed")[number // 6 % 2] if phase == "ABORTED" else ""
        plan, flow = ("nightly", "weekly")[number % 2], ("flow", "flow2")[number // 2 % 2]
        owner = ("shared:library", scope)[number % 5 % 2]
        task = f"{owner}:{('double', 'triple')[number % 2]}" if number % 7 == 3 else None
        metadata = ExecutionMetadata(mode=ExecutionMetadata.ExecutionMode.Name(number % 3))
        row = ExecutionState(
            execution=f"{scope}:{name}",
            phase=phase,
            archived=int(number % 6 == 5),
            cluster=("east", "west")[number % 2],
            created_at=at,
            started_at=at + 2 * NANOSECONDS if is_started else None,
            ended_at=at + (2 + number) * NANOSECONDS if is_ended else None,
            updated_at=at + number * NANOSECONDS,
            error=error.SerializeToString() if error else None,
            error_kind=ExecutionError.ErrorKind.Name(error.kind) if error else None,
            error_code=error.code if error else None,
            abort=AbortMetadata(cause=cause).SerializeToString() if cause else None,
            launch_plan=f"{owner}:{plan}",
            launch_plan_version=f"v{number % 3}",
            workflow=f"{owner}:{flow}",
            workflow_version=f"v{number % 4}",
            task=task,
            task_version="v1" if task else None,
        )
        states.append(row)
        specifications.append(
            ExecutionSpecification(
                execution=row.execution,
                spec=ExecutionSpec(metadata=metadata).SerializeToString(),
                workflow_id=Identifier(name=flow).SerializeToString(),
                principal=("ada", "bob")[number % 2],
                inputs_uri="",
                user_inputs_uri="",
            )
        )
        set_index_keys(row, specifications[-1].principal)
        project, domain = scope.split(":")
        known.append(
            {
                "id": name,
                "domain": domain,
                "execution_project": project,
                "execution_domain": domain,
                "execution_name": name,
                "created_at": at,
                "execution_created_at": at,
                "updated_at": int(row.updated_at),
                "execution_updated_at": int(row.updated_at),
                "started_at": int(row.started_at) if row.started_at else None,
                "duration": number * NANOSECONDS if is_ended else 0,
                "phase": phase,
                "execution.phase": phase,
                "state": int(row.archived),
                "cluster": row.cluster,
                "user": specifications[-1].principal,
                "error_kind": row.error_kind,
                "error_code": row.error_code,
                "abort_cause": cause,
                "mode": number % 3,
                "launch_entity": "task" if task else "launch_plan",
                **columns_of("workflow", row.workflow, row.workflow_version),
                **columns_of("launch_plan", None if task else row.launch_plan, row.launch_plan_version),
                **columns_of("task", task, "v1"),
            }
        )
    batch_put(states)
    batch_put(specifications)
    return Database([row for row in known if row["domain"] == DOMAIN])


EXECUTION_ASKS = [
    Ask("phase", [*PHASES, "TIMED_OUT", "ED"]),
    Ask("execution.phase", PHASES),
    Ask("state", ["0", "1"], is_text=False),
    Ask("created_at", MOMENTS, is_text=False),
    Ask("execution_created_at", MOMENTS, is_text=False),
    Ask("started_at", MOMENTS, is_text=False),
    Ask("updated_at", MOMENTS, is_text=False),
    Ask("execution_updated_at", MOMENTS, is_text=False),
    Ask("duration", ["0", "3", "10", "3600"], is_text=False),
    Ask("execution_name", ["run03", "run1", "run07"]),
    Ask("execution_project", [PROJECT]),
    Ask("execution_domain", [DOMAIN, "production"]),
    Ask("cluster", ["east", "north"]),
    Ask("user", ["ada", "bob", "eve"]),
    Ask("error_kind", ["USER", "SYSTEM"]),
    Ask("error_code", ["Code0", "Code1", "Code"]),
    Ask("abort_cause", ["too slow", "not needed", "slow"]),
    Ask("launch_plan.name", ["nightly", "weekly", "none"]),
    Ask("launch_plan.project", [PROJECT, "shared"]),
    Ask("launch_plan.domain", [DOMAIN, "library"]),
    Ask("launch_plan.version", ["v0", "v1"]),
    Ask("workflow.name", ["flow", "flow2"]),
    Ask("workflow.project", [PROJECT, "shared"]),
    Ask("workflow.domain", [DOMAIN, "library"]),
    Ask("workflow.version", ["v0", "v1", "v3"]),
    Ask("task.name", ["double", "triple", "none"]),
    Ask("task.project", [PROJECT, "shared"]),
    Ask("task.domain", [DOMAIN, "library"]),
    Ask("task.version", ["v1", "v2"]),
    Ask("mode", ["0", "1", "2"], is_text=False),
    Ask("launch_entity", ["task", "launch_plan"]),
]


def by_default(filters: str) -> str:
    """Filters with upstream's default."""
    return filters if "(state," in filters else f"{filters}+eq(state,0)".removeprefix("+")


@pytest.mark.conformance("LST-03", "LST-06", "LST-07", "LST-08", "LST-11", "LST-18")
def test_executions() -> None:
    database = some_executions()

    @settings(ANY, max_examples=200)
    @given(
        some_filters(EXECUTION_ASKS),
        st.sampled_from(["created_at", "execution_created_at", "id"]),
        st.sampled_from([*DIRECTIONS]),
    )
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        found = [row.id.name for row in EXECUTIONS.walk(5, filters, sort, direction)]
        assert found == database.select("id", by_default(filters), f"created_at {DIRECTIONS[direction]}")

    answers_as_sql()


@pytest.mark.conformance("LST-06")
def test_executions_are_found_by_the_cause_of_their_abort() -> None:
    """As upstream, whose column is empty where nothing was aborted."""
    database = some_executions()
    for filters in ("eq(abort_cause,too slow)", "contains(abort_cause,need)", "ne(abort_cause,too slow)"):
        asked = f"{filters}+value_in(state,0;1)"
        found = [row.id.name for row in EXECUTIONS.walk(5, asked)]
        assert found == database.select("id", asked, "created_at DESC")
        assert found


@pytest.mark.conformance("LST-18", "UPD-06")
def test_archived_executions_are_listed_where_they_are_asked_for() -> None:
    database = some_executions()
    assert [row.id.name for row in EXECUTIONS.walk(5)] == database.select("id", "eq(state,0)", "created_at DESC")
    archived = [row.id.name for row in EXECUTIONS.walk(5, "eq(state,1)")]
    assert archived == database.select("id", "eq(state,1)", "created_at DESC")
    assert archived
    both = [row.id.name for row in EXECUTIONS.walk(5, "value_in(state,0;1)")]
    assert both == database.select("id", "", "created_at DESC")


@pytest.mark.conformance("LST-19")
def test_listed_errors_are_cut() -> None:
    some_executions()
    failed = list(EXECUTIONS.walk(50, "eq(phase,FAILED)"))
    assert failed
    assert {row.closure.error.message for row in failed} == {"ü" * 50}
    assert not any(row.spec.HasField("inputs") or row.closure.HasField("computed_inputs") for row in failed)


@pytest.mark.conformance("LST-17")
@pytest.mark.parametrize(("path", "field"), [("executions//d", "project"), ("executions/p/", "domain")])
def test_a_list_of_executions_is_of_a_project_and_domain(path: str, field: str) -> None:
    answer = Listing(get_executions, path, Status).get({"limit": "1"})
    assert answer.status in {400, 404}
    assert not list(Listing(get_executions, "executions/no/where", ExecutionList).walk(1))


@pytest.mark.conformance("LST-17")
def test_a_name_is_that_execution() -> None:
    some_executions()
    named = EXECUTIONS.get({"limit": "5", "id.name": "run07"}).message(ExecutionList)
    assert [row.id.name for row in named.executions] == ["run07"]
    assert named.token == ""


def labelled(
    name: str, *tags: str, project: str = PROJECT, **labels: str
) -> tuple[ExecutionState, ExecutionSpecification]:
    state = ExecutionState(
        execution=f"{project}:{DOMAIN}:{name}",
        phase="RUNNING",
        created_at=FIRST,
        updated_at=FIRST,
        launch_plan=f"{PROJECT}:{DOMAIN}:nightly",
        launch_plan_version="v1",
        workflow=f"{PROJECT}:{DOMAIN}:flow",
        workflow_version="v1",
    )
    set_index_keys(state, "ada")
    spec = ExecutionSpec(labels=Labels(values=labels), tags=tags)
    specification = ExecutionSpecification(
        execution=state.execution,
        spec=spec.SerializeToString(),
        workflow_id=b"",
        principal="ada",
        inputs_uri="",
        user_inputs_uri="",
    )
    return state, specification


@pytest.mark.conformance("LST-12", "KD-33")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("eq(execution_tag.key,team)", ["both", "ml"]),
        ("eq(admin_tag.name,team)", ["both", "ml"]),
        ("eq(admin_tag.name,urgent)", ["both", "tagged"]),
        ("eq(execution_tag.key,team)+eq(execution_tag.value,ml)", ["ml"]),
        ("eq(execution_tag.value,ml)+eq(execution_tag.key,team)", ["ml"]),
        ("eq(execution_tag.key,team)+eq(execution_tag.key,urgent)", ["both"]),
        ("eq(execution_tag.key,team)+eq(execution_tag.value,data)+eq(execution_tag.key,cost)", ["both"]),
        ("value_in(execution_tag.key,urgent;cost)", ["both", "tagged"]),
        ("contains(execution_tag.value,m)", ["ml"]),
        ("eq(execution_tag.key,TEAM)", []),
    ],
)
def test_labels_and_tags(filters: str, found: list[str]) -> None:
    rows = [
        *labelled("ml", team="ml"),
        *labelled("both", "urgent", "urgent", team="data", cost="12"),
        *labelled("tagged", "urgent"),
        *labelled("bare"),
        *labelled("ml", project="another", team="data"),
    ]
    batch_put(rows)
    assert sorted(row.id.name for row in EXECUTIONS.walk(2, filters)) == found


@pytest.mark.conformance("LST-12")
def test_of_tags_only_keys_and_values_can_be_asked() -> None:
    answer = EXECUTIONS.get({"limit": "5", "filters": "eq(execution_tag.execution_name,x)"})
    assert (answer.status, answer.message(Status).code) == (400, Code.INVALID_ARGUMENT)


@pytest.mark.conformance("KD-34")
def test_the_state_of_another_entity_shows_no_archived_execution() -> None:
    database = some_executions()
    filters = "eq(launch_plan.name,nightly)"
    assert [row.id.name for row in EXECUTIONS.walk(50, filters)] == database.select(
        "id", f"{filters}+eq(state,0)", "created_at DESC"
    )
    answer = EXECUTIONS.get({"limit": "5", "filters": "eq(launch_plan.state,1)"})
    assert (answer.status, answer.message(Status).code) == (400, Code.INVALID_ARGUMENT)


@pytest.mark.parametrize(
    "filters",
    [
        "eq(execution_name,run07)",
        "eq(workflow.name,flow)",
        "eq(launch_plan.name,weekly)",
        "eq(task.name,double)",
        "eq(user,ada)",
        "value_in(phase,FAILED;QUEUED)",
    ],
)
def test_what_clients_ask_is_read_from_its_index_only(filters: str) -> None:
    database = some_executions()
    wanted = database.select("id", filters, "id")
    with rows_examined() as counts:
        (found,) = EXECUTIONS.pages(100, f"{filters}+value_in(state,0;1)")
    assert sorted(row.id.name for row in found) == wanted
    assert sum(counts) == len(wanted) > 0


@pytest.mark.parametrize("value", ["x" * 2100, "é" * 1500, "a#b:c/d", "0#flow", "%00"], ids=len)
@pytest.mark.parametrize("field", ["execution_name", "workflow.name", "launch_plan.name", "task.name", "user", "phase"])
def test_a_value_that_nothing_has_finds_nothing(field: str, value: str) -> None:
    some_executions()
    answer = EXECUTIONS.get({"limit": "5", "filters": f"eq({field},{value})"})
    if answer.status == 200:
        assert not answer.message(ExecutionList).executions
    else:
        assert answer.message(Status).code == Code.INVALID_ARGUMENT


def test_an_execution_is_found_by_the_phase_that_it_is_in() -> None:
    state = stored_execution()

    def found_in() -> list[str]:
        phases = WorkflowExecution.Phase.keys()
        return [phase for phase in phases if list(EXECUTIONS.walk(5, f"eq(phase,{phase})"))]

    def deliver(phase: str, sequence: int) -> None:
        event = workflow_event(phase, sequence, execution="run")
        answer = process_event(batch([queue_record(message_body(event), sequence)]), Context())
        assert answer == {"batchItemFailures": []}

    assert found_in() == ["UNDEFINED"]
    deliver("RUNNING", 5)
    assert found_in() == ["RUNNING"]
    deliver("QUEUED", 3)  # late: the row is made anew from the log
    assert found_in() == ["RUNNING"]
    stored = executions.read_state(state.execution)
    assert stored is not None
    executions.write_control_plane_facts(stored, facts_of_control_plane(ControlPlanePhase("ABORTING", FIRST)))
    assert found_in() == ["ABORTING"]
    deliver("ABORTED", 9)
    assert found_in() == ["ABORTED"]


@pytest.mark.conformance("LST-16")
def test_a_list_needs_a_limit() -> None:
    answer = EXECUTIONS.get({})
    assert (answer.status, answer.message(Status).message.split(":")[0]) == (400, "invalid value for limit")


TOKENS = st.builds(
    Start,
    after=st.builds(
        Cursor,
        partition=st.integers(0, 13),
        sort_value=st.one_of(st.integers(-1, 50).map(second), st.sampled_from(["", "state", 10**21])),
        key=st.lists(st.sampled_from([f"{SCOPES[0]}:run07", "state", "x"]), min_size=1, max_size=2).map(tuple),
    ),
    skip=st.integers(0, 3),
    order=st.sampled_from(["created_at", "-created_at"]),
).map(token_of)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.one_of(st.integers(0, 2**33).map(str), st.text(max_size=5)),
        "token": st.one_of(TOKENS, st.integers(-1, 2**65).map(str), st.text(max_size=12)),
        "filters": st.one_of(some_filters(EXECUTION_ASKS), st.text("eqphas(,)+; \n\x00é", max_size=20)),
        "sort_by.key": st.one_of(st.sampled_from(["created_at", "phase", "spec"]), st.text(max_size=5)),
        "sort_by.direction": st.one_of(st.sampled_from(["ASCENDING", "1", "7", "-1"]), st.text(max_size=5)),
        "id.name": st.text(max_size=5),
    },
)


def test_no_query_is_a_server_error() -> None:
    some_executions()

    @settings(ANY, max_examples=250)
    @given(QUERIES)
    def answers(query: dict[str, str]) -> None:
        answer = EXECUTIONS.get(query)
        assert answer.status in {200, 400}, (query, answer.body)
        if answer.status == 400:
            assert answer.message(Status).code == Code.INVALID_ARGUMENT

    answers()
