"""Checks a create request, its fields and the rows that it names, in upstream's order and wording; pure."""

import re
from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, ResourceType

from flyteadmin.errors import FailedPrecondition, InvalidArgument, NotFound, missing, too_long
from flyteadmin.executions.models import StoredExecution
from flyteadmin.executions.phases import TERMINAL
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.launching import inputs
from flyteadmin.launching.idempotency import Call
from flyteadmin.launching.parents import validate_nesting
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.settings import Configuration
from flyteadmin.tasks.models import TaskRow
from flyteadmin.text import enum_name
from flyteadmin.validation import missing_entity, validate_labels, validate_notifications, validate_set

_MAX_NAME = 63
_NAME = re.compile(r"[a-z][a-z\-0-9]*")
_MAX_CLUSTER_LABEL = 1024
_LAUNCHABLE = {LAUNCH_PLAN, TASK}


@dataclass(frozen=True)
class NamedRows:
    """The rows that a create request names, None for what is not there, and the operator's configuration.

    `task` is set where a task is launched by itself; `launch_plan` is then the one that its first launch generated.
    `earlier` is the execution that an earlier attempt of this very call wrote.
    """

    configuration: Configuration
    project: ProjectRow | None
    task: TaskRow | None
    launch_plan: LaunchPlanRow | None
    parent: StoredExecution | None
    earlier: StoredExecution | None


def validate_name(request: ExecutionCreateRequest) -> None:
    """Check what can be checked before the project is known (CRE-02…05).

    Upper case is refused here, unlike upstream, where the cluster refuses it later (KD-45).

    Raises:
        InvalidArgument: naming the field.
    """
    validate_set(request, "project", "domain")
    if len(request.name) > _MAX_NAME:
        raise too_long("name", _MAX_NAME)
    if request.name and not _NAME.fullmatch(request.name):
        raise InvalidArgument(f"invalid name format: {request.name}, does not match regex '^[a-z][a-z\\-0-9]*$'")


def validate_launch(call: Call, rows: NamedRows) -> None:
    """Check a call's request against the rows that it names, in upstream's order (CRE-06…14, CRE-40, HIE-01).

    The project of an execution that was accepted before may have been archived since.

    Raises:
        InvalidArgument: naming the field.
        NotFound: there is no such launch plan, task or parent execution.
        FailedPrecondition: the parent execution has ended, so that nothing would end its child.
    """
    request = call.request
    if rows.earlier is None:
        validate_project_and_domain(rows.project, request.project, request.domain, rows.configuration)
    _validate_spec(request)
    target = request.spec.launch_plan
    if (rows.task if target.resource_type == TASK else rows.launch_plan) is None:
        raise missing_entity(target)
    if call.parent is not None and rows.parent is None:
        parent = " ".join(str(call.parent.execution_id).split())
        raise NotFound(f"missing entity of type execution with identifier {parent}")
    if rows.parent is not None and rows.parent.state.phase in TERMINAL and rows.earlier is None:
        raise FailedPrecondition(f"the parent execution is {rows.parent.state.phase}: it launches no more children")
    validate_nesting(
        request,
        rows.parent.specification if rows.parent is not None else None,
        rows.configuration.flyteadmin.max_nesting,
    )


def _validate_spec(request: ExecutionCreateRequest) -> None:
    """Check the rest of a create request (CRE-09…13, CRE-40).

    Raises:
        InvalidArgument: naming the field.
    """
    if not request.HasField("spec"):
        raise missing("spec")
    _launchable(request)
    inputs.validate(request.inputs)
    if request.spec.HasField("notifications"):
        validate_notifications(request.spec.notifications.notifications)
    validate_labels(request.spec.labels.values)
    if len(request.spec.execution_cluster_label.value.encode()) > _MAX_CLUSTER_LABEL:
        raise too_long("execution_cluster_label", _MAX_CLUSTER_LABEL)


def _launchable(request: ExecutionCreateRequest) -> None:
    if not request.spec.HasField("launch_plan"):
        raise missing("id")
    identifier = request.spec.launch_plan
    validate_set(identifier, "project", "domain", "name", "version")
    if identifier.resource_type not in _LAUNCHABLE:
        raise InvalidArgument(
            f"invalid reference entity resource type {enum_name(ResourceType, identifier.resource_type)}:"
            " only LAUNCH_PLAN and TASK are allowed"
        )
