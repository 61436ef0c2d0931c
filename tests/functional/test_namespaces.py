"""Namespaces of projects, with what the operator's templates put into them, in every cluster."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, ProjectRegisterResponse, ProjectUpdateResponse

from flyteadmin.clients import cluster as cluster_client
from flyteadmin.cluster_resources import repository
from flyteadmin.cluster_resources.models import NamespaceRow
from flyteadmin.cluster_resources.rules import DAY
from functions.ask_namespaces.handler import lambda_handler as ask_namespaces
from functions.sweep_namespaces.handler import lambda_handler as sweep_namespaces
from local.aws.data import DataAccount as Aws
from local.cluster.faults import Fault
from local.cluster.objects import Object, ObjectMeta
from tests import in_process
from tests.aws_events import Context, batch
from tests.namespaces import (
    DEVELOPMENT,
    DOMAINS,
    NAMESPACE,
    PRODUCTION,
    QUOTA,
    SECRET,
    SECTION,
    Namespaces,
    logged,
    making_namespaces,
    row,
    set_attributes,
)
from tests.operating import Operator, name_stack

PAIRS = 2 * 2
"""Clusters times domains, for one project."""


@pytest.fixture
def made(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespaces]:
    with making_namespaces(aws, monkeypatch) as namespaces:
        yield namespaces


def long_ago(cluster: str, place: str) -> None:
    """Let a failure be old enough to be tried again."""
    failed = row(cluster, place)
    failed.failed_at = time.time_ns() - 5 * 60 * 1_000_000_000
    assert repository.replace(failed, is_new=False)


def cpu(made: Namespaces, cluster: str = "east", namespace: str = DEVELOPMENT) -> object:
    spec = made.objects(cluster, "resourcequotas", namespace)["project-quota"].body["spec"]
    assert isinstance(spec, dict)
    assert isinstance(spec["hard"], dict)
    return spec["hard"]["limits.cpu"]


def test_each_cluster_gets_each_domain_s_namespace_by_its_id_with_its_content(made: Namespaces) -> None:
    assert sweep_namespaces({}, Context()) == {"asked": PAIRS}
    assert made.work() == PAIRS
    for cluster in ("east", "west"):
        assert made.namespaces(cluster) == {DEVELOPMENT, PRODUCTION}
        assert cpu(made, cluster, PRODUCTION) == 5
    applied = row()
    assert (applied.namespace, applied.objects) == (
        DEVELOPMENT,
        ["Namespace/flytesnacks-development", "ResourceQuota/project-quota"],
    )
    assert applied.digest
    assert applied.applied_at


def test_an_idle_sweep_asks_for_nothing_and_every_namespace_has_its_moment_of_the_day(made: Namespaces) -> None:
    made.settle()
    now = time.time()
    assert made.sweep(now) == 0
    moments = [now + minutes * 60 for minutes in range(5, 24 * 60 + 10, 5)]
    due = [made.sweep(moment) for moment in moments]
    assert due[-1] == PAIRS
    assert due == sorted(due)
    assert sum(after > before for before, after in pairwise(due)) > 1  # not all at once


def test_drift_is_undone_within_a_day(made: Namespaces) -> None:
    made.settle()
    store = made.clusters.servers["east"].store
    kind = store.kind("", "v1", "resourcequotas")
    store.merge(kind, DEVELOPMENT, "project-quota", {"spec": {"hard": {"limits.cpu": 500}}})
    assert cpu(made) == 500
    before = row()
    before.applied_at = time.time_ns() - 2 * DAY * 1_000_000_000
    assert repository.replace(before, is_new=False)
    assert made.settle() == 1
    assert cpu(made) == 5


def test_a_changed_template_reaches_everybody_and_an_attribute_its_own_project(made: Namespaces) -> None:
    made.settle()
    made.template("ab_quota.yaml", QUOTA.replace("limits.cpu", "requests.cpu"))
    assert made.settle() == PAIRS
    quota = made.objects("west", "resourcequotas", PRODUCTION)["project-quota"]
    assert quota.body["spec"] == {"hard": {"requests.cpu": 5}}  # limits.cpu was ours, and goes
    made.template("ab_quota.yaml", QUOTA)
    set_attributes("flytesnacks", "production", projectQuotaCpu="7")
    set_attributes("other", projectQuotaCpu="8")
    made.settle()
    assert [cpu(made, "east", name) for name in (DEVELOPMENT, PRODUCTION)] == [5, 7]


def test_a_project_s_attributes_count_for_its_domains_without_their_own(made: Namespaces) -> None:
    set_attributes("flytesnacks", projectQuotaCpu="6")
    set_attributes("flytesnacks", "production", projectQuotaCpu="7")
    made.settle()
    assert [cpu(made, "east", name) for name in (DEVELOPMENT, PRODUCTION)] == [6, 7]


def test_a_new_project_is_asked_for_by_its_stream_and_an_archived_one_gets_nothing_more(made: Namespaces) -> None:
    admin = in_process.admin()
    admin.call(
        "RegisterProject", ProjectRegisterRequest(project=Project(id="new", name="New")), ProjectRegisterResponse
    )
    change = {"dynamodb": {"SequenceNumber": "1", "Keys": {"project": {"S": "new"}}}}
    ask_namespaces(batch([change]), Context())
    assert made.work() == PAIRS
    assert made.namespaces("west") == {"new-development", "new-production"}
    admin.call("UpdateProject", Project(id="new", state=Project.ARCHIVED), ProjectUpdateResponse)
    made.template("ab_quota.yaml", QUOTA.replace("project-quota", "quota"))
    made.settle()
    assert "project-quota" in made.objects("east", "resourcequotas", "new-development")
    assert "quota" not in made.objects("east", "resourcequotas", "new-development")


@pytest.mark.parametrize(
    ("scope", "count"),
    [("flytesnacks:::", 4), ("flytesnacks:development::", 2), ("flytesnacks:development:wf:", 0), (":::", 0)],
)
def test_changed_attributes_ask_for_their_scope(made: Namespaces, scope: str, count: int) -> None:
    change = {"dynamodb": {"SequenceNumber": "1", "Keys": {"scope": {"S": scope}}}}
    ask_namespaces(batch([change, change]), Context())
    assert made.work() == count


def test_one_cluster_fails_while_another_succeeds_and_is_tried_again(made: Namespaces) -> None:
    made.fault("east", Fault(verb="patch", resource="resourcequotas", code=503, times=100))
    made.settle()
    assert cpu(made, "west", PRODUCTION) == 5
    assert made.objects("east", "resourcequotas") == {}
    assert row().faults == ["ab_quota.yaml: the cluster answered 503"]
    assert made.sweep() == 0  # what failed has a pause
    made.clusters.servers["east"].faults.clear()
    for place in ("flytesnacks:development", "flytesnacks:production"):
        long_ago("east", place)
    made.settle()
    assert {cpu(made, "east", name) for name in (DEVELOPMENT, PRODUCTION)} == {5}
    assert row().attempts == 0
    assert made.sweep() == 0


def test_a_cluster_that_hangs_holds_its_own_alone(made: Namespaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "ALL_CALLS_SECONDS", 0.3)
    made.fault("east", Fault(verb="patch", resource="namespaces", code=0, hang_seconds=1, times=1))
    begun = time.monotonic()
    made.settle()
    assert time.monotonic() - begun < 5
    assert made.namespaces("west") == {DEVELOPMENT, PRODUCTION}
    assert made.namespaces("east") == set()
    assert row().faults == ["aa_namespace.yaml: the cluster can't be reached right now"]
    assert repository.read("east", "flytesnacks:production") is None  # it was left alone, so the next sweep asks again
    monkeypatch.setattr(cluster_client, "ALL_CALLS_SECONDS", 12)
    made.heal()
    assert made.settle() == 1
    assert made.namespaces("east") == {PRODUCTION}


def test_what_lost_its_template_stays_and_is_told(made: Namespaces) -> None:
    made.settle()
    made.template("ab_quota.yaml", "")
    made.settle()
    assert "project-quota" in made.objects("east", "resourcequotas", DEVELOPMENT)
    assert (row().objects, row().left) == (["Namespace/flytesnacks-development"], ["ResourceQuota/project-quota"])
    made.template("ab_quota.yaml", QUOTA)
    made.settle()
    assert row().left == []


def test_operators_see_what_failed_and_what_was_left(made: Namespaces, capsys: pytest.CaptureFixture[str]) -> None:
    name_stack(made.aws, "operated", "flyteadmin.yaml")
    made.settle()
    made.template("ab_quota.yaml", "")
    set_attributes("flytesnacks", "production", domain="x")
    made.settle()
    done = Operator(capsys)("namespaces", "--stack", "operated", "--cluster", "east")
    assert [line[:50] for line in done.out.splitlines()] == [
        f"east  flytesnacks-development  {DEVELOPMENT}  applied"[:50],
        "    without a template: ResourceQuota/project-quota"[:50],
        f"east  flytesnacks-production  {PRODUCTION}  failed"[:50],
        "    domain is a variable of the system and can't be set"[:50],
    ]
    assert done.err == "2 of 2 namespaces\n"
    assert len(Operator(capsys)("namespaces", "--stack", "operated", "--all", "--json").records()) == PAIRS


def test_a_secret_is_a_value(made: Namespaces, caplog: pytest.LogCaptureFixture) -> None:
    arn = made.aws.client("secretsmanager").create_secret(Name="password", SecretString=SECRET)["ARN"]
    made.configure({**SECTION, "templateData": {"password": {"valueFrom": {"secretArn": arn}}}})
    made.template(
        "ac_secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: '{{ password }}'}"
    )
    made.settle()
    assert made.objects("east", "secrets", DEVELOPMENT)["a"].body["stringData"] == {"p": SECRET}
    assert SECRET not in logged(caplog)
    made.configure({**SECTION, "templateData": {"password": {"valueFrom": {"secretArn": f"{arn}-gone"}}}})
    made.settle()
    assert row().faults == ["the secret of password failed"]


def test_fields_of_another_manager_are_taken_over(made: Namespaces) -> None:
    store = made.clusters.servers["east"].store
    store.create_namespace(DEVELOPMENT)
    store.create(
        store.kind("", "v1", "resourcequotas"),
        DEVELOPMENT,
        Object.parse(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": ObjectMeta(name="project-quota").model_dump(exclude_none=True),
                "spec": {"hard": {"limits.cpu": 1, "pods": 3}},
            }
        ),
    )
    made.settle()
    quota = made.objects("east", "resourcequotas", DEVELOPMENT)["project-quota"]
    assert quota.body["spec"] == {"hard": {"limits.cpu": 5, "pods": 3}}
    managers = {str(each["manager"]) for each in quota.metadata.managed_fields or []}
    assert managers == {"before-first-apply", "flyteadmin"}


def test_two_workers_at_once_leave_a_row_that_the_next_sweep_takes_up(
    made: Namespaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.settle()
    made.template("ab_quota.yaml", QUOTA.replace("limits.cpu", "pods"))
    original = repository.replace

    def late(changed: NamespaceRow, *, is_new: bool) -> bool:
        monkeypatch.setattr(repository, "replace", original)
        assert original(row(changed.cluster, changed.place), is_new=False)
        return original(changed, is_new=is_new)

    monkeypatch.setattr(repository, "replace", late)
    made.settle()
    assert made.sweep() == 1
    made.work()
    assert made.sweep() == 0


def test_without_templates_or_without_the_setting_nothing_is_made(
    made: Namespaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.template("aa_namespace.yaml", "")
    made.template("ab_quota.yaml", "")
    assert made.settle() == 0
    made.template("aa_namespace.yml", NAMESPACE)
    assert made.settle() == 0


def test_a_disabled_cluster_gets_nothing(made: Namespaces) -> None:
    east, west = made.clusters.entry("east"), made.clusters.entry("west", enabled=False)
    made.clusters.configure(east, west, more={"domains": DOMAINS, "cluster_resources": SECTION})
    assert made.settle() == PAIRS / 2
    assert made.namespaces("west") == set()


def test_the_sample_of_rights_names_every_kind_of_the_sample_of_templates() -> None:
    sample = Path(__file__).parents[2] / "deploy" / "kubernetes" / "namespaces-role.yaml"
    text = sample.read_text()
    for resource in ("namespaces", "resourcequotas", "limitranges", "serviceaccounts", "configmaps", "secrets"):
        assert resource in text
    assert "delete" not in text
