"""Validation of tasks at registration, resources included."""

from collections.abc import Callable
from math import ceil

import pytest
from flyteidl.admin.matchable_resource_pb2 import TaskResourceAttributes, TaskResourceSpec
from flyteidl.admin.task_pb2 import TaskCreateRequest
from flyteidl.core.tasks_pb2 import K8sPod, Resources
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.compiler.quantity import QuantityError, parse_quantity
from flyteadmin.errors import InvalidArgument
from flyteadmin.settings import TaskResources, TaskResourceSet, WhitelistScope
from flyteadmin.tasks import validation
from flyteadmin.tasks.validation import Amounts, Whitelist, platform_limits
from tests.entities import resources, task_request

UNLIMITED: Amounts = {}


def validate_task(request: TaskCreateRequest, limits: Amounts, whitelist: Whitelist | None = None) -> None:
    validation.validate_task(request, limits, whitelist or {})


def platform(**limits: str) -> Amounts:
    return platform_limits(None, TaskResources(limits=TaskResourceSet(**limits)))


def container_task(asked: Resources) -> TaskCreateRequest:
    request = task_request()
    request.spec.template.container.resources.CopyFrom(asked)
    return request


def pod_task(*containers: dict[str, object], **spec: object) -> TaskCreateRequest:
    request = task_request()
    body = ParseDict({"containers": list(containers), **spec}, Struct())
    request.spec.template.k8s_pod.CopyFrom(K8sPod(pod_spec=body))
    return request


def pod_container(requests: dict[str, str], limits: dict[str, str]) -> dict[str, object]:
    return {"name": "primary", "resources": {"requests": requests, "limits": limits}}


def message_of(request: TaskCreateRequest, limits: Amounts = UNLIMITED) -> str:
    with pytest.raises(InvalidArgument) as refused:
        validate_task(request, limits)
    return refused.value.message


def test_a_complete_task_is_taken() -> None:
    validate_task(task_request(), platform(cpu="2"))


def _drop(field: str) -> Callable[[TaskCreateRequest], None]:
    return lambda request: request.spec.template.ClearField(field)


@pytest.mark.conformance("VAL-10")
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda request: request.ClearField("spec"), "missing spec"),
        (lambda request: request.spec.ClearField("template"), "missing spec"),
        (_drop("type"), "missing type"),
        (_drop("metadata"), "missing metadata"),
        (lambda request: request.spec.template.metadata.runtime.ClearField("version"), "missing runtime version"),
        (_drop("interface"), "missing typed interface"),
        (lambda request: request.spec.template.container.ClearField("image"), "missing image"),
    ],
)
def test_what_is_missing_is_named(spoil: Callable[[TaskCreateRequest], None], message: str) -> None:
    request = task_request()
    spoil(request)
    assert message_of(request) == message


def test_the_first_thing_that_is_missing_is_named() -> None:
    request = task_request()
    for field in ("type", "metadata", "interface"):
        _drop(field)(request)
    assert message_of(request) == "missing type"


def test_a_task_without_container_needs_no_resources() -> None:
    request = task_request()
    _drop("container")(request)
    validate_task(request, UNLIMITED)


@pytest.mark.conformance("RES-09")
def test_a_resource_is_named_once() -> None:
    asked = resources(requests={"CPU": "1"})
    asked.requests.append(asked.requests[0])
    assert "can't specify CPU limit for task" in message_of(container_task(asked))


@pytest.mark.conformance("RES-09")
@pytest.mark.parametrize("text", ["", "lots", "1 Gi", "1KB", "--1"])
def test_a_quantity_must_parse(text: str) -> None:
    found = message_of(container_task(resources(requests={"MEMORY": text})))
    assert found.startswith(f"Parsing of MEMORY request failed for value {text} - reason  ")


@pytest.mark.conformance("RES-09")
def test_a_request_stays_within_its_limit() -> None:
    asked = resources(requests={"MEMORY": "2Gi"}, limits={"MEMORY": "1Gi"})
    assert message_of(container_task(asked)) == (
        "Requested MEMORY default [2Gi] is greater than the limit [1Gi]. Please fix your configuration"
    )


@pytest.mark.conformance("RES-10")
@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (resources(requests={"CPU": "3"}), "default [3]"),
        (resources(requests={"CPU": "1"}, limits={"CPU": "3"}), "limit [3]"),
    ],
)
def test_nothing_is_above_the_platform(asked: Resources, what: str) -> None:
    assert message_of(container_task(asked), platform(cpu="2")).startswith(
        f"Requested CPU {what} is greater than current limit set in the platform configuration [2]."
    )


@pytest.mark.conformance("RES-10")
def test_a_platform_limit_of_zero_is_none() -> None:
    validate_task(container_task(resources(requests={"CPU": "900"})), platform(cpu="0"))


@pytest.mark.conformance("RES-11")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (resources(requests={"GPU": "1500m"}), "must be a whole number, got: 1500m instead"),
        (resources(limits={"GPU": "0.5"}), "must be a whole number, got: 0.5 instead"),
        (resources(requests={"GPU": "1"}, limits={"GPU": "2"}), "the default value must equal the limit value"),
        (resources(requests={"GPU": "9"}), "Requested GPU default [9] is greater than current limit"),
    ],
)
def test_gpus_are_whole_equal_and_limited(asked: Resources, message: str) -> None:
    assert message in message_of(container_task(asked), platform(gpu="8"))


