"""The rows for the section "lists": versions of entities and executions, each size in a project of its own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import batched

from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.types_pb2 import INTEGER
from pynamodb.models import Model

from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.repository import state_key
from flyteadmin.tasks import repository as tasks
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import NANOSECONDS
from flyteadmin.workflows import repository as workflows
from flyteadmin.workflows.models import WorkflowRow
from tests.builders import DOMAIN
from tests.entities import variables

NAME = "core.train"
"""Every second version, and every second execution, is this name's; the others have a name each."""

USER = "ada"

_FIRST = 1_700_000_000 * NANOSECONDS
_INTERFACE = TypedInterface(outputs=variables(y=INTEGER)).SerializeToString()
_AT_ONCE = 500
_THREADS = 8


def project(size: int) -> str:
    """Return the project with this number of versions."""
    return f"p{size}"


def store(size: int) -> None:
    """So many versions of tasks, workflows and launch plans, and executions, as registering and running leave them."""
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(batch_put, batched(_rows(size), _AT_ONCE)))


def _rows(size: int) -> Iterator[Model]:
    scope = f"{project(size)}:{DOMAIN}"
    for number in range(size):
        name = NAME if number % 2 else f"core.task{number:06d}"
        version, created_at = f"v{number:06d}", _FIRST + number * NANOSECONDS
        yield _task(f"{scope}:{name}", version, created_at)
        yield _workflow(f"{scope}:{name}", version, created_at)
        yield _launch_plan(f"{scope}:{name}", version, created_at, state=int(number % 4 == 0))
        yield from _execution(scope, name, version, created_at, phase="FAILED" if number % 4 > 1 else "SUCCEEDED")
        if name != NAME:
            yield _name(f"WORKFLOW:{scope}", name, created_at)


def _task(name: str, version: str, created_at: int) -> TaskRow:
    row = TaskRow(name=name, version=version, created_at=created_at, digest=b"-", task_type="python-task")
    tasks.first(row, b"\x0a\x00")
    return row


def _workflow(name: str, version: str, created_at: int) -> WorkflowRow:
    row = WorkflowRow(
        name=name, version=version, created_at=created_at, digest=b"-", interface=_INTERFACE, closure_uri="s3://b/none"
    )
    workflows.first(row)
    return row


def _launch_plan(name: str, version: str, created_at: int, state: int) -> LaunchPlanRow:
    """Return the plan of the workflow of this name and version."""
    row = LaunchPlanRow(
        name=name,
        version=version,
        created_at=created_at,
        updated_at=created_at,
        digest=b"-",
        state=state,
        schedule_type="NONE",
        workflow=name,
        workflow_version=version,
        closure_uri="s3://b/none",
    )
    launch_plans.first(row, LaunchPlan(closure={"expected_outputs": variables(y=INTEGER)}))
    row.active = row.listing if state else None
    return row


def _execution(scope: str, workflow: str, version: str, now: int, phase: str) -> Iterator[Model]:
    """Yield an execution that has ended, of a workflow's own launch plan; half of them failed."""
    key, name = f"{scope}:run-{version}", f"{scope}:{workflow}"
    state = ExecutionState(
        execution=key,
        phase=phase,
        created_at=now,
        started_at=now,
        ended_at=now + NANOSECONDS,
        updated_at=now + NANOSECONDS,
        launch_plan=name,
        launch_plan_version=version,
        workflow=name,
        workflow_version=version,
    )
    executions.set_index_keys(state, USER)
    state.active = None
    yield state
    yield ExecutionSpecification(
        execution=key, spec=b"", workflow_id=b"", principal=USER, inputs_uri="", user_inputs_uri=""
    )


def _name(scope: str, name: str, now: int) -> NamedEntityRow:
    return NamedEntityRow(scope=scope, name=name, by_state=state_key(scope, 0), created_at=now, updated_at=now)
