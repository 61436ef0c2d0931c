"""Several clusters: which one a new execution gets, and that its row says so for everything that comes later."""

import json
from collections import Counter

import pytest
from flyteidl.admin.cluster_assignment_pb2 import ClusterAssignment
from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
)
from flyteidl.admin.matchable_resource_pb2 import MatchingAttributes
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.executions import repository
from flyteadmin.launching import service
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests import in_process
from tests.builders import DOMAIN, PROJECT, execution_id
from tests.configuration import configure
from tests.execution_client import child_of, create, get, refused, request
from tests.flytekit_registration import register
from tests.several_clusters import SeveralClusters, set_label
from tests.workflows import REPORT

HALVES = {"team": [{"id": "east", "weight": 0.5}, {"id": "west", "weight": 0.5}]}
WEST_ALONE = {"team": [{"id": "west", "weight": 1}]}
RUN = f"{PROJECT}:{DOMAIN}:run"


@pytest.fixture
def launch_plan(several: Admin) -> Identifier:
    return register(several, REPORT, PROJECT, DOMAIN, "v1").launch_plan


def labelled(launch_plan: Identifier, label: str, name: str = "run") -> ExecutionCreateRequest:
    message = request(launch_plan, name)
    message.spec.execution_cluster_label.value = label
    return message


def cluster_of(admin: Admin, name: str = "run") -> str:
    return get(admin, name).spec.metadata.system_metadata.execution_cluster


def created(admin: Admin, launch_plan: Identifier, names: list[str], label: str = "") -> Counter[str]:
    """Create executions of these names; how many each cluster has got."""
    for name in names:
        create(admin, labelled(launch_plan, label, name))
    return Counter(cluster_of(admin, name) for name in names)


NAMES = [f"run-{number}" for number in range(24)]


