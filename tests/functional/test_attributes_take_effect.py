"""Attributes set through the API count for the executions that are created afterwards, and for no others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flyteidl.admin.cluster_assignment_pb2 import ClusterAssignment
from flyteidl.admin.common_pb2 import Annotations, Envs, Labels, RawOutputDataConfig
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateResponse
from flyteidl.admin.matchable_resource_pb2 import (
    ClusterResourceAttributes,
    ExecutionClusterLabel,
    ExecutionQueueAttributes,
    MatchableResource,
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
    TaskResourceAttributes,
    TaskResourceSpec,
    WorkflowExecutionConfig,
)
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import KeyValuePair
from flyteidl.core.security_pb2 import Identity, SecurityContext
from google.protobuf.wrappers_pb2 import BoolValue

from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.store import Store
from tests import in_process
from tests.attribute_calls import OF_DOMAIN, OF_PROJECT, WORKFLOW, delete, update
from tests.attribute_rows import put_attributes
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.entities import integer, launch_plan_request, resources, task_request, workflow_request
from tests.execution_client import NAMESPACE, create, get, refused
from tests.execution_client import resources as in_cluster
from tests.several_clusters import SeveralClusters

KINDS = MatchableResource
QUEUES = """
queues:
  executionQueues:
    - {dynamic: queue-of-project, attributes: [of-project]}
    - {dynamic: queue-of-domain, attributes: [of-domain]}
    - {dynamic: queue-of-workflow, attributes: [of-workflow]}
