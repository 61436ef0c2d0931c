"""Lists of entities answer as upstream's SQL would: any filters, every order, pages of any size."""

from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifierList, NamedEntityList
from flyteidl.admin.description_entity_pb2 import DescriptionEntity, DescriptionEntityList
from flyteidl.admin.launch_plan_pb2 import LaunchPlan, LaunchPlanList
from flyteidl.admin.project_pb2 import Projects
from flyteidl.admin.task_pb2 import TaskList
from flyteidl.admin.workflow_pb2 import WorkflowList
from flyteidl.core.identifier_pb2 import TASK, Identifier
from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.types_pb2 import INTEGER
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.models import Model

from flyteadmin.clients.dynamodb import batch_put
from flyteadmin.description_entities import repository as descriptions
from flyteadmin.errors import Code
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.listing.tokens import Cursor, Start, token_of
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.repository import state_key
from flyteadmin.projects.models import ProjectRow
from flyteadmin.tasks import repository as tasks
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import NANOSECONDS
from flyteadmin.workflows import repository as workflows
from flyteadmin.workflows.models import WorkflowRow
from functions.get_entities.handler import lambda_handler as get_entities
from functions.manage_projects.handler import lambda_handler as manage_projects
from tests.builders import DOMAIN, PROJECT
from tests.entities import variables
from tests.listed import FIRST, Ask, Cell, Database, Listing, moment, requests_made, some_filters

pytestmark = pytest.mark.usefixtures("aws")

ANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIRECTIONS = {"ASCENDING": "ASC", "DESCENDING": "DESC"}

NAMES = ["core.a", "core.ab", "x", "x.y", "ünïcode"]
VERSIONS = ["v1", "v10", "v2"]
SCOPES = [f"{PROJECT}:{DOMAIN}", f"{PROJECT}:production"]
MOMENTS = [moment(-1), moment(0), moment(4), moment(7), moment(100)]
INTERFACE = TypedInterface(outputs=variables(y=INTEGER)).SerializeToString()

VERSIONED = [
    Ask("name", [*NAMES, "core", "%a", "zzz"]),
    Ask("version", [*VERSIONS, "v_", "1"]),
    Ask("project", [PROJECT, "other"]),
    Ask("domain", [DOMAIN]),
    Ask("created_at", MOMENTS, is_text=False),
]


def facts() -> Sequence[tuple[str, str, str, int]]:
    """(scope, name, version, creation time) of entities whose order by time is none by name."""
    every = list(product(SCOPES, NAMES, VERSIONS))
    return [
        (scope, name, version, FIRST + (number * 7 % len(every)) * NANOSECONDS + number)
        for number, (scope, name, version) in enumerate(every)
    ]


def cells(scope: str, name: str, version: str, created_at: int) -> dict[str, Cell]:
    project, domain = scope.split(":")
    return {
        "id": f"{name} {version}",
        "project": project,
        "domain": domain,
        "name": name,
        "version": version,
        "created_at": created_at,
    }


def here(rows: Sequence[Mapping[str, Cell]]) -> Database:
    """Those of the listed project and domain."""
    return Database([row for row in rows if row["domain"] == DOMAIN])


def some_tasks() -> Database:
    rows, known = [], []
    for number, (scope, name, version, at) in enumerate(facts()):
        task_type, text = ("spark", "python-task")[number % 2], ("doubles", "triples")[number % 3 % 2]
        row = TaskRow(
            name=f"{scope}:{name}",
            version=version,
            created_at=at,
            digest=b"-",
            task_type=task_type,
            short_description=text,
        )
        tasks.first(row, b"")
        row.closure = b"\x0a\x00"
        rows.append(row)
        known.append(cells(scope, name, version, at) | {"type": task_type, "short_description": text})
    batch_put(rows)
    return here(known)


def some_workflows() -> Database:
    rows, known = [], []
    for scope, name, version, at in facts():
        row = WorkflowRow(
            name=f"{scope}:{name}",
            version=version,
            created_at=at,
            digest=b"-",
            interface=INTERFACE,
            closure_uri="s3://bucket/none",
            short_description=version,
        )
        workflows.first(row)
        rows.append(row)
        known.append(cells(scope, name, version, at) | {"short_description": version})
    batch_put(rows)
    return here(known)


