"""What each container task may ask for: the task's own requests and limits under the platform's; pure.

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
_WHERE_ASKED = (("ephemeral_storage", Resources.EPHEMERAL_STORAGE), ("gpu", Resources.GPU))


@dataclass(frozen=True)
class Platform:
    """The platform's defaults and limits by resource name; zero is unset."""

    defaults: dict[str, Quantity]
    limits: dict[str, Quantity]

    def in_flyteworkflow(self) -> crd.TaskResources:
        """The platform's values as they travel to propeller (RES-07)."""
        return crd.TaskResources(requests=_resource_spec(self.defaults), limits=_resource_spec(self.limits))


def _resource_spec(quantities: dict[str, Quantity]) -> crd.TaskResourceSpec:
    return crd.TaskResourceSpec(**{name: str(quantity) for name, quantity in quantities.items()})


def platform(row: TaskResourceAttributes | None, configured: TaskResources) -> Platform:
    """The platform's values; a matchable row replaces the configured ones as a whole (RES-02)."""
    if row is not None:
        return Platform(_quantities(row.defaults), _quantities(row.limits))
    return Platform(_quantities(configured.defaults), _quantities(configured.limits))


def _quantities(values: TaskResourceSet | TaskResourceSpec) -> dict[str, Quantity]:
    return {name: _quantity(getattr(values, name)) for name, _ in (*_ALWAYS, *_WHERE_ASKED)}


def _quantity(text: str) -> Quantity:
    """A quantity; what can't be parsed counts as unset at execution time (RES-06)."""
    try:
        return parse_quantity(text)
    except QuantityError:
        return _ZERO


def set_defaults(container: Container, limits: Platform) -> None:
    """Rewrite a container's requests and limits in place: CPU, memory, ephemeral storage, GPU (RES-03…05)."""
    asked, limited = _by_name(container.resources.requests), _by_name(container.resources.limits)
    requests, maxima = [], []
    for field, name in (*_ALWAYS, *_WHERE_ASKED):
        request, limit = asked.get(name, _ZERO), limited.get(name, _ZERO)
        default = limits.defaults[field]
        if (field, name) in _WHERE_ASKED and not (request or limit or default):
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
