"""TerminateExecution through the real handler: ABORTING before the resource is deleted, and the end by an event."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.event_pb2 import EventFailureReason
from flyteidl.admin.execution_pb2 import AbortMetadata, ExecutionTerminateRequest, ExecutionTerminateResponse
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier
from flyteidl.event.event_pb2 import WorkflowExecutionEvent
from pydantic import JsonValue

from flyteadmin.clients import cluster as cluster_client
from flyteadmin.errors import Code, InvalidArgument, Unavailable
from flyteadmin.executions import repository, terminating
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import LaunchState, Transition
from flyteadmin.launching import starting
from flyteadmin.timestamps import to_nanoseconds
from functions.process_event.handler import lambda_handler as process_event
from local.admin import Admin, CallFailed
from local.cluster.faults import Fault
from local.cluster.kinds import Kind
from local.cluster.server import ClusterServer
from tests.aws_events import PRINCIPAL_ARN, Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT, lease_of, message_body, stored_execution, workflow_event
from tests.execution_client import NAMESPACE, create, get, request
from tests.flytekit_registration import register
from tests.workflows import REPORT

RUN = f"{PROJECT}:{DOMAIN}:run"


@pytest.fixture
def launch_plan(admin: Admin) -> Identifier:
    return register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan


@pytest.fixture
def running(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> ExecutionState:
    """An execution that propeller runs."""
    create(admin, request(launch_plan))
    consume(workflow_event("RUNNING", 1))
    return row()


def consume(event: WorkflowExecutionEvent) -> None:
    """Let propeller's event be applied; its second is its place in the queue."""
    sequence = (to_nanoseconds(event.occurred_at) - CREATED_AT) // 1_000_000_000
    answer = process_event(batch([queue_record(message_body(event), sequence)]), Context())
    assert answer == {"batchItemFailures": []}


def row() -> ExecutionState:
    found = repository.read_state(RUN)
    assert found is not None
    return found


def phases() -> list[str]:
    return [Transition.from_text(text).phase for text in row().transitions]


def terminate(admin: Admin, cause: str = "too slow", **identifier: str) -> None:
    meant = {"project": PROJECT, "domain": DOMAIN, "name": "run"} | identifier
    message = ExecutionTerminateRequest(id=WorkflowExecutionIdentifier(**meant), cause=cause)
    admin.call("TerminateExecution", message, ExecutionTerminateResponse)


def refused(admin: Admin, cause: str = "too slow", **identifier: str) -> CallFailed:
    with pytest.raises(CallFailed) as failure:
        terminate(admin, cause, **identifier)
    return failure.value


def kind(cluster: ClusterServer) -> Kind:
    return cluster.store.kind(cluster_client.GROUP, cluster_client.VERSION, cluster_client.PLURAL)


def is_marked(cluster: ClusterServer) -> bool:
    """Return whether the resource waits for propeller to let go of it."""
    return bool(cluster.store.get(kind(cluster), NAMESPACE, "run").metadata.deletion_timestamp)


def let_go(cluster: ClusterServer) -> None:
    """Remove the finalizer as propeller does at the end, and with it the resource."""
    cluster.store.merge(kind(cluster), NAMESPACE, "run", {"metadata": {"finalizers": None}})


@pytest.mark.conformance("TER-03", "TER-04", "TER-09", "AUT-04")
def test_a_running_execution_is_aborting_until_propeller_reports_its_end(
    admin: Admin, running: ExecutionState, cluster: ClusterServer
) -> None:
    terminate(admin)
    execution = get(admin)
    assert execution.closure.phase == WorkflowExecution.ABORTING
    assert execution.closure.abort_metadata == AbortMetadata(cause="too slow", principal=PRINCIPAL_ARN)
    assert is_marked(cluster)
    assert lease_of(row()) is not None

    consume(workflow_event("ABORTED", 9))
    ended = get(admin).closure
    assert (ended.phase, ended.duration.seconds) == (WorkflowExecution.ABORTED, 8)
    assert ended.abort_metadata == execution.closure.abort_metadata
    assert phases() == ["RUNNING", "ABORTING", "ABORTED"]
    assert lease_of(row()) is None


@pytest.mark.conformance("TER-10", "KD-16")
def test_an_abort_is_shown_as_one_whatever_error_came_with_it(admin: Admin, running: ExecutionState) -> None:
    terminate(admin, "first")
    consume(workflow_event("ABORTED", 9, error={"code": "ExecutionAborted", "message": "aborted"}))
    closure = get(admin).closure
    assert closure.phase == WorkflowExecution.ABORTED
    assert closure.abort_metadata == AbortMetadata(cause="first", principal=PRINCIPAL_ARN)


