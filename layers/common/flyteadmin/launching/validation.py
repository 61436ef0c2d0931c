"""What a create request must hold, in upstream's order and wording; pure."""

import re

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, ResourceType

from flyteadmin.errors import InvalidArgument, missing, too_long
from flyteadmin.launching import inputs
from flyteadmin.validation import validate_labels, validate_notifications, validate_set

_MAX_NAME = 63
_NAME = re.compile(r"[a-z][a-z\-0-9]*")
_LAUNCHABLE = {LAUNCH_PLAN, TASK}


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


def validate_spec(request: ExecutionCreateRequest) -> None:
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


def _launchable(request: ExecutionCreateRequest) -> None:
    if not request.spec.HasField("launch_plan"):
        raise missing("id")
    identifier = request.spec.launch_plan
    validate_set(identifier, "project", "domain", "name", "version")
    if identifier.resource_type not in _LAUNCHABLE:
        raise InvalidArgument(
            f"invalid reference entity resource type {ResourceType.Name(identifier.resource_type)}:"
            " only LAUNCH_PLAN and TASK are allowed"
        )