def some_launch_plans() -> Database:
    rows, known = [], []
    for number, (scope, name, version, at) in enumerate(facts()):
        workflow = ("flow", "flow2")[number % 2]
        workflow_version = VERSIONS[number // 2 % 3]
        owner = ("shared:library", scope)[number % 5 % 2]
        updated_at = FIRST + (number * 11 % 30) * NANOSECONDS
        state = int(version == "v10" and name != "x")
        row = LaunchPlanRow(
            name=f"{scope}:{name}",
            version=version,
            created_at=at,
            updated_at=updated_at,
            digest=b"-",
            state=state,
            schedule_type=("NONE", "NONE", "CRON", "FIXED_RATE")[number % 4],
            workflow=f"{owner}:{workflow}",
            workflow_version=workflow_version,
            closure_uri="s3://bucket/none",
        )
        launch_plans.first(row, LaunchPlan(closure={"expected_outputs": variables(y=INTEGER)}))
        row.active = scope if state else None
        rows.append(row)
        more: dict[str, Cell] = {
            "state": state,
            "schedule_type": row.schedule_type,
            "launch_condition_type": None,
            "updated_at": updated_at,
            "workflow.project": owner.split(":")[0],
            "workflow.domain": owner.split(":")[1],
            "workflow.name": workflow,
            "workflow.version": workflow_version,
        }
        known.append(cells(scope, name, version, at) | more)
    batch_put(rows)
    return here(known)


LAUNCH_PLANS = [
    *VERSIONED,
    Ask("updated_at", MOMENTS, is_text=False),
    Ask("state", ["0", "1", "2"], is_text=False),
    Ask("schedule_type", ["NONE", "CRON", "RATE"]),
    Ask("launch_condition_type", ["SCHED"]),
    Ask("workflow.project", [PROJECT, "shared"]),
    Ask("workflow.domain", [DOMAIN, "library"]),
    Ask("workflow.name", ["flow", "flow2", "none"]),
    Ask("workflow.version", [*VERSIONS]),
]


def versions_of(listing: Listing, limit: int, filters: str, sort: str, direction: str) -> list[str]:
    return [f"{row.id.name} {row.id.version}" for row in listing.walk(limit, filters, sort, direction)]


def assert_as_sql(
    listing: Listing, database: Database, limit: int, filters: str, sort: str, direction: str, name: str = ""
) -> None:
    found = versions_of(listing, limit, filters, sort, direction)
    column = {"id": "created_at"}.get(sort, sort)
    named = f"+eq(name,{name})" if name else ""
    wanted = database.select("id", f"{filters}{named}".removeprefix("+"), f'"{column}" {DIRECTIONS[direction]}')
    assert sorted(found) == sorted(map(str, wanted))
    if sort in {"created_at", "id"}:
        assert found == wanted
    else:
        sorted_by = dict(zip(database.select("id", "", "id"), database.select(f'"{column}"', "", "id"), strict=True))
        assert [sorted_by[each] for each in found] == [sorted_by[each] for each in wanted]


@pytest.mark.conformance("LST-01", "LST-02", "LST-05", "LST-13", "LST-28")
def test_tasks() -> None:
    database = some_tasks()
    listing = Listing(get_entities, f"tasks/{PROJECT}/{DOMAIN}", TaskList)
    asks = [*VERSIONED, Ask("type", ["spark", "s%k"]), Ask("short_description", ["doubles", "pl"])]

    @ANY
    @given(some_filters(asks), st.sampled_from(["created_at", "id", "name"]), st.sampled_from([*DIRECTIONS]))
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        assert_as_sql(listing, database, 4, filters, sort, direction)

    answers_as_sql()


@pytest.mark.conformance("LST-28")
@pytest.mark.parametrize("name", ["core.a", "none"])
def test_versions_of_one_task(name: str) -> None:
    database = some_tasks()
    listing = Listing(get_entities, f"tasks/{PROJECT}/{DOMAIN}/{name}", TaskList)

    @ANY
    @given(some_filters(VERSIONED), st.sampled_from(["created_at", "version", "name"]), st.sampled_from([*DIRECTIONS]))
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        assert_as_sql(listing, database, 2, filters, sort, direction, name)

    answers_as_sql()


@pytest.mark.conformance("LST-28")
def test_workflows() -> None:
    database = some_workflows()
    listing = Listing(get_entities, f"workflows/{PROJECT}/{DOMAIN}", WorkflowList)
    asks = [*VERSIONED, Ask("short_description", VERSIONS)]

    @ANY
    @given(some_filters(asks), st.sampled_from(["created_at", "id", "name"]), st.sampled_from([*DIRECTIONS]))
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        assert_as_sql(listing, database, 4, filters, sort, direction)

    answers_as_sql()


@pytest.mark.conformance("LST-03", "LST-26")
def test_launch_plans() -> None:
    database = some_launch_plans()
    listing = Listing(get_entities, f"launch_plans/{PROJECT}/{DOMAIN}", LaunchPlanList)

    @settings(ANY, max_examples=150)
    @given(
        some_filters(LAUNCH_PLANS),
        st.sampled_from(["created_at", "name", "updated_at"]),
        st.sampled_from([*DIRECTIONS]),
    )
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        assert_as_sql(listing, database, 4, filters, sort, direction)

    answers_as_sql()


@pytest.mark.conformance("LST-26")
@pytest.mark.parametrize("name", ["core.a", "x"])
def test_versions_of_one_launch_plan(name: str) -> None:
    database = some_launch_plans()
    listing = Listing(get_entities, f"launch_plans/{PROJECT}/{DOMAIN}/{name}", LaunchPlanList)
    orders = st.sampled_from(["created_at", "version", "name", "updated_at"])

    @ANY
    @given(some_filters(LAUNCH_PLANS), orders, st.sampled_from([*DIRECTIONS]))
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        assert_as_sql(listing, database, 2, filters, sort, direction, name)

    answers_as_sql()


@pytest.mark.conformance("LST-27")
@pytest.mark.parametrize("direction", [*DIRECTIONS])
@pytest.mark.parametrize("sort", ["", "created_at", "name", "updated_at"])
def test_active_launch_plans(sort: str, direction: str) -> None:
    database = some_launch_plans()
    listing = Listing(get_entities, f"active_launch_plans/{PROJECT}/{DOMAIN}", LaunchPlanList)
    found = versions_of(listing, 3, "", sort, direction)
    order = f'"{sort}" {DIRECTIONS[direction]}' if sort else "name"
    assert found == database.select("id", "eq(state,1)", order)
    assert len(found) == 4


def some_names() -> Database:
    names = [*NAMES, ".flytegen.task", "z"]
    rows, known = [], []
    for number, (scope, name) in enumerate(product([f"TASK:{SCOPES[0]}", f"WORKFLOW:{SCOPES[0]}"], names)):
        state, text = number % 3, ("about x", "")[number % 2]
        rows.append(
            NamedEntityRow(
                scope=scope,
                name=name,
                state=state,
                by_state=state_key(scope, state),
                description=text,
                created_at=1,
                updated_at=1,
            )
        )
        cell: dict[str, Cell] = {"id": name, "name": name, "state": state, "description": text, "domain": DOMAIN}
        if scope.startswith("TASK"):
            known.append(cell | {"project": PROJECT, "entities.name": name, "named_entity_metadata.state": state})
    batch_put(rows)
    return here(known)


NAMED = [
    Ask("name", [*NAMES, "core", ".flytegen%"]),
    Ask("entities.name", NAMES),
    Ask("state", ["0", "1", "2"], is_text=False),
    Ask("named_entity_metadata.state", ["0", "1"], is_text=False),
    Ask("description", ["about x", "about"]),
    Ask("project", [PROJECT]),
    Ask("domain", [DOMAIN, "d"]),
]


def test_names() -> None:
    database = some_names()
    listing = Listing(get_entities, f"task_ids/{PROJECT}/{DOMAIN}", NamedEntityIdentifierList)
    for direction, by in DIRECTIONS.items():
        found = [row.name for row in listing.walk(2, "eq(state,nothing)", "name", direction)]
        assert found == database.select("id", "", f"name {by}")


@pytest.mark.conformance("REG-23")
def test_named_entities() -> None:
    database = some_names()
    listing = Listing(get_entities, f"named_entities/1/{PROJECT}/{DOMAIN}", NamedEntityList)

    @ANY
    @given(some_filters(NAMED), st.sampled_from([*DIRECTIONS]))
    def answers_as_sql(filters: str, direction: str) -> None:
        found = [row.id.name for row in listing.walk(3, filters, "name", direction)]
        assert found == database.select("id", filters or "not_like(name,.flytegen%)", f"name {DIRECTIONS[direction]}")

    answers_as_sql()
    shown = {row.id.name: row.metadata for row in listing.walk(10, "contains(name,z)")}
    assert [(name, each.state, each.description) for name, each in shown.items()] == [("z", 0, "about x")]


def test_the_consoles_page_of_names_takes_few_requests() -> None:
    some_names()
    listing = Listing(get_entities, f"named_entities/2/{PROJECT}/{DOMAIN}", NamedEntityList)
    with requests_made() as operations:
        (found,) = listing.pages(10_000, "eq(state,0)", "name", "ASCENDING")
    assert [each.id.name for each in found] == [".flytegen.task", "x"]
    assert operations == ["Query"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("named_entities/0/p/d", "invalid value for resource_type"),
        ("named_entities/4/p/d", "Cannot list entity names for resource type: DATASET"),
        ("description_entities/4/p/d/n", "Cannot list descriptions for resource type: DATASET"),
        ("description_entities/1/p/d", "missing name"),
    ],
)
def test_a_list_is_of_tasks_workflows_or_launch_plans(path: str, message: str) -> None:
    answer = Listing(get_entities, path, Status).get({"limit": "1"})
    assert (answer.status, answer.message(Status).message) == (400, message)


