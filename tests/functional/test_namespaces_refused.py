"""Values and templates that are refused, by the functions or by Kubernetes: nothing of them is applied."""

import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from flyteadmin.cluster_resources import service
from flyteadmin.templates.rendering import Rendered, Template, render
from flyteadmin.templates.values import Place
from functions.sweep_namespaces.handler import lambda_handler as sweep_namespaces
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context
from tests.namespaces import (
    DEVELOPMENT,
    DOMAINS,
    PRODUCTION,
    SECRET,
    Namespaces,
    logged,
    making_namespaces,
    row,
    set_attributes,
)


@pytest.fixture
def made(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespaces]:
    with making_namespaces(aws, monkeypatch) as namespaces:
        yield namespaces


@pytest.mark.parametrize(
    "value",
    ["5\n    pods: 1000", "5\r", "---", "5\n---\napiVersion: v1\nkind: Secret", "{a: b}", "[1]", "a: b", "&a {}", '"'],
)
def test_a_value_that_is_more_than_a_scalar_applies_nothing(
    made: Namespaces, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    set_attributes("flytesnacks", "development", projectQuotaCpu=value, password=SECRET)
    made.settle()
    assert made.namespaces("east") == {PRODUCTION}
    refused = row()
    assert not refused.digest
    assert "projectQuotaCpu" in refused.faults[0] or "changes the structure" in refused.faults[0]
    told = logged(caplog)
    assert "the templates are not applied" in told
    assert SECRET not in told
    assert "pods: 1000" not in told + str(refused.faults)


@pytest.mark.parametrize("name", ["namespace", "project", "domain"])
def test_a_variable_of_the_system_can_t_be_an_attribute(made: Namespaces, name: str) -> None:
    set_attributes("flytesnacks", "development", **{name: "kube-system"})
    made.settle()
    assert made.namespaces("east") == {PRODUCTION}
    assert row().faults == [f"{name} is a variable of the system and can't be set"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}", "a Namespace is that of its project"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: '{{ where }}'}", "another namespace"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: flytesnacks-staging}", "another namespace"),
    ],
)
def test_another_project_s_namespace_is_refused(made: Namespaces, text: str, fault: str) -> None:
    made.template("ac_other.yaml", text)
    set_attributes("flytesnacks", where=PRODUCTION)
    made.settle()
    assert "flytesnacks-development" not in made.namespaces("east")
    assert fault in row().faults[0]
    assert made.objects("east", "secrets", DEVELOPMENT) == {}


def test_an_object_that_is_every_project_s_is_refused_and_the_rest_applied(made: Namespaces) -> None:
    made.template("ac_role.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}")
    made.template("ad_kind.yaml", "apiVersion: v1\nkind: Nonsense\nmetadata: {name: a}")
    made.settle()
    assert made.namespaces("east") == {DEVELOPMENT, PRODUCTION}
    assert made.objects("east", "clusterroles") == {}
    assert row().faults == ["ac_role.yaml: ClusterRole: ClusterScoped", "ad_kind.yaml: Nonsense: NotServed"]


def test_what_kubernetes_refuses_is_told_by_field_and_never_by_value(
    made: Namespaces, caplog: pytest.LogCaptureFixture
) -> None:
    made.template("ac_map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: '{{ label }}'}}")
    set_attributes("flytesnacks", label=f"!{SECRET}")
    made.settle()
    assert row().faults == ["ac_map.yaml: ConfigMap: Invalid (metadata.labels)"]
    assert row().attempts == 1
    assert SECRET not in logged(caplog)
    assert made.sweep(time.time() + 60) == 0
    assert made.sweep(time.time() + 5 * 60) == 2 * len(DOMAINS)
    made.work()
    set_attributes("flytesnacks", label="right")
    made.settle()
    assert row().faults == []


def test_what_goes_wrong_in_rendering_waits_in_its_row_and_holds_up_no_other(
    made: Namespaces, monkeypatch: pytest.MonkeyPatch
) -> None:

    def fails(templates: Sequence[Template], values: Mapping[str, str], place: Place) -> list[Rendered]:
        if place.domain == "development":
            raise KeyError(SECRET)
        return render(templates, values, place)

    monkeypatch.setattr(service, "render", fails)
    made.settle()
    assert made.namespaces("east") == {PRODUCTION}
    assert (row().faults, row().attempts) == (["the templates can't be rendered: KeyError"], 1)
    assert sweep_namespaces({}, Context())["asked"] == 0, "it has a pause"