"""


def registered(admin: Admin) -> Identifier:
    """A launch plan of the workflow "doubling"."""
    admin.call("CreateTask", task_request(), TaskCreateResponse)
    admin.call("CreateWorkflow", workflow_request(), WorkflowCreateResponse)
    plan = launch_plan_request()
    admin.call("CreateLaunchPlan", plan, LaunchPlanCreateResponse)
    return plan.id


def request(launch_plan: Identifier, name: str) -> ExecutionCreateRequest:
    spec = ExecutionSpec(launch_plan=launch_plan)
    message = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name, spec=spec)
    message.inputs.literals["x"].CopyFrom(integer(1))
    return message


def limited(scope: str) -> MatchingAttributes:
    cpu = {"project": "1", "domain": "3", "workflow": "4"}[scope]
    spec = TaskResourceSpec(cpu=cpu)
    return MatchingAttributes(task_resource_attributes=TaskResourceAttributes(defaults=spec, limits=spec))


def queued(scope: str) -> MatchingAttributes:
    return MatchingAttributes(execution_queue_attributes=ExecutionQueueAttributes(tags=[f"of-{scope}"]))


def plugged(scope: str) -> MatchingAttributes:
    override = PluginOverride(task_type="spark", plugin_id=[f"of-{scope}"])
    return MatchingAttributes(plugin_overrides=PluginOverrides(overrides=[override]))


def configured(scope: str) -> MatchingAttributes:
    config = WorkflowExecutionConfig(
        max_parallelism=len(scope),
        security_context=SecurityContext(run_as=Identity(k8s_service_account=f"of-{scope}")),
        raw_output_data_config=RawOutputDataConfig(output_location_prefix=f"s3://raw/{scope}"),
        labels=Labels(values={"of": scope}),
        annotations=Annotations(values={"of": scope}),
        interruptible=BoolValue(value=True),
        overwrite_cache=True,
        envs=Envs(values=[KeyValuePair(key="OF", value=scope)]),
    )
    return MatchingAttributes(workflow_execution_config=config)


def assigned(scope: str) -> MatchingAttributes:
    return MatchingAttributes(cluster_assignment=ClusterAssignment(cluster_pool_name=f"of-{scope}"))


type Seen = Callable[[FlyteWorkflow, ExecutionSpec], object]


def cpu_of(resource: FlyteWorkflow, _: ExecutionSpec) -> object:
    assert resource.tasks is not None
    [task] = resource.tasks.values()
    cpus = {
        entry.value
        for entry in task.container.resources.limits
        if entry.name == resources({"CPU": "1"}).requests[0].name
    }
    return cpus.pop()


def queue_of(resource: FlyteWorkflow, _: ExecutionSpec) -> object:
    assert resource.tasks is not None
    [task] = resource.tasks.values()
    return [pair.value for pair in task.container.config]


def plugin_of(resource: FlyteWorkflow, _: ExecutionSpec) -> object:
    return {task: each.plugin_ids for task, each in (resource.execution_config.task_plugin_impls or {}).items()}


def configuration_of(resource: FlyteWorkflow, spec: ExecutionSpec) -> object:
    config, metadata = resource.execution_config, resource.metadata
    return (
        config.max_parallelism,
        config.interruptible,
        config.overwrite_cache,
        config.environment_variables,
        (metadata.labels or {}).get("of"),
        (metadata.annotations or {}).get("of"),
        resource.raw_output_data_config.output_location_prefix,
        resource.service_account_name,
        spec.max_parallelism,
        spec.security_context.run_as.k8s_service_account,
    )


def configuration_from(scope: str) -> object:
    parallelism, account = len(scope), f"of-{scope}"
    return parallelism, True, True, {"OF": scope}, scope, scope, f"s3://raw/{scope}", account, parallelism, account


def pool_of(_: FlyteWorkflow, spec: ExecutionSpec) -> object:
    return spec.cluster_assignment.cluster_pool_name


@pytest.mark.conformance("ATT-01", "ATT-04", "ATT-13", "RES-02", "QUE-01", "CFG-01", "CFG-18", "CFG-21", "KD-27")
@pytest.mark.parametrize(
    ("kind", "attributes", "seen", "expected"),
    [
        (KINDS.TASK_RESOURCE, limited, cpu_of, {"project": "1", "domain": "3", "workflow": "4"}.get),
        (KINDS.EXECUTION_QUEUE, queued, queue_of, lambda scope: [f"queue-of-{scope}"]),
        (KINDS.PLUGIN_OVERRIDE, plugged, plugin_of, lambda scope: {"spark": [f"of-{scope}"]}),
        (KINDS.WORKFLOW_EXECUTION_CONFIG, configured, configuration_of, configuration_from),
        (KINDS.CLUSTER_ASSIGNMENT, assigned, pool_of, lambda scope: f"of-{scope.replace('workflow', 'domain')}"),
    ],
)
def test_a_kind_that_is_set_counts_from_then_on(
    admin: Admin,
    cluster: ClusterServer,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    kind: MatchableResource,
    attributes: Callable[[str], MatchingAttributes],
    seen: Seen,
    expected: Callable[[str], object],
) -> None:
    """A cluster pool is that of the project and domain alone (CFG-18)."""
    configure(aws, monkeypatch, QUEUES)
    plan = registered(admin)

    def effect(name: str) -> object:
        [resource] = [each for each in in_cluster(cluster) if each.metadata.name == name]
        return seen(resource, get(admin, name).spec)

    create(admin, request(plan, "before"))
    effects = {"before": effect("before")}
    for scope, where in (("project", OF_PROJECT), ("domain", OF_DOMAIN), ("workflow", WORKFLOW)):
        update(admin, where, attributes(scope))
        create(admin, request(plan, scope))
        effects[scope] = effect(scope)
        assert effects[scope] == expected(scope)
    assert effects["before"] not in [effects[scope] for scope in ("project", "domain", "workflow")]
    for where in (WORKFLOW, OF_DOMAIN, OF_PROJECT):
        delete(admin, where, kind)
    create(admin, request(plan, "after"))
    assert effect("after") == effects["before"]
    assert {name: effect(name) for name in effects} == effects


@pytest.mark.conformance("ATT-01", "ATT-12")
def test_a_launch_plans_own_row_counts_for_plugins_alone(admin: Admin, cluster: ClusterServer) -> None:
    """No RPC writes such a row."""
    plan = registered(admin)
    update(admin, WORKFLOW, plugged("workflow"))
    update(admin, WORKFLOW, configured("workflow"))
    narrow = [plugged("launch-plan"), configured("launch-plan")]
    put_attributes(*narrow, workflow="doubling", launch_plan="another")
    create(admin, request(plan, "before"))
    put_attributes(*narrow, workflow="doubling", launch_plan="doubling")
    create(admin, request(plan, "after"))
    found = {each.metadata.name: each for each in in_cluster(cluster)}
    assert plugin_of(found["before"], ExecutionSpec()) == {"spark": ["of-workflow"]}
    assert plugin_of(found["after"], ExecutionSpec()) == {"spark": ["of-launch-plan"]}
    assert [each.execution_config.max_parallelism for each in found.values()] == [len("workflow")] * 2


@pytest.fixture
def clusters(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[SeveralClusters]:
    names = ("north", "project", "domain", "workflow")
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serve(Store(namespaces=("default", NAMESPACE)), token=name)) for name in names
        }
        several = SeveralClusters(aws, monkeypatch, servers)
        several.configure(
            labelClusterMap={name: [{"id": name, "weight": 1}] for name in names}, defaultExecutionLabel="north"
        )
        yield several


@pytest.mark.conformance("ATT-01", "ATT-13", "CLU-03")
def test_a_cluster_label_that_is_set_counts_from_then_on(clusters: SeveralClusters) -> None:
    admin = in_process.admin()
    plan = registered(admin)
    create(admin, request(plan, "before"))
    for scope, where in (("project", OF_PROJECT), ("domain", OF_DOMAIN), ("workflow", WORKFLOW)):
        update(admin, where, MatchingAttributes(execution_cluster_label=ExecutionClusterLabel(value=scope)))
        create(admin, request(plan, f"of-{scope}"))
    found = {name: clusters.names(name) for name in clusters.servers}
    assert found == {
        "north": {"before"},
        "project": {"of-project"},
        "domain": {"of-domain"},
        "workflow": {"of-workflow"},
    }


@pytest.mark.conformance("RES-10", "ATT-04")
def test_limits_that_are_set_count_for_registrations_too(admin: Admin) -> None:
    greedy = task_request()
    greedy.spec.template.container.resources.CopyFrom(resources({"CPU": "3"}))
    with pytest.raises(CallFailed, match="greater than current limit"):
        admin.call("CreateTask", greedy, TaskCreateResponse)
    update(admin, OF_DOMAIN, limited("workflow"))
    admin.call("CreateTask", greedy, TaskCreateResponse)


@pytest.mark.conformance("CFG-19")
def test_a_request_for_another_pool_than_the_one_that_is_set_is_refused(admin: Admin) -> None:
    plan = registered(admin)
    update(admin, OF_DOMAIN, assigned("domain"))
    message = request(plan, "run")
    message.spec.cluster_assignment.cluster_pool_name = "another"
    assert 'cannot run on cluster pool "another"' in refused(admin, message).status.message


def test_attributes_of_namespaces_change_no_execution(admin: Admin, cluster: ClusterServer) -> None:
    plan = registered(admin)
    attributes = ClusterResourceAttributes(attributes={"quota": "10"})
    update(admin, OF_DOMAIN, MatchingAttributes(cluster_resource_attributes=attributes))
    create(admin, request(plan, "run"))
    assert [each.metadata.name for each in in_cluster(cluster)] == ["run"]