def test_descriptions() -> None:
    rows, known = list[Model](), list[dict[str, Cell]]()
    for name, version in product(["task", "other"], [*VERSIONS, "v3"]):
        at = FIRST + (7 * len(rows) % 8) * NANOSECONDS
        identifier = Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=name, version=version)
        rows.append(descriptions.description(DescriptionEntity(short_description=version), identifier, at).item)
        if name == "task":
            known.append(cells(SCOPES[0], name, version, at) | {"task.version": version})
    batch_put(rows)
    database = here(known)
    listing = Listing(get_entities, f"description_entities/TASK/{PROJECT}/{DOMAIN}/task", DescriptionEntityList)

    @ANY
    @given(
        some_filters([*VERSIONED, Ask("task.version", VERSIONS)]),
        st.sampled_from(["created_at", "version"]),
        st.sampled_from([*DIRECTIONS]),
    )
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        found = [f"{row.id.name} {row.id.version}" for row in listing.walk(2, filters, sort, direction)]
        assert found == database.select("id", filters, f'"{sort}" {DIRECTIONS[direction]}')

    answers_as_sql()
    newest = next(listing.walk(1))
    assert newest.short_description == newest.id.version
    assert newest.HasField("source_code")


def some_projects() -> Database:
    rows, known = [], list[dict[str, Cell]]()
    for number, identifier in enumerate(["b", "a", "d-1", "c"]):
        at, name = FIRST + (number * 3 % 4) * NANOSECONDS, f"Project {identifier.upper()}"
        row = ProjectRow(
            project=identifier,
            name=name,
            description=("", "about")[number % 2],
            state=(0, 1, 0, 2)[number],
            created_at=at,
            updated_at=at + NANOSECONDS * number,
        )
        rows.append(row)
        known.append(
            {
                "id": identifier,
                "identifier": identifier,
                "name": name,
                "project.name": name,
                "description": row.description,
                "state": int(row.state),
                "created_at": at,
                "updated_at": int(row.updated_at),
                "domain": DOMAIN,
            }
        )
    batch_put(rows)
    return here(known)


