"""Announced transitions: each (execution, phase) once over a stream, under the same id at each replay."""

from collections.abc import Sequence

import pytest
from flyteidl.core.execution_pb2 import WorkflowExecution
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.executions.phases import Transition
from flyteadmin.notifications.rules import announced, notification_id

PHASES = sorted(WorkflowExecution.Phase.keys())


def texts(phases: Sequence[str]) -> list[str]:
    return [Transition(phase, n, str(n)).to_text() for n, phase in enumerate(phases)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """The phases that an execution entered, and at which of them its row was written: the rest were folded."""
    phases = draw(st.lists(st.sampled_from(PHASES), min_size=1, max_size=10))
    return phases, sorted({*draw(st.sets(st.integers(1, len(phases)))), len(phases)})


@pytest.mark.conformance("KD-05")
@given(streams())
def test_each_phase_is_announced_once_however_the_writes_fold(stream: tuple[list[str], list[int]]) -> None:
    phases, writes = stream
    row = texts(phases)
    heard = [
        transition.phase
        for before, after in zip([0, *writes], writes, strict=False)
        for transition in announced(row[:before], row[:after])
    ]
    assert heard == list(dict.fromkeys(phases))


@given(streams(), st.data())
def test_a_replay_announces_the_same_under_the_same_ids(
    stream: tuple[list[str], list[int]], data: st.DataObject
) -> None:
    """A stream that is read again from any record on repeats ids that were heard before, and adds none."""
    phases, writes = stream
    row = texts(phases)
    changes = list(zip([0, *writes], writes, strict=False))

    def heard(from_record: int) -> list[str]:
        return [
            notification_id("p:d:n", transition.phase)
            for before, after in changes[from_record:]
            for transition in announced(row[:before], row[:after])
        ]

    again = heard(data.draw(st.integers(0, len(changes))))
    assert again == heard(0)[len(heard(0)) - len(again) :]
    assert len(set(heard(0))) == len(heard(0))


def test_ids_tell_executions_and_phases_apart() -> None:
    ids = {notification_id(f"p:d:{name}", phase) for name in ("a", "b") for phase in PHASES}
    assert len(ids) == 2 * len(PHASES)
