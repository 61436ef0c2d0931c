"""Hostile requests to lists of entities are answered or refused: forged tokens, huge limits, odd filters."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifierList, NamedEntityList
from flyteidl.admin.description_entity_pb2 import DescriptionEntityList
from flyteidl.admin.launch_plan_pb2 import LaunchPlanList
from flyteidl.admin.project_pb2 import Projects
from flyteidl.admin.task_pb2 import TaskList
from flyteidl.admin.workflow_pb2 import WorkflowList
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.errors import Code
from flyteadmin.listing.tokens import Cursor, Start, token_of
from functions.get_entities.handler import lambda_handler as get_entities
from functions.manage_projects.handler import lambda_handler as manage_projects
from tests.builders import DOMAIN, PROJECT
from tests.sql_oracle import FIRST, Listing, some_filters
from tests.sql_oracle_rows import LAUNCH_PLANS, NAMED, PROJECTS, SCOPES, some_launch_plans, some_names, some_tasks

pytestmark = pytest.mark.usefixtures("aws")

ANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

TOKENS = st.builds(
    Start,
    after=st.builds(
        Cursor,
        partition=st.integers(0, 4),
        sort_value=st.one_of(
            st.sampled_from(["", f"{SCOPES[0]}:x", "v1"]), st.integers(-1, 1).map(lambda at: FIRST + at)
        ),
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
