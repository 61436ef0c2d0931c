"""A create that is sent again with its Idempotency-Key: one execution, one answer, and what was begun is finished."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.admin.project_pb2 import Project
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin.clients.dynamodb.writes import Update, write
from flyteadmin.errors import Code, InvalidArgument
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import ControlPlanePhase, LaunchState, facts_of_control_plane
from flyteadmin.launching import service, stored, storing
from flyteadmin.launching.names import derived_name
from flyteadmin.timestamps import to_datetime
from local.admin import Admin
from local.aws.data import DataAccount
from local.cluster.faults import Fault
from local.cluster.server import ClusterServer
from tests import in_process
from tests.aws_events import PRINCIPAL_ARN
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.execution_client import NAMESPACE, create, get, refused, request, resources
from tests.flytekit_registration import register
from tests.workflows import REPORT


@pytest.fixture
def launch_plan(admin: Admin) -> Identifier:
    return register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan


def keyed(key: str = "a-call") -> Admin:
    return Admin(in_process.InProcessApi(), {"idempotency-key": key})


@pytest.fixture
def unnamed(launch_plan: Identifier) -> ExecutionCreateRequest:
    return request(launch_plan, name="")


@pytest.fixture
def dies_before_the_resource(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The function is gone between row and resource, until `undo`."""

    def dead(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(service, "start", dead)
        yield patch


def test_the_same_call_has_the_same_answer(unnamed: ExecutionCreateRequest, cluster: ClusterServer) -> None:
    first = create(keyed(), unnamed)
    assert create(keyed(), unnamed) == first
    assert (len(first.name), first.name[0]) == (20, "a")
    assert [resource.metadata.name for resource in resources(cluster)] == [first.name]


def test_a_name_that_was_given_may_come_again_too(launch_plan: Identifier, cluster: ClusterServer) -> None:
    assert create(keyed(), request(launch_plan)) == create(keyed(), request(launch_plan))
    assert len(resources(cluster)) == 1
    failure = refused(keyed("another-call"), request(launch_plan))
    assert (failure.code, "run already exists" in failure.status.message) == (Code.ALREADY_EXISTS, True)
    assert refused(in_process.admin(), request(launch_plan)).code is Code.ALREADY_EXISTS


def test_another_key_is_another_execution(unnamed: ExecutionCreateRequest, cluster: ClusterServer) -> None:
    assert create(keyed("one"), unnamed) != create(keyed("two"), unnamed)
    assert len(resources(cluster)) == 2


def test_a_key_with_another_request_is_refused(unnamed: ExecutionCreateRequest, cluster: ClusterServer) -> None:
    create(keyed(), unnamed)
    unnamed.inputs.literals["days"].scalar.primitive.integer = 9
    failure = refused(keyed(), unnamed)
    assert (failure.code, "Idempotency-Key" in failure.status.message) == (Code.INVALID_ARGUMENT, True)
    assert len(resources(cluster)) == 1


def test_a_key_that_is_too_long(unnamed: ExecutionCreateRequest) -> None:
    failure = refused(keyed("k" * 257), unnamed)
    assert failure.status.message == "size of Idempotency-Key exceeded length 256"


def test_two_at_once_are_one_execution(
    unnamed: ExecutionCreateRequest, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees the other's row before it writes its own."""
    both, original = Barrier(2), storing.write_blobs

    def together(*arguments: object) -> object:
        both.wait()
        return original(*arguments)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(storing, "write_blobs", together)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: create(keyed(), unnamed), range(2))
    assert first == second
    assert len(resources(cluster)) == 1


def test_a_repeat_finishes_what_was_begun(
    unnamed: ExecutionCreateRequest, cluster: ClusterServer, dies_before_the_resource: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        create(keyed(), unnamed)
    assert resources(cluster) == []
    dies_before_the_resource.undo()
    execution = create(keyed(), unnamed)
    [resource] = resources(cluster)
    assert resource.metadata.name == execution.name


def test_a_repeat_makes_the_resource_that_the_row_promised(
    unnamed: ExecutionCreateRequest,
    cluster: ClusterServer,
    aws: DataAccount,
    dies_before_the_resource: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its namespace and its time of acceptance are the row's, though the operator maps namespaces anew meanwhile."""
    with pytest.raises(SystemExit):
        create(keyed(), unnamed)
    dies_before_the_resource.undo()
    configure(aws, monkeypatch, 'namespace_mapping: {template: "elsewhere-{{ project }}-{{ domain }}"}')
    create(keyed(), unnamed)
    [resource] = resources(cluster)
    state = repository.read_state(row_of_the_call())
    assert state is not None
    accepted_at = to_datetime(state.created_at).replace(microsecond=0)
    assert (resource.metadata.namespace, resource.accepted_at) == (NAMESPACE, accepted_at)
    assert state.namespace == NAMESPACE


def test_a_repeat_after_an_unclear_answer_of_the_cluster(
    unnamed: ExecutionCreateRequest, cluster: ClusterServer
) -> None:
    cluster.faults.add(Fault(verb="create", code=500, reason="InternalError", message="try again"))
    first = create(keyed(), unnamed)
    assert resources(cluster) == []
    assert create(keyed(), unnamed) == first
    assert len(resources(cluster)) == 1


@pytest.mark.parametrize("phase", ["ABORTING", "ABORTED"])
def test_a_repeat_makes_no_resource_for_what_was_ended_meanwhile(
    unnamed: ExecutionCreateRequest,
    cluster: ClusterServer,
    dies_before_the_resource: pytest.MonkeyPatch,
    phase: str,
) -> None:
    with pytest.raises(SystemExit):
        create(keyed(), unnamed)
    dies_before_the_resource.undo()
    state = repository.read_state(row_of_the_call())
    assert state is not None
    repository.write_control_plane_facts(state, facts_of_control_plane(ControlPlanePhase(phase, 1)))
    execution = create(keyed(), unnamed)
    assert resources(cluster) == []
    assert get(in_process.admin(), execution.name).closure.phase == WorkflowExecution.Phase.Value(phase)


def test_a_repeat_long_after_makes_no_resource(
    unnamed: ExecutionCreateRequest,
    cluster: ClusterServer,
    dies_before_the_resource: pytest.MonkeyPatch,
) -> None:
    """It may have run and been cleaned up since; such a row is for reconciliation."""
    with pytest.raises(SystemExit):
        create(keyed(), unnamed)
    dies_before_the_resource.undo()
    dies_before_the_resource.setattr(stored, "LAUNCH_WITHIN", timedelta(0))
    create(keyed(), unnamed)
    assert resources(cluster) == []


def test_a_repeat_is_answered_although_the_project_was_archived_meanwhile(
    unnamed: ExecutionCreateRequest, admin: Admin
) -> None:
    first = create(keyed(), unnamed)
    began = ExecutionState.launch.set(LaunchState.LAUNCHED.value)
    write(Update(repository.state_key(row_of_the_call()), [began]))
    archived = Project(id=PROJECT, name=PROJECT, state=Project.ARCHIVED)
    admin.call("UpdateProject", archived, type(archived))
    assert create(keyed(), unnamed) == first
    assert "not active" in refused(keyed("another-call"), unnamed).status.message


def test_what_was_begun_is_finished_although_the_project_was_archived_meanwhile(
    unnamed: ExecutionCreateRequest, admin: Admin, cluster: ClusterServer, dies_before_the_resource: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        create(keyed(), unnamed)
    dies_before_the_resource.undo()
    archived = Project(id=PROJECT, name=PROJECT, state=Project.ARCHIVED)
    admin.call("UpdateProject", archived, type(archived))
    execution = create(keyed(), unnamed)
    assert [resource.metadata.name for resource in resources(cluster)] == [execution.name]


def test_what_can_not_be_begun_again_is_answered_and_left_as_it_is(
    unnamed: ExecutionCreateRequest,
    cluster: ClusterServer,
    dies_before_the_resource: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The operator's file refuses today what it took yesterday."""
    with pytest.raises(SystemExit):
        create(keyed(), unnamed)
    dies_before_the_resource.undo()

    def refuse(*_: object) -> None:
        raise InvalidArgument("not any more")

    monkeypatch.setattr(service, "plan_execution", refuse)
    execution = create(keyed(), unnamed)
    assert resources(cluster) == []
    assert get(in_process.admin(), execution.name).id == execution
    assert refused(keyed("another-call"), unnamed).code is Code.INVALID_ARGUMENT


def row_of_the_call() -> str:
    return f"{PROJECT}:{DOMAIN}:{derived_name(PRINCIPAL_ARN, PROJECT, DOMAIN, 'a-call')}"


def test_a_repeat_makes_the_resource_that_the_row_says(
    launch_plan: Identifier,
    cluster: ClusterServer,
    aws: DataAccount,
    dies_before_the_resource: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit):
        create(keyed(), request(launch_plan))
    dies_before_the_resource.undo()
    configure(aws, monkeypatch, "flyteadmin: {maxParallelism: 99, k8sServiceAccount: other}")
    create(keyed(), request(launch_plan))
    [resource] = resources(cluster)
    shown = get(in_process.admin()).spec
    assert resource.execution_config.max_parallelism == shown.max_parallelism == 25
    assert resource.service_account_name == shown.security_context.run_as.k8s_service_account == ""
