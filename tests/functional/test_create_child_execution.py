"""An execution that a node of another one launches, as propeller's launch-plan nodes do."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifier, ResourceListRequest
from flyteidl.admin.execution_pb2 import ExecutionList, ExecutionMetadata
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin import settings
from flyteadmin.api.identity import ENGINE_HEADER, PRINCIPAL_HEADER
from flyteadmin.clients.dynamodb.reads import query
from flyteadmin.clients.dynamodb.writes import Update, write
from flyteadmin.errors import Code
from flyteadmin.executions import repository
from flyteadmin.executions.models import ACTIVE_SHARDS, ExecutionSpecification, ExecutionState
from flyteadmin.executions.phases import LaunchState
from flyteadmin.identifiers import execution_key
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.aws_events import PRINCIPAL_ARN
from tests.builders import DOMAIN, PROJECT, stored_execution, workflow_event
from tests.configuration import configure
from tests.event_delivery import apply
from tests.execution_client import NAMESPACE, child_of, create, get, refused, request, resources
from tests.flytekit_registration import register
from tests.workflows import REPORT

ROLE = "arn:aws:iam::123456789012:role/engines/data-scientist"
"""The role of the session that the tests call under, with a path."""


@pytest.fixture
def propeller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls come from the bridge's own role, as propeller's do."""
    monkeypatch.setenv("BRIDGE_ROLE_ARN", ROLE)
    settings.environment.cache_clear()


@pytest.fixture
def launch_plan(admin: Admin) -> Identifier:
    return register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan


@pytest.mark.conformance("HIE-02")
def test_a_parent_lends_its_principal_to_propeller_alone(admin: Admin, launch_plan: Identifier) -> None:
    stored_execution("parent", principal="alice")
    create(admin, child_of("parent", launch_plan))
    metadata = get(admin, "child").spec.metadata
    assert (metadata.principal, metadata.nesting) == (PRINCIPAL_ARN, 1)
    assert metadata.parent_node_execution.node_id == "n0"


@pytest.mark.conformance("HIE-03", "KD-43")
@pytest.mark.parametrize("parent_nesting", [None, 100], ids=["by its request", "by its parent"])
def test_no_execution_is_nested_deeper_than_the_operator_allows(
    admin: Admin,
    launch_plan: Identifier,
    cluster: ClusterServer,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    parent_nesting: int | None,
) -> None:
    message = request(launch_plan, "deep")
    if parent_nesting is not None:
        stored_execution("parent", nesting=parent_nesting)
        message = child_of("parent", launch_plan, "deep")
    else:
        message.spec.metadata.nesting = 101
    error = refused(admin, message)
    assert error.code is Code.INVALID_ARGUMENT
    assert "invalid value for spec.metadata.nesting: 101 is too deep" in str(error)
    configure(aws, monkeypatch, "flyteadmin: {maxNesting: 101}")
    create(admin, message)
    assert get(admin, "deep").spec.metadata.nesting == 101


@pytest.mark.conformance("HIE-01")
@pytest.mark.parametrize("phase", ["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"])
def test_an_execution_that_has_ended_launches_no_children(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, phase: str
) -> None:
    stored_execution("parent")
    keyed = Admin(admin.api, {"idempotency-key": "k"})
    first = create(keyed, child_of("parent", launch_plan, "before"))
    apply(workflow_event(phase, 1, execution="parent"))
    error = refused(admin, child_of("parent", launch_plan))
    assert (error.code, f"the parent execution is {phase}" in str(error)) == (Code.FAILED_PRECONDITION, True)
    assert create(keyed, child_of("parent", launch_plan, "before")) == first, "it was accepted before"
    assert len(resources(cluster)) == 1


def test_a_row_of_earlier_versions_that_is_nested_too_deep_spoils_no_list(
    admin: Admin, launch_plan: Identifier
) -> None:
    execution = create(admin, request(launch_plan, "deep"))
    key = repository.specification_key(execution_key(execution))
    write(Update(key, [ExecutionSpecification.nesting.set(2**32)]))
    assert get(admin, "deep").spec.metadata.nesting == 2**32 - 1
    these = NamedEntityIdentifier(project=PROJECT, domain=DOMAIN)
    listed = admin.call("ListExecutions", ResourceListRequest(id=these, limit=10), ExecutionList)
    assert [each.id for each in listed.executions] == [execution]