@pytest.mark.conformance("TER-10", "WFE-10")
@pytest.mark.parametrize("phase", ["SUCCEEDED", "FAILED", "TIMED_OUT"])
def test_another_end_says_that_an_abort_was_asked_for_unless_it_brings_an_outcome(
    admin: Admin, running: ExecutionState, phase: str
) -> None:
    terminate(admin, "too late")
    consume(workflow_event(phase, 9))
    closure = get(admin).closure
    assert closure.phase == WorkflowExecution.Phase.Value(phase)
    assert closure.abort_metadata == AbortMetadata(cause="too late", principal=PRINCIPAL_ARN)


@pytest.mark.conformance("WFE-10")
def test_the_outcome_of_another_end_outranks_the_abort(admin: Admin, running: ExecutionState) -> None:
    terminate(admin, "too late")
    consume(workflow_event("SUCCEEDED", 9, output_uri="s3://out"))
    assert get(admin).closure.outputs.uri == "s3://out"


@pytest.mark.conformance("TER-10")
def test_an_abort_that_nobody_asked_for_has_no_cause(admin: Admin, running: ExecutionState) -> None:
    """The resource was deleted in the cluster."""
    consume(workflow_event("ABORTED", 9))
    closure = get(admin).closure
    assert (closure.phase, closure.abort_metadata) == (WorkflowExecution.ABORTED, AbortMetadata())
    assert closure.HasField("abort_metadata")


@pytest.mark.conformance("TER-01", "VAL-03")
@pytest.mark.parametrize("field", ["project", "domain", "name"])
def test_a_missing_part_of_the_identifier_is_named(field: str) -> None:
    identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name="run")
    identifier.ClearField(field)
    with pytest.raises(InvalidArgument, match=f"missing {field}"):
        terminating.terminate(ExecutionTerminateRequest(id=identifier), "")


@pytest.mark.conformance("TER-01")
def test_what_does_not_exist_is_not_found(admin: Admin, cluster: ClusterServer) -> None:
    assert refused(admin, name="nobody").code == Code.NOT_FOUND