PROJECTS = [
    Ask("identifier", ["a", "b", "d-1"]),
    Ask("name", ["Project A", "Project"]),
    Ask("project.name", ["Project A", "B"]),
    Ask("description", ["about", "b"]),
    Ask("state", ["0", "1", "2"], is_text=False),
    Ask("created_at", MOMENTS, is_text=False),
    Ask("updated_at", MOMENTS, is_text=False),
]


@pytest.mark.conformance("LST-30")
def test_projects() -> None:
    database = some_projects()
    listing = Listing(manage_projects, "projects", Projects)

    @ANY
    @given(
        some_filters(PROJECTS),
        st.sampled_from(["identifier", "name", "created_at", "updated_at", "state", "description"]),
        st.sampled_from([*DIRECTIONS]),
    )
    def answers_as_sql(filters: str, sort: str, direction: str) -> None:
        found = [row.id for row in listing.walk(2, filters, sort, direction) if row.id != PROJECT]
        by = DIRECTIONS[direction]
        wanted = database.select("id", filters or "ne(state,1)", f'"{sort}" {by}, "identifier" {by}')
        assert found == wanted

    answers_as_sql()
    assert [row.id for row in listing.walk(100) if row.id != PROJECT] == ["b", "c", "d-1"]


TOKENS = st.builds(
    Start,
    after=st.builds(
        Cursor,
        lane=st.integers(0, 4),
        place=st.one_of(st.sampled_from(["", f"{SCOPES[0]}:x", "v1"]), st.integers(-1, 1).map(lambda at: FIRST + at)),
        key=st.lists(st.sampled_from([f"{SCOPES[0]}:x", "v1"]), min_size=1, max_size=2).map(tuple),
    ),
    skip=st.integers(0, 3),
    order=st.sampled_from(["name", "-created_at", "identifier", "-name", "version"]),
).map(token_of)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.one_of(st.integers(0, 2**33).map(str), st.text(max_size=5)),
        "token": st.one_of(
            TOKENS, st.integers(-1, 2**65).map(str), st.text(max_size=12), st.binary(max_size=8).map(repr)
        ),
        "filters": st.one_of(
            some_filters([*LAUNCH_PLANS, *NAMED, *PROJECTS]), st.text("eqname(,)+; \n\x00é", max_size=20), st.text()
        ),
        "sort_by.key": st.one_of(st.sampled_from(["name", "created_at", "digest", "labels"]), st.text(max_size=5)),
        "sort_by.direction": st.one_of(st.sampled_from(["ASCENDING", "1", "7", "-1"]), st.text(max_size=5)),
    },
)
LISTS = [
    Listing(get_entities, f"tasks/{PROJECT}/{DOMAIN}", TaskList),
    Listing(get_entities, f"tasks/{PROJECT}/{DOMAIN}/core.a", TaskList),
    Listing(get_entities, f"workflows/{PROJECT}/{DOMAIN}", WorkflowList),
    Listing(get_entities, f"launch_plans/{PROJECT}/{DOMAIN}", LaunchPlanList),
    Listing(get_entities, f"launch_plans/{PROJECT}/{DOMAIN}/x", LaunchPlanList),
    Listing(get_entities, f"active_launch_plans/{PROJECT}/{DOMAIN}", LaunchPlanList),
    Listing(get_entities, f"task_ids/{PROJECT}/{DOMAIN}", NamedEntityIdentifierList),
    Listing(get_entities, f"launch_plan_ids/{PROJECT}/{DOMAIN}", NamedEntityIdentifierList),
    Listing(get_entities, f"named_entities/TASK/{PROJECT}/{DOMAIN}", NamedEntityList),
    Listing(get_entities, f"description_entities/TASK/{PROJECT}/{DOMAIN}/core.a", DescriptionEntityList),
    Listing(manage_projects, "projects", Projects),
]