@pytest.mark.usefixtures("propeller")
@pytest.mark.parametrize(("engine", "principal"), [("true", "alice"), ("", "mallory")])
def test_who_comes_through_the_bridge_is_propeller_if_the_bridge_says_so(
    admin: Admin, launch_plan: Identifier, engine: str, principal: str
) -> None:
    stored_execution("parent", principal="alice")
    through = Admin(admin.api, {PRINCIPAL_HEADER: "mallory", ENGINE_HEADER: engine})
    create(through, child_of("parent", launch_plan))
    assert get(admin, "child").spec.metadata.principal == principal


def test_nobody_else_may_say_that_they_are_propeller(admin: Admin, launch_plan: Identifier) -> None:
    stored_execution("parent", principal="alice")
    create(Admin(admin.api, {ENGINE_HEADER: "true"}), child_of("parent", launch_plan))
    assert get(admin, "child").spec.metadata.principal == PRINCIPAL_ARN


@pytest.mark.usefixtures("propeller")
@pytest.mark.conformance("HIE-01", "HIE-02", "HIE-03", "HIE-05")
def test_a_child_is_its_parents_and_one_level_deeper(admin: Admin, launch_plan: Identifier) -> None:
    """No event of the parent's node has arrived yet; a grandchild is two levels deep."""
    stored_execution("parent", principal="alice")
    create(admin, child_of("parent", launch_plan))
    create(admin, child_of("child", launch_plan, "grandchild"))
    metadata = get(admin, "child").spec.metadata
    assert (metadata.principal, metadata.nesting, metadata.mode) == ("alice", 1, ExecutionMetadata.CHILD_WORKFLOW)
    assert metadata.parent_node_execution.node_id == "n0"
    grandchild = get(admin, "grandchild")
    assert (grandchild.spec.metadata.principal, grandchild.spec.metadata.nesting) == ("alice", 2)
    assert grandchild.spec.security_context.run_as.execution_identity == PRINCIPAL_ARN


def test_an_active_execution_is_indexed_with_its_parent_and_where_its_resource_lies(
    admin: Admin, launch_plan: Identifier
) -> None:
    stored_execution("parent")
    create(admin, child_of("parent", launch_plan))
    shards = map(str, range(ACTIVE_SHARDS))
    active = [row for shard in shards for row in query(ExecutionState, shard, index="active").items]
    [child] = [row for row in active if row.execution == f"{PROJECT}:{DOMAIN}:child"]
    assert child.parent == f"{PROJECT}:{DOMAIN}:parent"
    assert (child.launch, child.cluster, child.namespace) == (LaunchState.LAUNCHING, "east", NAMESPACE)


@pytest.mark.conformance("HIE-07")
def test_a_child_that_is_there_already(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> None:
    stored_execution("parent")
    create(admin, child_of("parent", launch_plan))
    assert refused(admin, child_of("parent", launch_plan)).code is Code.ALREADY_EXISTS
    assert len(resources(cluster)) == 1


@pytest.mark.conformance("HIE-01")
def test_a_parent_that_is_not_there(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> None:
    failure = refused(admin, child_of("nobody", launch_plan))
    assert (failure.code, "nobody" in failure.status.message) == (Code.NOT_FOUND, True)
    assert resources(cluster) == []


@pytest.mark.conformance("KD-10")
@pytest.mark.parametrize("field", ["execution_id.project", "execution_id.domain", "execution_id.name", "node_id"])
def test_a_parent_that_is_not_named_in_full(admin: Admin, launch_plan: Identifier, field: str) -> None:
    message = child_of("parent", launch_plan)
    parent, _, last = field.rpartition(".")
    node = message.spec.metadata.parent_node_execution
    (node.execution_id if parent else node).ClearField(last)
    failure = refused(admin, message)
    assert (failure.code, failure.status.message) == (
        Code.INVALID_ARGUMENT,
        f"missing parent_node_execution.{field}",
    )