@pytest.mark.conformance("RES-12")
def test_each_container_of_a_pod_is_checked_but_no_init_container() -> None:
    fine = pod_container({"cpu": "1"}, {"cpu": "1"})
    greedy = pod_container({"ephemeral-storage": "9Gi"}, {})
    limits = platform(ephemeral_storage="1Gi", cpu="2")
    validate_task(pod_task(fine, initContainers=[greedy]), limits)
    assert "Requested EPHEMERAL_STORAGE default [9Gi]" in message_of(pod_task(fine, greedy), limits)


@pytest.mark.conformance("RES-12")
def test_a_pod_task_needs_a_pod_spec() -> None:
    request = task_request()
    request.spec.template.k8s_pod.CopyFrom(K8sPod())
    assert "pod tasks should specify their target as a K8sPod" in message_of(request)


def test_a_pod_spec_that_is_none_is_the_clients_fault() -> None:
    assert message_of(pod_task({"name": 1})) == "invalid value for pod_spec: it is not a Kubernetes PodSpec"


@pytest.mark.conformance("RES-13")
def test_whole_units_are_compared_so_1900m_fits_1500m() -> None:
    validate_task(container_task(resources(requests={"CPU": "1900m"}, limits={"CPU": "1500m"})), UNLIMITED)


@pytest.mark.conformance("RES-13")
def test_a_limit_without_a_request_is_never_looked_at() -> None:
    validate_task(container_task(resources(limits={"CPU": "900"})), platform(cpu="2"))


@given(request=st.integers(0, 5000), limit=st.integers(0, 5000), most=st.integers(1, 5000))
def test_a_cpu_is_taken_exactly_where_its_rounded_units_fit(request: int, limit: int, most: int) -> None:
    asked = container_task(resources(requests={"CPU": f"{request}m"}, limits={"CPU": f"{limit}m"}))
    units = [ceil(each / 1000) for each in (request, limit, most)]
    try:
        validate_task(asked, platform(cpu=f"{most}m"))
        taken = True
    except InvalidArgument:
        taken = False
    assert taken == (units == sorted(units))


@given(st.text(alphabet="0123456789.eEnumkKMGTPi+- ", max_size=8))
def test_a_memory_is_taken_exactly_where_it_is_a_quantity(text: str) -> None:
    asked = container_task(resources(requests={"MEMORY": text}))
    try:
        parse_quantity(text)
    except QuantityError:
        assert "Parsing of MEMORY request failed" in message_of(asked)
    else:
        validate_task(asked, UNLIMITED)


def test_a_matchable_row_replaces_the_configured_limits_as_a_whole() -> None:
    row = TaskResourceAttributes(limits=TaskResourceSpec(cpu="8", memory="nonsense"))
    limits = platform_limits(row, TaskResources())
    assert {Resources.ResourceName.Name(name): str(limit) for name, limit in limits.items()} == {"CPU": "8"}


@pytest.mark.conformance("REG-06")
@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([], True),
        ([("", "")], True),
        ([("", "production")], True),
        ([("flytesnacks", "")], True),
        ([("other", ""), ("flytesnacks", "development")], True),
        ([("flytesnacks", "production")], False),
        ([("other", "development")], False),
    ],
)
def test_a_listed_type_is_for_the_scopes_that_are_listed(scopes: list[tuple[str, str]], allowed: bool) -> None:
    listed = {"python-task": [WhitelistScope(project=project, domain=domain) for project, domain in scopes]}
    if allowed:
        validate_task(task_request(), UNLIMITED, listed)
    else:
        with pytest.raises(InvalidArgument, match="task type must be whitelisted before use"):
            validate_task(task_request(), UNLIMITED, listed)
    validate_task(task_request(), UNLIMITED, {"spark": [WhitelistScope(project="other")]})


@pytest.mark.conformance("REG-05")
def test_of_many_faults_the_first_in_upstreams_order_is_told() -> None:
    """All is missing at first; as each fault is mended the next one shows."""
    whole = task_request().spec.template
    request = TaskCreateRequest(id=task_request().id)
    template = request.spec.template
    assert message_of(TaskCreateRequest(id=request.id)) == "missing spec"
    template.container.args.append("run")
    assert message_of(request) == "missing type"
    template.type = whole.type
    with pytest.raises(InvalidArgument, match="whitelisted"):
        validate_task(request, UNLIMITED, {"python-task": [WhitelistScope(project="other")]})
    assert message_of(request) == "missing metadata"
    template.metadata.runtime.SetInParent()
    assert message_of(request) == "missing runtime version"
    template.metadata.runtime.version = "1"
    assert message_of(request) == "missing typed interface"
    template.interface.SetInParent()
    assert message_of(request) == "missing image"
    template.container.image = "image"
    template.container.resources.CopyFrom(resources(requests={"CPU": "many"}))
    assert message_of(request).startswith("Parsing of CPU request failed")