FILTERED = [each for each in LISTS if not each.path.startswith(("active_launch_plans", "task_ids", "launch_plan_ids"))]
LONG = ["x" * 2000, "é" * 1500, "#" * 2000, "a:b/c#d" * 300]


@pytest.mark.parametrize("listing", FILTERED, ids=lambda listing: listing.path)
@pytest.mark.parametrize("value", LONG, ids=["ascii", "wide", "escaped", "separators"])
def test_values_longer_than_any_key_are_found_nowhere(listing: Listing, value: str) -> None:
    some_tasks()
    some_launch_plans()
    for field in ("name", "version", "workflow.name", "workflow.version"):
        both = "+eq(workflow.name,flow)" if field == "workflow.version" else ""
        answer = listing.get({"limit": "5", "filters": f"eq({field},{value}){both}"})
        if answer.status == 200:
            assert not list(answer.message(listing.of).ListFields())
        else:
            assert answer.message(Status).code == Code.INVALID_ARGUMENT


def test_no_query_is_a_server_error() -> None:
    some_tasks()
    some_launch_plans()
    some_names()

    @settings(ANY, max_examples=400)
    @given(st.sampled_from(LISTS), QUERIES)
    def answers(listing: Listing, query: dict[str, str]) -> None:
        answer = listing.get(query)
        assert answer.status in {200, 400}, (listing.path, query, answer.body)
        if answer.status == 400:
            assert answer.message(Status).code == Code.INVALID_ARGUMENT

    answers()