@pytest.mark.conformance("CLU-04", "CLU-07", "CLU-10")
def test_the_clusters_of_a_label_share_its_executions_by_weight(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    """Zero weight gets nothing beside others; the resource is where the row says."""
    weights = [{"id": "east", "weight": 1}, {"id": "west", "weight": 0.25}, {"id": "north", "weight": 0}]
    clusters.configure(labelClusterMap={"team": weights})
    counts = created(several, launch_plan, NAMES, "team")
    assert set(counts) == {"east", "west"}
    assert counts["east"] > counts["west"]
    for name in clusters.servers:
        assert clusters.names(name) == {run for run in NAMES if cluster_of(several, run) == name}


@pytest.mark.conformance("CLU-07")
def test_weights_that_are_all_zero_are_equal(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    clusters.configure(labelClusterMap={"team": [{"id": "east"}, {"id": "west", "weight": 0}]})
    assert set(created(several, launch_plan, NAMES, "team")) == {"east", "west"}


@pytest.mark.conformance("CLU-05")
def test_without_a_label_it_is_the_default_labels_cluster_else_any_that_is_enabled(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    assert set(created(several, launch_plan, NAMES)) == {"east", "west", "north"}
    clusters.configure(labelClusterMap=WEST_ALONE, defaultExecutionLabel="team")
    assert set(created(several, launch_plan, ["a", "b"])) == {"west"}
    clusters.configure(labelClusterMap=WEST_ALONE, defaultExecutionLabel="nobody")
    assert len(created(several, launch_plan, [f"more-{name}" for name in NAMES])) == 3


@pytest.mark.conformance("CLU-03", "CLU-12", "CFG-17", "KD-23")
def test_the_label_is_the_requests_else_that_of_the_attributes(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    """The launch plan's scope is found by its own name, where upstream looks for the workflow's twice."""
    alone = {name: [{"id": name, "weight": 1}] for name in clusters.servers}
    clusters.configure(labelClusterMap=alone)
    set_label("west", PROJECT, DOMAIN)
    assert created(several, launch_plan, ["a"]) == {"west": 1}
    assert created(several, launch_plan, ["b"], "north") == {"north": 1}
    set_label("east", PROJECT, DOMAIN, "tests.workflows.report", launch_plan.name)
    assert created(several, launch_plan, ["c"]) == {"east": 1}
    assert get(several, "c").spec.execution_cluster_label.value == ""


@pytest.mark.conformance("CLU-04")
def test_a_label_of_the_file_is_found_as_it_is_written_and_in_lower_case(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    """Upstream reads the file's keys in lower case, so that its users ask for "team"."""
    clusters.configure(labelClusterMap={"Team": WEST_ALONE["team"]})
    assert created(several, launch_plan, ["a"], "Team") == {"west": 1}
    assert created(several, launch_plan, ["b"], "team") == {"west": 1}
    assert refused(several, labelled(launch_plan, "TEAM")).code is Code.INVALID_ARGUMENT


@pytest.mark.conformance("KD-46", "CLU-04")
@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("taem", "execution cluster label taem is unknown; the deployment has: asleep, team"),
        ("asleep", "execution cluster label asleep has no enabled cluster right now"),
    ],
)
def test_a_label_that_means_no_cluster_is_refused_by_name(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters, label: str, says: str
) -> None:
    """From the request or from attributes; nothing falls back to a cluster elsewhere."""
    clusters.configure(
        clusters.entry("east"),
        clusters.entry("west", enabled=False),
        labelClusterMap={"team": [{"id": "east", "weight": 1}], "asleep": [{"id": "west", "weight": 1}]},
        defaultExecutionLabel="team",
    )
    set_label(label, PROJECT)
    for message in (labelled(launch_plan, label), request(launch_plan)):
        failure = refused(several, message)
        assert (failure.code, failure.status.message) == (Code.INVALID_ARGUMENT, says)
    assert repository.read_state(RUN) is None


@pytest.mark.conformance("CLU-09")
def test_one_cluster_takes_no_label(admin: Admin) -> None:
    launch_plan = register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan
    failure = refused(admin, labelled(launch_plan, "team"))
    assert failure.code is Code.INVALID_ARGUMENT
    assert failure.status.message == "execution cluster label team is not supported: the deployment has one cluster"
    create(admin, request(launch_plan))
    assert cluster_of(admin) == "east"


@pytest.mark.conformance("CLU-01")
def test_no_cluster_that_is_enabled_is_an_error_of_the_operators(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    clusters.configure(clusters.entry("east", enabled=False))
    failure = refused(several, request(launch_plan))
    assert (failure.code, "no cluster is enabled" in failure.status.message) == (Code.INTERNAL, True)


@pytest.mark.conformance("CLU-06", "CLU-10")
def test_a_name_gets_the_same_cluster_every_time_and_a_repeat_the_rows(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function dies between row and resource; then the weights are turned round, and the label is gone."""
    keyed = Admin(in_process.InProcessApi(), {"idempotency-key": "a-call"})
    clusters.configure(labelClusterMap={"team": [{"id": "east", "weight": 1}, {"id": "west", "weight": 0}]})
    message = labelled(launch_plan, "team")
    with monkeypatch.context() as patch:
        patch.setattr(service, "start", dead)
        with pytest.raises(SystemExit):
            create(keyed, message)
    clusters.configure(labelClusterMap=WEST_ALONE)
    create(keyed, message)
    assert (clusters.names("east"), clusters.names("west")) == ({"run"}, set())
    clusters.configure()
    assert create(keyed, message).name == "run"
    assert (clusters.names("east"), clusters.names("west")) == ({"run"}, set())


def dead(*_: object) -> None:
    raise SystemExit


@pytest.mark.conformance("CLU-08", "CLU-02", "CLU-11")
def test_a_disabled_cluster_gets_nothing_new_and_its_executions_can_be_aborted(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    clusters.configure(clusters.entry("east"), clusters.entry("west", enabled=False))
    create(several, request(launch_plan))
    clusters.configure(clusters.entry("east", enabled=False), clusters.entry("west"))
    assert set(created(several, launch_plan, NAMES)) == {"west"}
    terminate(several)
    assert clusters.asked("east")
    assert not clusters.asked("west")


@pytest.mark.conformance("CLU-11", "CLU-02")
def test_an_abort_finds_the_cluster_under_its_new_name_and_says_so_where_there_is_none(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    clusters.configure(clusters.entry("east"), labelClusterMap={})
    create(several, request(launch_plan))
    clusters.configure(clusters.entry("orient", server="east"), clusters.entry("west"))
    with pytest.raises(CallFailed) as failure:
        terminate(several)
    assert failure.value.code is Code.INTERNAL
    assert failure.value.status.message.startswith("invalid cluster target east")
    assert get(several).closure.phase == WorkflowExecution.UNDEFINED
    clusters.configure(clusters.entry("orient", server="east", aliases=["east"]), clusters.entry("west"))
    terminate(several)
    assert clusters.asked("east")
    assert get(several).closure.phase == WorkflowExecution.ABORTING


@pytest.mark.conformance("CLU-11")
def test_rows_of_a_stack_whose_cluster_had_no_name_are_of_the_one_with_the_alias(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    create(several, request(launch_plan))
    row = repository.read_state(RUN)
    assert row is not None
    placed, row.cluster = row.cluster, ""
    write(Put(row))
    clusters.configure(*(clusters.entry(name, aliases=[""] if name == placed else []) for name in clusters.servers))
    terminate(several)
    assert clusters.asked(placed)


def terminate(admin: Admin) -> None:
    message = ExecutionTerminateRequest(id=execution_id("run"), cause="no longer needed")
    admin.call("TerminateExecution", message, ExecutionTerminateResponse)


@pytest.mark.conformance("CLU-08", "CLU-07")
@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"clusterConfigs": [{"name": "east"}, {"name": "east"}]}, "several clusters have the name or alias 'east'"),
        ({"clusterConfigs": [{"name": "west", "aliases": ["east"]}, {"name": "east"}]}, "name or alias 'east'"),
        ({"clusterConfigs": [{"name": "west"}]}, "one cluster must have the name or alias 'east'"),
        ({"labelClusterMap": {"team": [{"id": "esat"}]}}, "label 'team' names the cluster 'esat'"),
        (
            {"clusterConfigs": [{"name": "east"}], "labelClusterMap": {"team": [{"id": "east", "weight": 1.5}]}},
            "less than or equal to 1",
        ),
        ({"clusterConfigs": [{"name": "east", "enabled": True, "inCluster": True}]}, "set endpoint, and auth.eks"),
        (
            {"clusterConfigs": [{"name": "east"}, {"name": "west", "enabled": True}]},
            "clusterConfigs[1].endpoint: an enabled cluster needs one",
        ),
        (
            {"clusterConfigs": [{"name": "east", "auth": {"eks": {"clusterName": "e"}, "secretArn": "a"}}]},
            "give one of eks and secretArn",
        ),
    ],
)
def test_a_section_that_can_not_hold_is_refused_with_its_place(
    section: dict[str, object],
    says: str,
    admin: Admin,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    launch_plan = register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan
    configure(aws, monkeypatch, json.dumps({"clusters": section}))
    assert refused(admin, request(launch_plan)).code is Code.INTERNAL
    assert [
        says in str(record.exc_info) for record in caplog.records if "configuration is wrong" in record.message
    ] == [True]


def test_the_cluster_of_the_stacks_parameters_may_stand_in_the_file_too(
    admin: Admin, cluster: ClusterServer, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry takes from the parameters what it leaves out."""
    launch_plan = register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan
    configure(aws, monkeypatch, "clusters: {clusterConfigs: [{name: east, enabled: true}, {name: west}]}")
    create(admin, request(launch_plan))
    assert cluster_of(admin) == "east"
    terminate(admin)


def assign(pool: str) -> None:
    value = MatchingAttributes(cluster_assignment=ClusterAssignment(cluster_pool_name=pool)).SerializeToString()
    write(Put(AttributesRow(scope=scope_key(PROJECT, DOMAIN, "", ""), updated_at=0, cluster_assignment=value)))


def in_pool(launch_plan: Identifier, pool: str, name: str) -> ExecutionCreateRequest:
    message = request(launch_plan, name)
    message.spec.cluster_assignment.cluster_pool_name = pool
    return message


@pytest.mark.conformance("CFG-18", "CFG-19", "CLU-13")
def test_a_pool_is_recorded_and_checked_and_chooses_nothing(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    pools = {"clusterPools": {"clusterPoolAssignments": {DOMAIN: {"pool": "of-the-domain"}}}}

    def pool(name: str) -> str:
        return get(several, name).spec.cluster_assignment.cluster_pool_name

    create(several, in_pool(launch_plan, "any", "free"))
    clusters.configure(more=pools)
    create(several, request(launch_plan, "plain"))
    create(several, in_pool(launch_plan, "of-the-domain", "same"))
    assert (pool("free"), pool("plain"), pool("same")) == ("any", "of-the-domain", "of-the-domain")
    failure = refused(several, in_pool(launch_plan, "any", "other"))
    assert failure.code is Code.INVALID_ARGUMENT
    assert failure.status.message == (
        f'execution with project "{PROJECT}" and domain "{DOMAIN}" cannot run on cluster pool "any",'
        ' because its configured to run on pool "of-the-domain"'
    )
    assign("of-the-row")
    create(several, request(launch_plan, "row"))
    assign("")
    create(several, in_pool(launch_plan, "any", "blank"))
    assert (pool("row"), pool("blank")) == ("of-the-row", "any")
    assert set(created(several, launch_plan, NAMES)) == {"east", "west", "north"}


@pytest.mark.conformance("HIE-04", "HIE-06")
def test_a_child_goes_where_its_parents_label_says_and_copies_nothing_else(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    """Labels, annotations, parallelism and the rest are propeller's to copy into the request."""
    alone = {name: [{"id": name, "weight": 1}] for name in clusters.servers}
    clusters.configure(labelClusterMap=alone)
    parent = labelled(launch_plan, "north", "parent")
    parent.spec.labels.values["team"] = "of-the-parent"
    parent.spec.annotations.values["note"] = "of-the-parent"
    parent.spec.raw_output_data_config.output_location_prefix = "s3://of-the-parent"
    parent.spec.security_context.run_as.k8s_service_account = "of-the-parent"
    parent.spec.max_parallelism = 3
    parent.spec.overwrite_cache = True
    parent.spec.interruptible.value = True
    parent.spec.envs.values.add(key="NAME", value="of-the-parent")
    create(several, parent)
    child = child_of("parent", launch_plan)
    child.spec.execution_cluster_label.value = "west"
    create(several, child)
    spec = get(several, "child").spec
    assert (cluster_of(several, "child"), spec.execution_cluster_label.value) == ("north", "north")
    assert "of-the-parent" not in str(spec)
    assert (spec.max_parallelism, spec.overwrite_cache, spec.HasField("interruptible")) == (25, False, False)
    assert clusters.names("north") == {"parent", "child"}
