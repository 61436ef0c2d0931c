"""Lists of entities answer as upstream's SQL would: any filters, every order, pages of any size."""

from itertools import product

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifierList, NamedEntityList
from flyteidl.admin.description_entity_pb2 import DescriptionEntity, DescriptionEntityList
from flyteidl.admin.launch_plan_pb2 import LaunchPlanList
from flyteidl.admin.project_pb2 import Projects
from flyteidl.admin.task_pb2 import TaskList
from flyteidl.admin.workflow_pb2 import WorkflowList
from flyteidl.core.identifier_pb2 import TASK, Identifier
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.models import Model

from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.description_entities import repository as descriptions
from flyteadmin.timestamps import NANOSECONDS
from functions.get_entities.handler import lambda_handler as get_entities
from functions.manage_projects.handler import lambda_handler as manage_projects
from tests.builders import DOMAIN, PROJECT
from tests.sql_oracle import FIRST, Ask, Cell, Database, Listing, requests_made, some_filters
from tests.sql_oracle_rows import (
    LAUNCH_PLANS,
    NAMED,
    PROJECTS,
    SCOPES,
    VERSIONED,
    VERSIONS,
    cells,
    here,
    some_launch_plans,
    some_names,
    some_projects,
    some_tasks,
    some_workflows,
)

pytestmark = pytest.mark.usefixtures("aws")

ANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIRECTIONS = {"ASCENDING": "ASC", "DESCENDING": "DESC"}


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
