"""Tests the conditions and updates of executions, nodes and tasks on each emulator."""

from typing import Any

import pytest
from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure
from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier

from flyteadmin.clients.dynamodb.reads import query
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Put
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ACTIVE_SHARDS, ExecutionSpecification, ExecutionState
from flyteadmin.executions.phases import ControlPlanePhase, facts_of_control_plane
from flyteadmin.facts import Facts
from flyteadmin.identifiers import children_key
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.task_executions import repository as task_executions
from flyteadmin.task_executions.phases import TaskState
from tests.builders import (
    CREATED_AT,
    DOMAIN,
    PROJECT,
    lease_of,
    node_event,
    node_id,
    stored_execution,
    task_id,
    workflow_event,
)
from tests.dynamodb.conftest import DATABASES

RUN = f"{PROJECT}:{DOMAIN}:run"
PLAN = f"{PROJECT}:{DOMAIN}:plan"


def facts_of(phase: str, sequence: str, **fields: Any) -> Facts:
    event = workflow_event(phase, int(sequence), **fields)
    error = event.error.SerializeToString() if event.HasField("error") else b""
    return workflow_phases.facts_of(workflow_phases.PhaseEvent(event, sequence, error=error))


def moved(phase: str, sequence: str, **fields: Any) -> None:
    refused = workflow_phases.refused_phases(phase)
    executions.apply(RUN, facts_of(phase, sequence, **fields), sequence, refused, PLAN)


def stored() -> ExecutionState:
    state = executions.read_state(RUN)
    assert state is not None
    return state


def active() -> list[str]:
    shards = map(str, range(ACTIVE_SHARDS))
    return [row.execution for shard in shards for row in query(ExecutionState, shard, index="active").items]


def test_an_execution_moves_while_its_condition_holds(database: str) -> None:
    stored_execution()
    moved("QUEUED", "1")
    moved("RUNNING", "2")
    moved("FAILING", "3", error=ExecutionError(code="A"))
    moved("RUNNING", "4")
    state = stored()
    assert (state.phase, state.version, state.sequence) == ("RUNNING", 5, "4")
    assert [text.split(" ")[0] for text in state.transitions] == ["QUEUED", "RUNNING", "FAILING", "RUNNING"]
    assert state.started_at == CREATED_AT + 2_000_000_000, "what is set once stays"
    assert (state.error_code, active()) == ("A", [RUN])
    moved("SUCCEEDING", "5", output_uri="s3://out")
    values = stored().attribute_values
    assert [values.get(name) for name in ("error", "error_code", "outputs_uri")] == [None, None, "s3://out"]


@pytest.mark.parametrize(
    ("phase", "sequence"),
    [("SUCCEEDING", "2"), ("SUCCEEDING", "1"), ("RUNNING", "3"), ("QUEUED", "3")],
    ids=["same sequence", "lower sequence", "same phase", "refused phase"],
)
def test_a_failed_condition_brings_the_row_and_changes_nothing(database: str, phase: str, sequence: str) -> None:
    stored_execution()
    moved("RUNNING", "2")
    before = stored()
    with pytest.raises(ConditionFailed) as failure:
        moved(phase, sequence)
    assert failure.value.old is not None
    assert executions.from_raw(failure.value.old).attribute_values == before.attribute_values
    assert stored().attribute_values == before.attribute_values


@pytest.mark.parametrize("phase", ["RUNNING", "SUCCEEDED"])
def test_no_row_is_made_where_an_update_wants_one(database: str, phase: str) -> None:
    with pytest.raises(ConditionFailed) as failure:
        moved(phase, "1")
    assert failure.value.old is None
    assert executions.read_state(RUN) is None


def test_an_end_takes_its_lease_along(database: str) -> None:
    stored_execution()
    moved("SUCCEEDED", "1")
    assert stored().phase == "SUCCEEDED"
    assert lease_of(stored()) is None
    assert active() == []


