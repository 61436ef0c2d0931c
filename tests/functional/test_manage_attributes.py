"""Matchable attributes through the real handler: set, read, deleted and listed at each scope."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.cluster_assignment_pb2 import ClusterAssignment
from flyteidl.admin.matchable_resource_pb2 import (
    ClusterResourceAttributes,
    ExecutionQueueAttributes,
    MatchableResource,
    MatchingAttributes,
    TaskResourceAttributes,
    TaskResourceSpec,
)
from flyteidl.admin.project_attributes_pb2 import ProjectAttributesUpdateRequest
from flyteidl.admin.project_domain_attributes_pb2 import ProjectDomainAttributesUpdateRequest
from flyteidl.admin.project_pb2 import (
    InactiveProject,
    Project,
    ProjectRegisterRequest,
    ProjectRegisterResponse,
    ProjectUpdateResponse,
)
from flyteidl.admin.workflow_attributes_pb2 import WorkflowAttributesUpdateRequest
from flyteidl.core.execution_pb2 import QualityOfService

from flyteadmin.attributes import service
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.errors import Code, InvalidArgument
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from tests import in_process
from tests.attribute_calls import (
    EACH_KIND,
    OF_DOMAIN,
    OF_PROJECT,
    WORKFLOW,
    Scope,
    delete,
    labelled,
    listed,
    parallel,
    plugins,
    show,
    update,
)
from tests.attribute_rows import put_attributes
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure

KINDS = MatchableResource
CONFIG = KINDS.WORKFLOW_EXECUTION_CONFIG
CHANGES: list[Callable[[Admin, Scope], object]] = [
    lambda admin, scope: update(admin, scope, labelled("a")),
    lambda admin, scope: delete(admin, scope, KINDS.EXECUTION_CLUSTER_LABEL),
]


@pytest.fixture
def admin(aws: Aws) -> Admin:
    return in_process.admin()


def refused(call: Callable[[], object]) -> CallFailed:
    with pytest.raises(CallFailed) as failure:
        call()
    return failure.value


def is_absent(admin: Admin, scope: Scope, kind: MatchableResource) -> bool:
    try:
        show(admin, scope, kind)
    except CallFailed as failure:
        return failure.code is Code.NOT_FOUND
    return False


def set_project(admin: Admin, project: str, *, is_archived: bool = False) -> None:
    made = Project(id=project, name=project)
    admin.call("RegisterProject", ProjectRegisterRequest(project=made), ProjectRegisterResponse)
    if is_archived:
        made.state = Project.ARCHIVED
        admin.call("UpdateProject", made, ProjectUpdateResponse)


@pytest.mark.conformance("ATT-04", "ATT-06", "KD-27")
@pytest.mark.parametrize("kind", list(EACH_KIND))
@pytest.mark.parametrize("scope", [WORKFLOW, OF_DOMAIN, OF_PROJECT])
def test_each_kind_is_set_shown_and_deleted_at_each_scope(admin: Admin, scope: Scope, kind: MatchableResource) -> None:
    for _ in range(2):
        update(admin, scope, EACH_KIND[kind])
        assert show(admin, scope, kind).matching_attributes == EACH_KIND[kind]
    delete(admin, scope, kind)
    assert is_absent(admin, scope, kind) or (scope, kind) == (OF_PROJECT, CONFIG)
    project, domain, workflow = (*scope, "", "")[:3]
    assert get(Key(AttributesRow, scope_key(project, domain, workflow, ""))) is None


@pytest.mark.conformance("ATT-04")
def test_an_update_replaces_the_whole_value_and_no_other_kind(admin: Admin) -> None:
    for attributes in EACH_KIND.values():
        update(admin, OF_DOMAIN, attributes)
    update(admin, OF_DOMAIN, parallel(7))
    expected = EACH_KIND | {CONFIG: parallel(7)}
    assert {kind: show(admin, OF_DOMAIN, kind).matching_attributes for kind in EACH_KIND} == expected
    delete(admin, OF_DOMAIN, CONFIG)
    del expected[CONFIG]
    assert {kind: show(admin, OF_DOMAIN, kind).matching_attributes for kind in expected} == expected


@pytest.mark.conformance("ATT-05", "KD-27")
@pytest.mark.parametrize("scope", [WORKFLOW, OF_DOMAIN, OF_PROJECT])
def test_plugin_overrides_merge_by_task_type(admin: Admin, scope: Scope) -> None:
    update(admin, scope, plugins(spark="old", ray="kept"))
    update(admin, scope, plugins(spark="new", dask="added"))
    found = show(admin, scope, KINDS.PLUGIN_OVERRIDE).matching_attributes.plugin_overrides.overrides
    assert {each.task_type: list(each.plugin_id) for each in found} == {
        "spark": ["new"],
        "ray": ["kept"],
        "dask": ["added"],
    }


def test_writers_at_once_lose_neither_a_kind_nor_a_plugin(admin: Admin) -> None:
    given = [*(EACH_KIND[kind] for kind in EACH_KIND), plugins(ray="a"), plugins(dask="b")]
    with ThreadPoolExecutor(len(given)) as threads:
        list(threads.map(lambda attributes: update(admin, OF_DOMAIN, attributes), given))
    for kind in EACH_KIND.keys() - {KINDS.PLUGIN_OVERRIDE}:
        assert show(admin, OF_DOMAIN, kind).matching_attributes == EACH_KIND[kind]
    found = show(admin, OF_DOMAIN, KINDS.PLUGIN_OVERRIDE).matching_attributes.plugin_overrides.overrides
    assert {each.task_type for each in found} == {"spark", "ray", "dask"}


def test_a_kind_set_while_the_last_other_one_is_deleted_stays(admin: Admin) -> None:
    for _ in range(4):
        update(admin, WORKFLOW, EACH_KIND[CONFIG])
        with ThreadPoolExecutor(2) as threads:
            deleted = threads.submit(delete, admin, WORKFLOW, CONFIG)
            updated = threads.submit(update, admin, WORKFLOW, labelled("a"))
            assert (deleted.result(), updated.result()) == (None, None)
        assert is_absent(admin, WORKFLOW, CONFIG)
        assert show(admin, WORKFLOW, KINDS.EXECUTION_CLUSTER_LABEL).matching_attributes == labelled("a")
        delete(admin, WORKFLOW, KINDS.EXECUTION_CLUSTER_LABEL)


@pytest.mark.conformance("ATT-01", "ATT-02", "ATT-12")
def test_the_most_specific_row_answers_named_as_it_is_stored(admin: Admin) -> None:
    put_attributes(parallel(1000), workflow="doubling", launch_plan="plan")
    found = []
    for scope, number in ((OF_PROJECT, 5), (OF_DOMAIN, 10), (WORKFLOW, 100)):
        update(admin, scope, parallel(number))
        shown = show(admin, WORKFLOW, CONFIG)
        found.append((shown.project, shown.domain, shown.workflow, shown.matching_attributes))  # type: ignore[union-attr]
    assert found == [
        (PROJECT, "", "", parallel(5)),
        (PROJECT, DOMAIN, "", parallel(10)),
        (PROJECT, DOMAIN, "doubling", parallel(100)),
    ]
    assert show(admin, OF_DOMAIN, CONFIG).matching_attributes == parallel(10)
    delete(admin, OF_DOMAIN, CONFIG)
    shown = show(admin, OF_DOMAIN, CONFIG)
    assert (shown.project, shown.domain, shown.matching_attributes) == (PROJECT, "", parallel(5))  # type: ignore[union-attr]
    assert show(admin, (PROJECT, DOMAIN, "another"), CONFIG).matching_attributes == parallel(5)


@pytest.mark.conformance("ATT-03")
def test_no_row_is_not_found(admin: Admin) -> None:
    failure = refused(lambda: show(admin, WORKFLOW, KINDS.TASK_RESOURCE))
    assert (failure.code, failure.status.message) == (
        Code.NOT_FOUND,
        f"Resource [{{Project:{PROJECT} Domain:{DOMAIN} Workflow:doubling LaunchPlan: ResourceType:TASK_RESOURCE}}]"
        " not found",
    )
    for scope in (OF_DOMAIN, OF_PROJECT):
        assert refused(lambda scope=scope: show(admin, scope, KINDS.EXECUTION_QUEUE)).code is Code.NOT_FOUND  # type: ignore[misc]


@pytest.mark.conformance("ATT-06", "QOS-06")
@pytest.mark.parametrize(
    ("scope", "name"),
    [(WORKFLOW, f"{PROJECT}-{DOMAIN}-doubling"), (OF_DOMAIN, f"{PROJECT}-{DOMAIN}"), (OF_PROJECT, PROJECT)],
)
def test_what_is_no_kind_is_refused(admin: Admin, scope: Scope, name: str) -> None:
    for attributes in (MatchingAttributes(quality_of_service=QualityOfService()), MatchingAttributes()):
        failure = refused(lambda attributes=attributes: update(admin, scope, attributes))  # type: ignore[misc]
        assert (failure.code, failure.status.message) == (
            Code.INVALID_ARGUMENT,
            f"Unrecognized matching attributes type for request {name}",
        )
    assert refused(lambda: update(admin, scope, None)).status.message == "missing matching_attributes"


@pytest.mark.conformance("ATT-07", "ATT-08")
def test_an_update_without_attributes_is_refused() -> None:
    """Over HTTP the path names the attributes, so this is asked of what serves the RPC."""
    with pytest.raises(InvalidArgument, match=r"^missing attributes$"):
        service.update_project(ProjectAttributesUpdateRequest())
    with pytest.raises(InvalidArgument, match=r"^missing attributes$"):
        service.update_project_domain(ProjectDomainAttributesUpdateRequest())
    with pytest.raises(InvalidArgument, match=r"^missing attributes$"):
        service.update_workflow(WorkflowAttributesUpdateRequest())


@pytest.mark.conformance("ATT-07", "PRJ-06")
@pytest.mark.parametrize("narrow", [(DOMAIN,), (DOMAIN, "doubling")])
def test_a_scope_with_a_domain_needs_an_active_project_and_a_known_domain(admin: Admin, narrow: Scope) -> None:
    set_project(admin, "archived", is_archived=True)
    calls = [*CHANGES, lambda admin, scope: show(admin, scope, KINDS.EXECUTION_CLUSTER_LABEL)]
    for call in calls:
        unknown = refused(lambda call=call: call(admin, ("nobodys", *narrow)))  # type: ignore[misc]
        assert unknown.status.message == (
            f"failed to validate that project [nobodys] and domain [{DOMAIN}] are registered,"
            " err: [project [nobodys] not found]"
        )
        inactive = refused(lambda call=call: call(admin, ("archived", *narrow)))  # type: ignore[misc]
        assert inactive.status.message == "project [archived] is not active"
        detail = InactiveProject()
        assert inactive.status.details[0].Unpack(detail)
        assert detail.id == "archived"
        nowhere = refused(lambda call=call: call(admin, (PROJECT, "nowhere", *narrow[1:])))  # type: ignore[misc]
        assert nowhere.status.message == "domain [nowhere] is unrecognized by system"
        assert {unknown.code, inactive.code, nowhere.code} == {Code.INVALID_ARGUMENT}


@pytest.mark.conformance("ATT-08")
def test_a_projects_own_attributes_are_changed_while_it_is_active_and_read_while_it_exists(admin: Admin) -> None:
    set_project(admin, "archived", is_archived=True)
    for call in CHANGES:
        unknown = refused(lambda call=call: call(admin, ("nobodys",)))  # type: ignore[misc]
        assert unknown.status.message == (
            "failed to validate that project [nobodys] is registered, err: [project [nobodys] not found]"
        )
        inactive = refused(lambda call=call: call(admin, ("archived",)))  # type: ignore[misc]
        assert (inactive.status.message, len(inactive.status.details)) == ("project [archived] is not active", 0)
        assert {unknown.code, inactive.code} == {Code.INVALID_ARGUMENT}
    put_attributes(parallel(4), project="archived", domain="")
    assert show(admin, ("archived",), CONFIG).matching_attributes == parallel(4)
    missing = refused(lambda: show(admin, ("nobodys",), CONFIG))
    assert (missing.code, missing.status.message) == (
        Code.INVALID_ARGUMENT,
        "failed to validate that project [nobodys] exists, err: [project [nobodys] not found]",
    )


@pytest.mark.conformance("ATT-07", "KD-10")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("project_attributes/", "missing project"),
        (f"project_domain_attributes//{DOMAIN}", "missing project"),
        (f"project_domain_attributes/{PROJECT}/", "domain [] is unrecognized by system"),
        (f"workflow_attributes//{DOMAIN}/doubling", "missing project"),
        (f"workflow_attributes/{PROJECT}/{DOMAIN}/", "missing name"),
    ],
)
def test_a_scope_with_a_blank_part_is_refused(admin: Admin, path: str, message: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body = b"" if method == "GET" else b"{}"
        answer = admin.api.request(method, f"/api/v1/{path}", body, {"content-type": "application/json"})
        assert (answer.status, json.loads(answer.body)["message"]) == (400, message), method


@pytest.mark.conformance("ATT-07", "KD-10")
def test_a_scope_that_is_too_long_is_refused_by_its_field(admin: Admin) -> None:
    too_long = "w" * (1024 - len(f"{PROJECT}:{DOMAIN}::") + 1)
    for call in CHANGES:
        failure = refused(lambda call=call: call(admin, (PROJECT, DOMAIN, too_long)))  # type: ignore[misc]
        limit = len(too_long) - 1
        assert (failure.code, failure.status.message) == (
            Code.INVALID_ARGUMENT,
            f"size of workflow exceeded length {limit}",
        )
    update(admin, (PROJECT, DOMAIN, too_long[1:]), labelled("a"))
    assert show(admin, (PROJECT, DOMAIN, too_long[1:]), KINDS.EXECUTION_CLUSTER_LABEL)
    assert is_absent(admin, (PROJECT, DOMAIN, too_long), KINDS.EXECUTION_CLUSTER_LABEL)


@pytest.mark.conformance("ATT-12")
@pytest.mark.parametrize("workflow", ["a:b", "a%3Ab", "a%b", "wörkflow/x y"])
def test_any_name_of_a_workflow_is_kept(admin: Admin, workflow: str) -> None:
    scope = (PROJECT, DOMAIN, workflow)
    update(admin, scope, labelled(workflow))
    assert show(admin, scope, KINDS.EXECUTION_CLUSTER_LABEL).workflow == workflow  # type: ignore[union-attr]
    [entry] = listed(admin, KINDS.EXECUTION_CLUSTER_LABEL).configurations
    assert (entry.workflow, entry.launch_plan) == (workflow, "")


@pytest.mark.conformance("ATT-06")
def test_a_value_above_32_kb_is_refused_by_its_field(admin: Admin) -> None:
    fits = 32 * 1024 - 100
    update(admin, OF_DOMAIN, plugins(spark="x" * fits))
    before = show(admin, OF_DOMAIN, KINDS.PLUGIN_OVERRIDE)
    for attributes, field in (
        (labelled("x" * 32 * 1024), "execution_cluster_label"),
        (plugins(ray="y" * 100), "plugin_overrides"),
    ):
        failure = refused(lambda attributes=attributes: update(admin, OF_DOMAIN, attributes))  # type: ignore[misc]
        assert (failure.code, failure.status.message) == (
            Code.INVALID_ARGUMENT,
            f"size of matching_attributes.{field} exceeded length 32768",
        )
    assert show(admin, OF_DOMAIN, KINDS.PLUGIN_OVERRIDE) == before


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"namespace": "kube-system"}, "namespace is a variable of the system and can't be set"),
        ({"quota": "5\n  pods: 9"}, "the value of quota has more than one line"),
        ({"quota": "---"}, "the value of quota would begin or end a YAML document"),
    ],
)
def test_a_variable_that_templates_would_refuse_is_refused(admin: Admin, values: dict[str, str], why: str) -> None:
    given = MatchingAttributes(cluster_resource_attributes=ClusterResourceAttributes(attributes=values))
    failure = refused(lambda: update(admin, OF_DOMAIN, given))
    expected = f"invalid value for matching_attributes.cluster_resource_attributes: {why}"
    assert (failure.code, failure.status.message) == (Code.INVALID_ARGUMENT, expected)


def test_all_kinds_at_their_limit_fit_into_one_row(admin: Admin) -> None:
    long = "x" * (32 * 1024 - 100)
    for attributes in (
        MatchingAttributes(
            task_resource_attributes=TaskResourceAttributes(defaults=TaskResourceSpec(cpu=long)),
        ),
        MatchingAttributes(cluster_resource_attributes=ClusterResourceAttributes(attributes={"a": long})),
        MatchingAttributes(execution_queue_attributes=ExecutionQueueAttributes(tags=[long])),
        labelled(long),
        plugins(spark=long),
        parallel(1, a=long),
        MatchingAttributes(cluster_assignment=ClusterAssignment(cluster_pool_name=long)),
    ):
        update(admin, OF_DOMAIN, attributes)
    assert len(listed(admin, KINDS.EXECUTION_QUEUE).configurations) == 1


DEFAULTS = "flyteadmin: {maxParallelism: 9, labels: {from: application}, interruptible: true, k8sServiceAccount: sa}"


@pytest.mark.conformance("ATT-09", "CFG-24")
def test_a_projects_configuration_shows_the_applications_where_it_sets_nothing(
    admin: Admin, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws, monkeypatch, DEFAULTS)
    alone = show(admin, OF_PROJECT, CONFIG).matching_attributes.workflow_execution_config
    assert (alone.max_parallelism, dict(alone.labels.values), alone.interruptible.value) == (
        9,
        {"from": "application"},
        True,
    )
    assert alone.security_context.run_as.k8s_service_account == "sa"
    assert [alone.HasField(name) for name in ("annotations", "raw_output_data_config", "envs")] == [False] * 3
    update(admin, OF_PROJECT, parallel(2))
    merged = show(admin, OF_PROJECT, CONFIG).matching_attributes.workflow_execution_config
    assert (merged.max_parallelism, dict(merged.labels.values)) == (2, {"from": "application"})
    assert show(admin, OF_DOMAIN, CONFIG).matching_attributes == parallel(2)
    for kind in EACH_KIND.keys() - {CONFIG}:
        assert is_absent(admin, OF_PROJECT, kind)
    delete(admin, OF_PROJECT, CONFIG)
    assert is_absent(admin, OF_DOMAIN, CONFIG)


@pytest.mark.conformance("ATT-10", "KD-26")
def test_a_delete_always_succeeds_and_leaves_narrower_scopes(admin: Admin) -> None:
    for scope in (OF_PROJECT, OF_DOMAIN, WORKFLOW):
        delete(admin, scope, CONFIG)
        update(admin, scope, parallel(len(scope)))
        update(admin, scope, labelled("kept"))
    for scope in (OF_PROJECT, OF_DOMAIN):
        delete(admin, scope, CONFIG)
        delete(admin, scope, CONFIG)
    assert show(admin, WORKFLOW, CONFIG).matching_attributes == parallel(3)
    assert is_absent(admin, OF_DOMAIN, CONFIG)
    assert show(admin, OF_PROJECT, KINDS.EXECUTION_CLUSTER_LABEL).matching_attributes == labelled("kept")
