"""Validates tasks at registration, in upstream's order and wording; pure.

Source: flyteadmin validation/task_validator.go.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from flyteidl.admin.matchable_resource_pb2 import TaskResourceAttributes, TaskResourceSpec
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskList
from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.tasks_pb2 import Container, K8sPod, Resources, TaskTemplate
from google.protobuf.json_format import MessageToDict

from flyteadmin.compiler.pod_spec import parse_pod_spec
from flyteadmin.compiler.quantity import Quantity, QuantityError, parse_quantity
from flyteadmin.errors import InvalidArgument, missing, too_long
from flyteadmin.pretty_print import to_text
from flyteadmin.settings import TaskResources, TaskResourceSet, WhitelistScope
from flyteadmin.validation import validate_depth

type Amounts = Mapping[int, Quantity]
"""Quantities by the number of their `Resources.ResourceName`."""

type Whitelist = Mapping[str, Sequence[WhitelistScope]]
"""Scopes by task type; a type without any is free."""

_CONVENTIONS = (
    "Please follow K8s conventions for resources"
    " https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
)
_MAX_TYPE_BYTES = 255
_CHECKED = (Resources.CPU, Resources.GPU, Resources.MEMORY, Resources.EPHEMERAL_STORAGE)
_POD_EPHEMERAL_STORAGE = "ephemeral-storage"


def validate_compiled(task: CompiledTask) -> None:
    """Check that a list with the task in it can be read.

    Raises:
        InvalidArgument: it is nested too deep.
    """
    listed = TaskList()
    listed.tasks.add().closure.compiled_task.CopyFrom(task)
    validate_depth(listed)


def validate_task(request: TaskCreateRequest, limits: Amounts, whitelist: Whitelist) -> None:
    """Check a task whose identifier and project are known to be good (REG-05, RES-09…13).

    `limits` are the platform's; a resource without one is not limited. `whitelist` has the restricted task types.

    Raises:
        InvalidArgument: naming the first field that is wrong.
    """
    if not request.HasField("spec") or not request.spec.HasField("template"):
        raise missing("spec")
    template = request.spec.template
    if not template.type:
        raise missing("type")
    if len(template.type.encode()) > _MAX_TYPE_BYTES:
        raise too_long("type", _MAX_TYPE_BYTES)
    _validate_type(request.id, template.type, whitelist)
    if not template.HasField("metadata"):
        raise missing("metadata")
    if template.metadata.HasField("runtime") and not template.metadata.runtime.version:
        raise missing("runtime version")
    if not template.HasField("interface"):
        raise missing("typed interface")
    _validate_target(request.id, template, limits)


def _validate_type(identifier: Identifier, task_type: str, whitelist: Whitelist) -> None:
    """Check that a listed type is used within one of its scopes (REG-06)."""
    scopes = whitelist.get(task_type)
    if scopes and not any(
        scope.project in {"", identifier.project} and (not scope.project or scope.domain in {"", identifier.domain})
        for scope in scopes
    ):
        raise InvalidArgument("task type must be whitelisted before use")


def platform_limits(row: TaskResourceAttributes | None, configured: TaskResources) -> Amounts:
    """Return the platform's limits that are not zero; a matchable row replaces the configured ones as a whole.

    A quantity that can't be parsed counts as unset (upstream's `parseQuantityNoError`).
    """
    limits: TaskResourceSpec | TaskResourceSet = row.limits if row is not None else configured.limits
    texts = {
        Resources.CPU: limits.cpu,
        Resources.GPU: limits.gpu,
        Resources.MEMORY: limits.memory,
        Resources.EPHEMERAL_STORAGE: limits.ephemeral_storage,
    }
    parsed = {name: _parsed_or_none(text) for name, text in texts.items()}
    return {name: quantity for name, quantity in parsed.items() if quantity}


def _parsed_or_none(text: str) -> Quantity | None:
    try:
        return parse_quantity(text)
    except QuantityError:
        return None


def _validate_target(identifier: Identifier, template: TaskTemplate, limits: Amounts) -> None:
    target = template.WhichOneof("target")
    if target == "container":
        _validate_container(identifier, template.container, limits)
    elif target == "k8s_pod":
        _validate_pod(identifier, template.k8s_pod, limits)


def _validate_container(identifier: Identifier, container: Container, limits: Amounts) -> None:
    if not container.image:
        raise missing("image")
    requests = _amounts(identifier, container.resources.requests)
    _validate_amounts(identifier, requests, _amounts(identifier, container.resources.limits), limits)


def _amounts(identifier: Identifier, entries: Iterable[Resources.ResourceEntry]) -> Amounts:
    amounts: dict[int, Quantity] = {}
    for entry in entries:
        if entry.name not in _CHECKED:
            continue
        name = Resources.ResourceName.Name(entry.name)
        if entry.name in amounts:
            raise InvalidArgument(f"can't specify {name} limit for task [{to_text(identifier)}] multiple times")
        amounts[entry.name] = quantity = _parsed(name, entry.value)
        if entry.name == Resources.GPU and not _is_whole(quantity):
            raise InvalidArgument(
                f"gpu for [{to_text(identifier)}] must be a whole number, got: {entry.value[:100]} instead"
            )
    return amounts


def _parsed(name: str, text: str) -> Quantity:
    try:
        return parse_quantity(text)
    except QuantityError as error:
        raise InvalidArgument(
            f"Parsing of {name} request failed for value {text[:100]} - reason  {error}. {_CONVENTIONS}"
        ) from error


def _is_whole(quantity: Quantity) -> bool:
    """Upstream looks at thousandths, rounded up: a finer fraction counts as the next one."""
    return ceil(quantity.amount * 1000) % 1000 == 0


def _validate_pod(identifier: Identifier, pod: K8sPod, limits: Amounts) -> None:
    """Check the containers, but no init container (RES-12)."""
    if not pod.HasField("pod_spec"):
        raise InvalidArgument(
            "invalid TaskSpecification, pod tasks should specify their target as a K8sPod with a defined pod spec"
        )
    if parse_pod_spec(pod.pod_spec) is None:
        raise InvalidArgument("invalid value for pod_spec: it is not a Kubernetes PodSpec")
    for container in MessageToDict(pod.pod_spec).get("containers") or ():
        resources = container.get("resources") or {}
        requests = _pod_amounts(resources.get("requests") or {})
        _validate_amounts(identifier, requests, _pod_amounts(resources.get("limits") or {}), limits)


def _pod_amounts(resources: Mapping[str, object]) -> Amounts:
    numbers = {_pod_number(name): parse_quantity(str(value)) for name, value in resources.items()}
    return {number: numbers[number] for number in _CHECKED if number in numbers}


def _pod_number(name: str) -> int:
    """Kubernetes' name as Flyte's; any other resource is not checked."""
    known = Resources.ResourceName.DESCRIPTOR.values_by_name.get(
        "EPHEMERAL_STORAGE" if name == _POD_EPHEMERAL_STORAGE else name.upper()
    )
    return known.number if known else Resources.UNKNOWN


def _validate_amounts(identifier: Identifier, requests: Amounts, limits: Amounts, platform: Amounts) -> None:
    """Compare whole units, rounded up; a limit without a request is never looked at (RES-13)."""
    for name in sorted(requests):
        if name == Resources.GPU:
            _validate_gpu(identifier, requests[name], limits.get(name))
        else:
            _validate_limit(name, requests[name], limits.get(name), platform.get(name))
        _within_platform(name, "default", requests[name], platform.get(name))


def _validate_gpu(identifier: Identifier, request: Quantity, limit: Quantity | None) -> None:
    if limit is not None and _units(request) != _units(limit):
        raise InvalidArgument(
            f"For extended resource 'gpu' the default value must equal the limit value for task [{to_text(identifier)}]"
        )


def _validate_limit(name: int, request: Quantity, limit: Quantity | None, platform: Quantity | None) -> None:
    if limit is None:
        return
    if _units(limit) < _units(request):
        raise InvalidArgument(
            f"Requested {_name(name)} default [{request}] is greater than the limit [{limit}]."
            " Please fix your configuration"
        )
    _within_platform(name, "limit", limit, platform)


def _within_platform(name: int, what: str, quantity: Quantity, platform: Quantity | None) -> None:
    if platform is not None and _units(quantity) > _units(platform):
        raise InvalidArgument(
            f"Requested {_name(name)} {what} [{quantity}] is greater than current limit set in the platform"
            f" configuration [{platform}]. Please contact Flyte Admins to change these limits or consult the"
            " configuration"
        )


def _units(quantity: Quantity) -> int:
    return ceil(quantity.amount)


def _name(name: int) -> str:
    return Resources.ResourceName.DESCRIPTOR.values_by_number[name].name