def test_a_refused_end_leaves_both(database: str) -> None:
    stored_execution()
    moved("RUNNING", "2")
    with pytest.raises(ConditionFailed) as failure:
        moved("SUCCEEDED", "1")
    assert failure.value.old is not None
    assert executions.from_raw(failure.value.old).phase == "RUNNING"
    assert (stored().phase, stored().version) == ("RUNNING", 2)
    assert lease_of(stored()) is not None


def test_a_rebuild_replaces_what_was_set_once_on_the_version_read(database: str) -> None:
    stored_execution()
    moved("RUNNING", "2")
    facts = facts_of("RUNNING", "1").then(Facts(sequence="2"))
    executions.rebuild(stored(), facts)
    state = stored()
    assert (state.started_at, state.sequence, len(state.transitions)) == (CREATED_AT + 1_000_000_000, "2", 1)
    stale = stored()
    moved("SUCCEEDING", "3")
    with pytest.raises(ConditionFailed) as failure:
        executions.rebuild(stale, facts)
    assert failure.value.old is not None
    assert executions.from_raw(failure.value.old).version == stale.version + 1


@pytest.mark.parametrize("phase", ["ABORTING", "ABORTED"])
def test_an_overlay_is_set_on_the_version_read(database: str, phase: str) -> None:
    stored_execution()
    stale = stored()
    moved("RUNNING", "1")
    facts = facts_of_control_plane(ControlPlanePhase(phase, 7))
    with pytest.raises(ConditionFailed):
        executions.write_control_plane_facts(stale, facts)
    assert executions.update_optimistically(stale, lambda _row: facts).phase == "RUNNING"
    assert (stored().phase, executions.control_plane_phase_of(stored())) == (phase, ControlPlanePhase(phase, 7))
    assert (lease_of(stored()) is None) == (phase == "ABORTED")


def test_archiving_wants_a_row(database: str) -> None:
    with pytest.raises(ConditionFailed):
        executions.set_archived(RUN, 1, b"who")
    stored_execution()
    executions.set_archived(RUN, 1, b"who")
    assert (stored().archived, stored().state_change, stored().version) == (1, b"who", 2)


def test_a_name_is_taken_once(database: str) -> None:
    stored_execution()
    moved("RUNNING", "1")
    state, specification = stored(), executions.read_all([RUN, "no:such:run"])[RUN].specification
    with pytest.raises(executions.ExecutionExists):
        executions.create(state, specification, "another token")
    assert stored().version == 2


@pytest.mark.parametrize("database", [name for name in DATABASES if name != "moto"], indirect=True)
def test_the_same_create_again_is_a_success_by_its_token(database: str) -> None:
    """Moto 5.2.5 does not remember tokens."""
    stored_execution()
    stored_execution()
    assert stored().version == 1


def test_what_comes_with_a_create_may_be_there_already(database: str) -> None:
    stored_execution("other")
    other = executions.read(f"{PROJECT}:{DOMAIN}:other")
    assert other is not None
    there = Put(other.state, ExecutionState.execution.does_not_exist())
    state = ExecutionState(**{**other.state.attribute_values, "execution": RUN})
    specification = ExecutionSpecification(**{**other.specification.attribute_values, "execution": RUN})
    executions.create(state, specification, "token", [there])
    assert stored().phase == "UNDEFINED"


def node_moved(phase: str, sequence: str, **fields: Any) -> None:
    event = node_phases.PhaseEvent(node_event(phase, int(sequence), **fields), sequence)
    refused = node_phases.refused_phases(phase)
    node_executions.apply(RUN, "n0", node_phases.facts_of(event), sequence, refused)


def node() -> NodeExecutionRow:
    row = node_executions.read(RUN, "n0")
    assert row is not None
    return row


