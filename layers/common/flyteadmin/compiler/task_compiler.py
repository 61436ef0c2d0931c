"""Compiles a task: its container or pod must be complete enough to run (`task_compiler.go`)."""

from collections.abc import Iterable

from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.tasks_pb2 import Resources, TaskTemplate

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.pod_spec import parse_pod_spec
from flyteadmin.compiler.quantity import QuantityError, parse_quantity


def compile_task(template: TaskTemplate) -> CompiledTask:
    """Check a task template and wrap it.

    Raises:
        CompileErrors: what is missing or malformed, all at once.
    """
    errors = e.ErrorCollector()
    if not template.HasField("id"):
        errors.collect(e.value_required("root", "Id"))
    target = template.WhichOneof("target")
    if target == "container":
        errors.collect(*_container_errors(template))
    elif target == "k8s_pod":
        errors.collect(*_pod_errors(template))
    errors.raise_if_any()
    return CompiledTask(template=template)


def _container_errors(template: TaskTemplate) -> Iterable[e.CompileError]:
    container = template.container
    takes_or_gives = template.interface.inputs.variables or template.interface.outputs.variables
    if takes_or_gives and not container.command and not container.args:
        yield e.value_required("container", "command")
    if not container.image:
        yield e.value_required("container", "image")
    yield from _resource_errors(container.resources.requests)
    yield from _resource_errors(container.resources.limits)


def _resource_errors(entries: Iterable[Resources.ResourceEntry]) -> Iterable[e.CompileError]:
    for entry in entries:
        try:
            parse_quantity(entry.value)
        except QuantityError:
            yield e.unrecognized_value(f"resources.{_resource_name(entry.name)}", entry.value)


def _resource_name(number: int) -> str:
    known = Resources.ResourceName.DESCRIPTOR.values_by_number.get(number)
    return known.name if known else str(number)


def _pod_errors(template: TaskTemplate) -> Iterable[e.CompileError]:
    pod = template.k8s_pod
    spec = parse_pod_spec(pod.pod_spec) if pod.HasField("pod_spec") else None
    if spec is None:
        yield e.invalid_value("root", "k8s pod spec")
        return
    for _ in spec.bad_container_names():
        yield e.invalid_value("root", "k8s pod spec container name")
