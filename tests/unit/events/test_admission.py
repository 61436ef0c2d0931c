"""The table of admission, line by line: what each event is answered over each state of its execution."""

from collections.abc import Callable

import pytest
from flyteidl.admin.event_pb2 import EventFailureReason

from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.errors import AlreadyExists, FailedPrecondition, FlyteAdminError, NotFound
from flyteadmin.events.admission import Stored, check
from flyteadmin.events.validation import Event
from flyteadmin.executions.phases import TERMINAL, Phase
from tests.builders import node_event, task_event, workflow_event

RUN = "flytesnacks:development:run"
PHASES = sorted(Phase.keys())
KINDS: dict[str, Callable[..., Event]] = {"workflow": workflow_event, "node": node_event, "task": task_event}


def answer(event: Event, stored: Stored | None) -> FlyteAdminError | None:
    """Return the refusal of an event, None if it is admitted."""
    try:
        check(event, RUN, stored, ClustersSection())
    except FlyteAdminError as error:
        return error
    return None


def reason(error: FlyteAdminError | None) -> EventFailureReason:
    assert error is not None
    [detail] = error.details
    assert isinstance(detail, EventFailureReason)
    return detail


@pytest.mark.conformance("WFE-03", "NEV-02", "TEV-03")
@pytest.mark.parametrize("kind", KINDS)
def test_no_such_execution(kind: str) -> None:
    assert isinstance(answer(KINDS[kind]("RUNNING"), None), NotFound)


@pytest.mark.conformance("WFE-06", "NEV-03", "TEV-03", "KD-08")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", ["QUEUED", "SUCCEEDED"])
def test_another_cluster(kind: str, stored: str) -> None:
    event = KINDS[kind]("FAILED", producer_id="west")
    error = answer(event, Stored(stored, "east"))
    assert isinstance(error, FailedPrecondition)
    assert reason(error).incompatible_cluster.cluster == "east"


@pytest.mark.conformance("WFE-21")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("producer", ["", "propeller", "east"])
def test_its_own_cluster_and_a_producer_that_names_none(kind: str, producer: str) -> None:
    event = KINDS[kind]("FAILED", producer_id=producer)
    event.producer_id = producer
    assert answer(event, Stored("RUNNING", "east")) is None


@pytest.mark.conformance("WFE-04", "WFE-05")
@pytest.mark.parametrize("phase", PHASES)
def test_a_workflow_event_of_the_stored_phase(phase: str) -> None:
    error = answer(workflow_event(phase), Stored(phase, "east"))
    assert (error is None) == (phase == "QUEUED")
    assert error is None or isinstance(error, AlreadyExists)
    assert error is None or not error.details


@pytest.mark.conformance("WFE-04")
def test_a_repeat_is_told_before_the_cluster_is_looked_at() -> None:
    assert isinstance(
        answer(workflow_event("SUCCEEDED", producer_id="west"), Stored("SUCCEEDED", "east")), AlreadyExists
    )


@pytest.mark.conformance("WFE-07", "WFE-08")
@pytest.mark.parametrize("stored", sorted(TERMINAL))
@pytest.mark.parametrize("phase", PHASES)
def test_a_workflow_event_after_another_end(stored: str, phase: str) -> None:
    if phase == stored:
        return
    error = answer(workflow_event(phase), Stored(stored, "east"))
    assert isinstance(error, FailedPrecondition)
    assert reason(error).already_in_terminal_state.current_phase == stored


@pytest.mark.conformance("WFE-09", "WFE-10")
@pytest.mark.parametrize(
    ("stored", "phase"),
    [("RUNNING", "QUEUED"), *(("ABORTING", phase) for phase in PHASES if phase not in {*TERMINAL, "ABORTING"})],
)
def test_backwards_and_against_an_abort(stored: str, phase: str) -> None:
    error = answer(workflow_event(phase), Stored(stored, "east"))
    assert isinstance(error, FailedPrecondition)
    assert error.details == ()


@pytest.mark.conformance("WFE-10", "WFE-11")
@pytest.mark.parametrize(
    ("stored", "phase"),
    [
        ("UNDEFINED", "SUCCEEDED"),
        ("SUCCEEDING", "RUNNING"),
        ("FAILING", "SUCCEEDED"),
        ("SUCCEEDING", "QUEUED"),
        *(("ABORTING", phase) for phase in sorted(TERMINAL)),
    ],
)
def test_any_other_move_of_a_workflow(stored: str, phase: str) -> None:
    assert answer(workflow_event(phase), Stored(stored, "east")) is None


@pytest.mark.conformance("NEV-04", "KD-07")
@pytest.mark.parametrize("event", [node_event("SUCCEEDED"), task_event("SUCCEEDED")])
@pytest.mark.parametrize("stored", ["ABORTING", *sorted(TERMINAL)])
def test_events_of_nodes_and_tasks_after_the_end(event: Event, stored: str) -> None:
    assert answer(event, Stored(stored, "east")) is None
