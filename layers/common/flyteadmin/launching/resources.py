"""Sets the requests and limits of container tasks: the task's own, under those of the platform; pure.

Source: flyteadmin execution_manager.go setCompiledTaskDefaults, flyteplugins container_helper.go
AdjustOrDefaultResource.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flyteidl.admin.matchable_resource_pb2 import TaskResourceAttributes, TaskResourceSpec
from flyteidl.core.tasks_pb2 import Container, Resources

from flyteadmin.compiler.quantity import Quantity, QuantityError, parse_quantity
from flyteadmin.flyteworkflow import crd
from flyteadmin.settings import TaskResources, TaskResourceSet

_ZERO = parse_quantity("0")
_ALWAYS = (("cpu", Resources.CPU), ("memory", Resources.MEMORY))
_IF_REQUESTED = (("ephemeral_storage", Resources.EPHEMERAL_STORAGE), ("gpu", Resources.GPU))


@dataclass(frozen=True)
class Platform:
    """The platform's defaults and limits by resource name; zero is unset."""

    defaults: dict[str, Quantity]
    limits: dict[str, Quantity]

    def in_flyteworkflow(self) -> crd.TaskResources:
        """Convert the values to the form in which propeller reads them (RES-07)."""
        return crd.TaskResources(requests=_resource_spec(self.defaults), limits=_resource_spec(self.limits))

    def to_message(self) -> TaskResourceAttributes:
        """Convert the values to the message from which `platform` reads them."""
        return TaskResourceAttributes(defaults=_message(self.defaults), limits=_message(self.limits))


def _message(quantities: dict[str, Quantity]) -> TaskResourceSpec:
    return TaskResourceSpec(**{name: str(quantity) for name, quantity in quantities.items() if quantity})


def _resource_spec(quantities: dict[str, Quantity]) -> crd.TaskResourceSpec:
    return crd.TaskResourceSpec(**{name: str(quantity) for name, quantity in quantities.items()})


def platform(row: TaskResourceAttributes | None, configured: TaskResources) -> Platform:
    """Return the platform's values; a matchable row replaces the configured ones as a whole (RES-02)."""
    if row is not None:
        return Platform(_quantities(row.defaults), _quantities(row.limits))
    return Platform(_quantities(configured.defaults), _quantities(configured.limits))


def _quantities(values: TaskResourceSet | TaskResourceSpec) -> dict[str, Quantity]:
    return {name: _quantity(getattr(values, name)) for name, _ in (*_ALWAYS, *_IF_REQUESTED)}


def _quantity(text: str) -> Quantity:
    """Parse a quantity; one that is not valid counts as unset at execution time (RES-06)."""
    try:
        return parse_quantity(text)
    except QuantityError:
        return _ZERO


def set_defaults(container: Container, limits: Platform) -> None:
    """Rewrite a container's requests and limits in place: CPU, memory, ephemeral storage, GPU (RES-03…05)."""
    requested, limited = _by_name(container.resources.requests), _by_name(container.resources.limits)
    requests, maxima = [], []
    for field, name in (*_ALWAYS, *_IF_REQUESTED):
        request, limit = requested.get(name, _ZERO), limited.get(name, _ZERO)
        default = limits.defaults[field]
        if (field, name) in _IF_REQUESTED and not (request or limit or default):
            continue
        request, limit = _adjusted(request, limit, default, limits.limits[field])
        requests.append(Resources.ResourceEntry(name=name, value=str(request)))
        maxima.append(Resources.ResourceEntry(name=name, value=str(limit)))
    container.resources.CopyFrom(Resources(requests=requests, limits=maxima))


def _by_name(entries: Iterable[Resources.ResourceEntry]) -> dict[int, Quantity]:
    return {entry.name: _quantity(entry.value) for entry in entries}


def _adjusted(request: Quantity, limit: Quantity, default: Quantity, maximum: Quantity) -> tuple[Quantity, Quantity]:
    request = request or limit or default
    limit = _capped(limit or request, maximum)
    return _capped(_capped(request, maximum), limit), limit


def _capped(value: Quantity, limit: Quantity) -> Quantity:
    return limit if value and limit and value.amount > limit.amount else value
