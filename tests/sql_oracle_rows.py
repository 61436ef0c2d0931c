"""Entities for tests of lists, in the tables and beside them in a database that upstream's queries run on."""

from collections.abc import Mapping, Sequence
from itertools import product

from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.types_pb2 import INTEGER

from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.repository import state_key
from flyteadmin.projects.models import ProjectRow
from flyteadmin.tasks import repository as tasks
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import NANOSECONDS
from flyteadmin.workflows import repository as workflows
from flyteadmin.workflows.models import WorkflowRow
from tests.builders import DOMAIN, PROJECT
from tests.entities import variables
from tests.sql_oracle import FIRST, Ask, Cell, Database, moment

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