def test_a_first_event_makes_a_node_and_later_ones_move_it(database: str) -> None:
    node_moved("QUEUED", "1", is_parent=True)
    node_moved("RUNNING", "2", deck_uri="s3://deck")
    node_moved("SUCCEEDED", "3")
    row = node()
    assert (row.phase, row.version, row.is_parent_node) == ("SUCCEEDED", 3, True)
    assert row.attribute_values.get("deck_uri") is None
    assert (row.created_at, row.started_at) == (CREATED_AT + 1_000_000_000, CREATED_AT + 2_000_000_000)
    assert node_executions.has_children(children_key(RUN))
    assert not node_executions.has_children(children_key(RUN, node="n0"))


@pytest.mark.parametrize(("phase", "sequence"), [("SUCCEEDED", "2"), ("SUCCEEDED", "1"), ("RUNNING", "3")])
def test_a_node_keeps_what_it_is_where_its_condition_fails(database: str, phase: str, sequence: str) -> None:
    node_moved("RUNNING", "2")
    with pytest.raises(ConditionFailed) as failure:
        node_moved(phase, sequence)
    assert failure.value.old is not None
    assert node_executions.from_raw(failure.value.old).attribute_values == node().attribute_values
    assert (node().phase, node().version) == ("RUNNING", 1)


def test_a_node_is_rebuilt_on_the_version_read(database: str) -> None:
    node_moved("RUNNING", "2")
    stale = node()
    facts = Facts({"created_at": 5}, {"phase": "FAILED", "error": None}, (), "2")
    node_executions.rebuild(stale, facts)
    assert (node().phase, node().created_at, node().version) == ("FAILED", 5, 2)
    with pytest.raises(ConditionFailed) as failure:
        node_executions.rebuild(stale, facts)
    assert failure.value.old is not None
    assert node_executions.from_raw(failure.value.old).version == 2


@pytest.mark.parametrize("first", ["the mark", "an event"])
def test_a_mark_of_children_stays_and_moves_nothing(database: str, first: str) -> None:
    if first == "the mark":
        node_executions.mark_parent(RUN, "n0")
        assert node_executions.read(RUN, "n0") is None, "a mark alone is no row"
    node_moved("RUNNING", "2")
    node_executions.mark_parent(RUN, "n0")
    node_executions.mark_parent(RUN, "n0")
    assert (node().has_children, node().phase, node().version) == (True, "RUNNING", 1)
    node_executions.rebuild(node(), Facts({"created_at": 5}, {"phase": "FAILED"}, (), "2"))
    assert (node().has_children, node().version) == (True, 2)


def attempt(node: str = "n1", number: int = 0) -> TaskExecutionIdentifier:
    return TaskExecutionIdentifier(task_id=task_id(), node_execution_id=node_id(node), retry_attempt=number)


def state_of_attempt(phase: TaskExecution.Phase) -> TaskState:
    return TaskState(TaskExecutionClosure(phase=phase), 0, "1")


def test_an_attempt_is_written_on_the_version_read(database: str) -> None:
    task_executions.store(attempt(), state_of_attempt(TaskExecution.QUEUED), None)
    with pytest.raises(ConditionFailed):
        task_executions.store(attempt(), state_of_attempt(TaskExecution.RUNNING), None)
    row = task_executions.read(attempt())
    task_executions.store(attempt(), state_of_attempt(TaskExecution.RUNNING), row)
    with pytest.raises(ConditionFailed):
        task_executions.store(attempt(), state_of_attempt(TaskExecution.FAILED), row)
    again = task_executions.read_again(attempt())
    assert again is not None
    assert (again.phase, again.version) == ("RUNNING", 2)


def test_the_attempts_of_a_node_are_those_of_no_other(database: str) -> None:
    for identifier in (attempt("n1", 1), attempt("n10"), attempt("n1"), attempt("n1-0-n2")):
        task_executions.store(identifier, state_of_attempt(TaskExecution.QUEUED), None)
    numbers = [row.attempt_key[-6:] for row in task_executions.of_node(RUN, "n1")]
    assert numbers == ["000000", "000001"]
    keys = [task_executions.key(RUN, row.attempt_key) for row in task_executions.of_node(RUN, "n1")]
    found = task_executions.read_all([*keys, *keys, task_executions.key(RUN, "no such")])
    assert len(found.rows) == 2