@pytest.mark.conformance("TER-02", "HIE-09")
@pytest.mark.parametrize("phase", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_what_has_ended_stays_so(admin: Admin, cluster: ClusterServer, phase: str) -> None:
    stored_execution()
    consume(workflow_event(phase, 1))
    before = row().attribute_values
    failure = refused(admin)
    assert failure.code == Code.FAILED_PRECONDITION
    [detail] = failure.status.details
    reason = EventFailureReason()
    assert detail.Unpack(reason)
    assert reason.already_in_terminal_state.current_phase == phase
    assert row().attribute_values == before


@pytest.mark.conformance("TER-07", "TER-08", "KD-15")
def test_a_second_call_deletes_again_and_keeps_the_first_cause(
    admin: Admin, running: ExecutionState, cluster: ClusterServer
) -> None:
    terminate(admin, "first")
    version = row().version
    for cause in ("second", ""):
        terminate(admin, cause)
    assert get(admin).closure.abort_metadata.cause == "first"
    assert row().version == version
    let_go(cluster)
    terminate(admin, "after the resource is gone")
    assert get(admin).closure.phase == WorkflowExecution.ABORTING


@pytest.mark.conformance("TER-05")
@pytest.mark.parametrize(("status", "code"), [(403, Code.INTERNAL), (500, Code.UNAVAILABLE), (429, Code.UNAVAILABLE)])
def test_a_cluster_that_does_not_delete_leaves_the_row_aborting(
    admin: Admin, running: ExecutionState, cluster: ClusterServer, status: int, code: Code
) -> None:
    cluster.faults.add(Fault(verb="delete", code=status, reason="Forbidden", message="no"))
    assert refused(admin).code == code
    assert get(admin).closure.phase == WorkflowExecution.ABORTING
    assert not is_marked(cluster)
    terminate(admin)
    assert is_marked(cluster)


@pytest.mark.conformance("TER-06")
def test_a_row_that_can_not_be_written_leaves_the_resource(
    admin: Admin, running: ExecutionState, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise Unavailable("the database is throttling, try again")

    monkeypatch.setattr(repository, "write_control_plane_facts", busy)
    assert refused(admin).code == Code.UNAVAILABLE
    assert not is_marked(cluster)


@pytest.mark.conformance("KD-14")
def test_what_the_cluster_never_got_ends_at_once(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> None:
    cluster.faults.add(Fault(verb="create", code=500))
    create(admin, request(launch_plan))
    terminate(admin, "stuck")
    closure = get(admin).closure
    assert (closure.phase, closure.abort_metadata.cause) == (WorkflowExecution.ABORTED, "stuck")
    assert phases() == ["ABORTING", "ABORTED"]
    assert lease_of(row()) is None
    assert refused(admin).code == Code.FAILED_PRECONDITION


@pytest.mark.conformance("KD-14")
def test_a_death_before_the_delete_is_made_good_by_a_repeat(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.faults.add(Fault(verb="create", code=500))
    create(admin, request(launch_plan))
    with monkeypatch.context() as patch:
        patch.setattr(cluster_client, "delete", _dies)
        assert refused(admin).code == Code.INTERNAL
    assert get(admin).closure.phase == WorkflowExecution.ABORTING
    terminate(admin)
    assert get(admin).closure.phase == WorkflowExecution.ABORTED


def _dies(*_: object) -> bool:
    raise MemoryError("the function dies here")


def test_what_the_cluster_had_is_left_to_propeller(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    """No event was applied yet, but its end may be in the queue: a repeat that finds nothing must not guess it."""
    create(admin, request(launch_plan))
    terminate(admin)
    assert row().launch == LaunchState.LAUNCHED
    let_go(cluster)
    terminate(admin)
    assert get(admin).closure.phase == WorkflowExecution.ABORTING
    consume(workflow_event("SUCCEEDED", 3, output_uri="s3://bucket/outputs.pb"))
    assert get(admin).closure.phase == WorkflowExecution.SUCCEEDED


@pytest.mark.conformance("KD-04")
@pytest.mark.parametrize(
    ("event", "phase", "after"),
    [("RUNNING", "ABORTING", ["RUNNING", "ABORTING"]), ("SUCCEEDED", "SUCCEEDED", ["SUCCEEDED"])],
)
def test_an_event_that_is_faster_than_the_write(
    admin: Admin,
    launch_plan: Identifier,
    cluster: ClusterServer,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
    phase: str,
    after: list[str],
) -> None:
    create(admin, request(launch_plan))
    just_before(monkeypatch, lambda: consume(workflow_event(event, 1)))
    outcome = terminate if phase == "ABORTING" else refused
    outcome(admin)
    assert WorkflowExecution.Phase.Name(get(admin).closure.phase) == phase
    assert phases() == after


def just_before(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once, between the read of a row and its write."""
    plain, left = repository.write_control_plane_facts, [happens]

    def write(*arguments: object) -> None:
        if left:
            left.pop()()
        plain(*arguments)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(repository, "write_control_plane_facts", write)


def test_many_callers_at_once_agree_on_one_cause(admin: Admin, running: ExecutionState, cluster: ClusterServer) -> None:
    causes = [f"caller {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as callers:
        list(callers.map(lambda cause: terminate(admin, cause), causes))
    assert get(admin).closure.abort_metadata.cause in causes
    assert phases() == ["RUNNING", "ABORTING"]
    assert is_marked(cluster)


def test_a_create_that_is_still_under_way_does_not_undo_an_abort(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    """Its resource comes after the end; propeller's first event is refused, and it gives up before any task."""
    cluster.faults.add(Fault(verb="create", code=500))
    create(admin, request(launch_plan))
    before = row()
    terminate(admin)
    body: dict[str, JsonValue] = {
        "apiVersion": "flyte.lyft.com/v1alpha1",
        "kind": "FlyteWorkflow",
        "metadata": {"name": "run"},
    }
    starting.start(before, body)
    assert cluster.store.get(kind(cluster), NAMESPACE, "run")
    consume(workflow_event("RUNNING", 1))
    assert get(admin).closure.phase == WorkflowExecution.ABORTED


def test_a_long_cause_is_cut(admin: Admin, running: ExecutionState) -> None:
    terminate(admin, "é" * 100_000)
    cause = get(admin).closure.abort_metadata.cause
    assert cause == "é" * (terminating.MAX_CAUSE_BYTES // 2)


def test_an_execution_of_a_cluster_that_is_not_configured_any_more_stays_as_it_is(
    admin: Admin, cluster: ClusterServer
) -> None:
    stored_execution(cluster="gone")
    with pytest.raises(CallFailed, match="invalid cluster target gone") as failure:
        terminate(admin)
    assert failure.value.code is Code.INTERNAL
    assert get(admin).closure.phase == WorkflowExecution.UNDEFINED
