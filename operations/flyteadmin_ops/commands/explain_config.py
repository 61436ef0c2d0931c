"""Show what configuration an execution got, or a new one would get, and from which level each value came."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.execution_pb2 import QualityOfService
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, Identifier

from flyteadmin.clients import storage
from flyteadmin.executions import messages, repository
from flyteadmin.executions.models import StoredExecution
from flyteadmin.identifiers import key_parts
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launching import reading
from flyteadmin.launching.config import Level
from flyteadmin.launching.decisions import decide
from flyteadmin.launching.idempotency import Call
from flyteadmin.launching.stored import decisions_of
from flyteadmin.launching.validation import validate_launch
from flyteadmin_ops.explaining import Value, values
from flyteadmin_ops.failures import Refused
from flyteadmin_ops.session import Command, Session


@click.command("explain-config", cls=Command)
@click.option("--project", required=True, help="The project of the execution.")
@click.option("--domain", required=True, help="Its domain.")
@click.option("--launch-plan", default="", help="What a create of this launch plan would get now.")
@click.option("--task", default="", help="What a create of this task by itself would get now; needs --version.")
@click.option("--version", default="", help="The version; for a launch plan the active one if it is not given.")
@click.option("--execution", default="", help="What the execution of this name got.")
@click.pass_obj
def command(
    session: Session, *, project: str, domain: str, launch_plan: str, task: str, version: str, execution: str
) -> None:
    """Show each configured value of an execution, and the level it comes from.

    Levels are the request, the launch plan, the matchable attributes of workflow, project-domain and project, and the
    application: flyteadmin.yaml or upstream's defaults.
    """
    if sum(map(bool, (launch_plan, task, execution))) != 1 or (execution and version):
        raise click.UsageError("give one of --launch-plan, --task and --execution; --version goes with the first two")
    if task and not version:
        raise click.UsageError("--task needs --version")
    output = session.output()
    session.deployment()
    with output.progress("rows read"):
        if execution:
            found = list(_of_execution(f"{project}:{domain}:{execution}"))
        else:
            kind, name = (TASK, task) if task else (LAUNCH_PLAN, launch_plan)
            target = Identifier(resource_type=kind, project=project, domain=domain, name=name, version=version)
            found = list(_of_new_one(target))
    for value in found:
        output.record(value)


def _of_new_one(target: Identifier) -> Iterator[Value]:
    """Decide as a create does that sets nothing itself; errors as a create's."""
    if not target.version:
        active = launch_plans.read_active(target.project, target.domain, target.name)
        if active is None:
            raise Refused(f"launch plan {target.name} has no active version; name one with --version")
        target.version = active.version
    request = ExecutionCreateRequest(project=target.project, domain=target.domain)
    request.spec.launch_plan.CopyFrom(target)
    call = Call(request, caller="", key="", accepted_at=datetime.now(UTC))
    rows = reading.read_named_rows(call)
    validate_launch(call, rows)
    context = reading.read_context(call, rows)
    own = context.launch_plan.spec.quality_of_service
    budget = (own, Level.LAUNCH_PLAN) if own.ByteSize() else (own, None)
    yield from values(decide(context), context.closure, context.project_labels, budget)


def _of_execution(key: str) -> Iterator[Value]:
    stored = repository.read(key)
    if stored is None:
        raise Refused(f"execution {key} does not exist")
    requested, resolved = messages.requested_spec(stored), messages.resolved_spec(stored)
    decisions = decisions_of(stored, requested, resolved)
    if decisions is None:
        raise Refused(f"execution {key} is from before levels were kept; GetExecution shows what is known of it")
    own = requested.quality_of_service
    budget = (own, Level.REQUEST) if own.ByteSize() else (QualityOfService(), None)
    yield from values(decisions, _closure(stored), {}, budget)


def _closure(stored: StoredExecution) -> CompiledWorkflowClosure | None:
    """Read the tasks as registered; None if the launch plan's row is gone."""
    project, domain, name = key_parts(stored.state.launch_plan)
    version = stored.state.launch_plan_version
    identifier = Identifier(resource_type=LAUNCH_PLAN, project=project, domain=domain, name=name, version=version)
    row = launch_plans.read(identifier)
    return CompiledWorkflowClosure.FromString(storage.read_immutable(row.closure_uri)) if row is not None else None
