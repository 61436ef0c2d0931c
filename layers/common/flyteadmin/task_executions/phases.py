"""The rule by which a task attempt's phase moves: upstream's acceptance, as a pure reducer over ordered events.

Sources: flyteadmin task_execution_manager.go CreateTaskExecutionEvent, transformers/task_execution.go; deviations in
docs/deviations.toml.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from zlib import crc32

from flyteidl.admin.task_execution_pb2 import Reason, TaskExecutionClosure
from flyteidl.core.execution_pb2 import TaskExecution, TaskLog
from flyteidl.event.event_pb2 import TaskExecutionEvent
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.task_executions.merging import (
    memory_of,
    merge_custom_info,
    merge_logs,
    merge_metadata,
    sorted_resources,
)
from flyteadmin.text import truncate_uri
from flyteadmin.timestamps import to_duration, to_nanoseconds

Phase = TaskExecution.Phase

TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED})

_PENDING = frozenset({Phase.QUEUED, Phase.INITIALIZING})

MAX_CLOSURE_MEMORY = 32 * 1024 * 1024
"""The memory that a closure may need, since each event reads, merges and writes all of it.

A map task of 40,000 with a log each fits. Beyond it an event only adds its phase, times and outcome.
"""

_PLACE_BYTES = 4
_MAX_PLACES = 64
"""Events of which a row remembers the place; most attempts have about five."""


@dataclass(frozen=True)
class PhaseEvent:
    """A task event with its padded sequence, and the URIs of data that was moved to S3."""

    event: TaskExecutionEvent
    sequence: str
    inputs_uri: str = ""
    outputs_uri: str = ""


@dataclass(frozen=True)
class TaskState:
    """The content of a task attempt's row; `ended_at` is in ns. Only `reduce` changes a closure, in its own copy.

    `applied` is the number of events that made it, 0 where an earlier version wrote it and did not count. `places` has
    four bytes for each of the first of them: `crc32` of the event's sequence.
    """

    closure: TaskExecutionClosure
    phase_version: int
    sequence: str
    input_uri: str = ""
    ended_at: int = 0
    applied: int = 0
    places: bytes = b""


def accepts(stored: TaskState | None, event: TaskExecutionEvent) -> bool:
    """Return whether an event moves a task attempt (TEV-05…08); RETRYABLE_FAILED is not terminal."""
    if stored is None:
        return True
    if stored.closure.phase in TERMINAL:
        return False
    return event.phase != stored.closure.phase or event.phase_version > stored.phase_version


def visible_logs(logs: list[TaskLog], phase: TaskExecution.Phase) -> list[TaskLog]:
    """Return the logs that show in a phase: pending phases show only some, terminal ones hide some (TEV-15)."""
    if phase in TERMINAL:
        return [log for log in logs if not log.HideOnceFinished]
    if phase in _PENDING:
        return [log for log in logs if log.ShowWhilePending]
    return logs


def reduce(events: Iterable[PhaseEvent], stored: TaskState | None = None) -> TaskState | None:
    """Return a task attempt's state after these events, given in sequence order and read one by one."""
    state = replace(stored, closure=_copy(stored.closure)) if stored else None
    for event in events:
        if state is None:
            state = replace(_first(event), applied=1, places=_place(event.sequence))
        else:
            moved = _next(state, event) if accepts(state, event.event) else _filled(state, event)
            state = _counted(moved, event.sequence)
    return state


def onto(stored: TaskState, events: Iterable[PhaseEvent]) -> TaskState:
    """Add events to a state that is the truth up to its sequence.

    An event at or below it fills what is missing; only an end still moves an attempt that has not ended.
    """
    state = replace(stored, closure=_copy(stored.closure))
    for event in events:
        moves = event.sequence > stored.sequence or event.event.phase in TERMINAL
        state = _next(state, event) if moves and accepts(state, event.event) else _filled(state, event)
        state = _counted(state, event.sequence)
    return state


def explains(sequences: Collection[str], stored: TaskState, new: Collection[str]) -> bool:
    """Return whether a log's events, by their sequences, include all that made a stored state.

    Above `_MAX_PLACES` events their number decides; the `new` ones, which may not be among them, are left out.
    """
    if not stored.applied or not {_place(stored.sequence), *_parts(stored.places)} <= set(map(_place, sequences)):
        return False
    return stored.applied <= _MAX_PLACES or len(set(sequences) - set(new)) >= stored.applied


def keeps_end(stored: TaskState, state: TaskState | None) -> bool:
    """Return whether a state has ended if the stored one has."""
    return state is not None and (state.closure.phase in TERMINAL or stored.closure.phase not in TERMINAL)


def _place(sequence: str) -> bytes:
    """Return the four bytes by which a state remembers an event."""
    return crc32(sequence.encode()).to_bytes(_PLACE_BYTES)


def _counted(state: TaskState, sequence: str) -> TaskState:
    """Count an event among those that made a state, unless the state is from a version that did not count."""
    place = _place(sequence)
    if not state.applied or place in _parts(state.places):
        return state
    has_room = len(state.places) < _MAX_PLACES * _PLACE_BYTES
    return replace(state, applied=state.applied + 1, places=state.places + (place if has_room else b""))


def _parts(places: bytes) -> list[bytes]:
    return [places[start : start + _PLACE_BYTES] for start in range(0, len(places), _PLACE_BYTES)]


def _first(event: PhaseEvent) -> TaskState:
    message = event.event
    closure = TaskExecutionClosure(
        phase=message.phase,
        created_at=message.occurred_at,
        updated_at=_reported_at(message),
        logs=message.logs,
        task_type=message.task_type,
        event_version=message.event_version,
    )
    if message.HasField("custom_info"):
        closure.custom_info.CopyFrom(message.custom_info)
    if message.HasField("metadata"):
        closure.metadata.CopyFrom(message.metadata)
        sorted_resources(closure.metadata)
    _add_reasons(closure, message)
    state = TaskState(closure, message.phase_version, event.sequence)
    return _ended(_started(_with_inputs(state, event), event), event)


def _next(state: TaskState, event: PhaseEvent) -> TaskState:
    closure = state.closure
    message = (
        event.event
        if memory_of(closure) + memory_of(event.event) <= MAX_CLOSURE_MEMORY
        else _without_lists(event.event)
    )
    phase_changed = closure.phase != message.phase
    closure.phase = message.phase
    closure.updated_at.CopyFrom(_reported_at(message))
    logs = visible_logs(merge_logs(list(closure.logs), list(message.logs)), message.phase)
    del closure.logs[:]
    closure.logs.extend(logs)
    _add_reasons(closure, message)
    merge_custom_info(closure, message)
    merge_metadata(closure, message)
    if phase_changed:
        for resource in closure.metadata.external_resources:
            kept = visible_logs(list(resource.logs), message.phase)
            del resource.logs[:]
            resource.logs.extend(kept)
    closure.event_version = max(closure.event_version, message.event_version)
    moved = replace(state, phase_version=message.phase_version, sequence=max(state.sequence, event.sequence))
    return _ended(_started(_with_inputs(moved, event), event), event)


def _without_lists(event: TaskExecutionEvent) -> TaskExecutionEvent:
    kept = TaskExecutionEvent()
    kept.CopyFrom(event)
    for field in ("logs", "reason", "reasons", "custom_info", "metadata"):
        kept.ClearField(field)
    return kept


def _filled(state: TaskState, event: PhaseEvent) -> TaskState:
    late = replace(state, sequence=max(state.sequence, event.sequence))
    return _started(_with_inputs(late, event), event)


def _with_inputs(state: TaskState, event: PhaseEvent) -> TaskState:
    inputs = event.event.input_uri or event.inputs_uri
    return replace(state, input_uri=state.input_uri or truncate_uri(inputs))


def _started(state: TaskState, event: PhaseEvent) -> TaskState:
    if event.event.phase != Phase.RUNNING or state.closure.HasField("started_at"):
        return state
    state.closure.started_at.CopyFrom(event.event.occurred_at)
    _set_duration(state.closure, state.ended_at)
    return state


def _ended(state: TaskState, event: PhaseEvent) -> TaskState:
    message = event.event
    if message.phase not in TERMINAL:
        return state
    closure = state.closure
    match message.WhichOneof("output_result"):
        case "output_uri" if message.output_uri:
            closure.output_uri = message.output_uri
        case "output_data" if event.outputs_uri:
            closure.output_uri = event.outputs_uri
        case "output_data":
            closure.output_data.CopyFrom(message.output_data)
        case "error":
            closure.error.CopyFrom(message.error)
    ended_at = to_nanoseconds(message.occurred_at)
    _set_duration(closure, ended_at)
    return replace(state, ended_at=ended_at)


def _set_duration(closure: TaskExecutionClosure, ended_at: int) -> None:
    if ended_at and closure.HasField("started_at"):
        closure.duration.CopyFrom(to_duration(ended_at - to_nanoseconds(closure.started_at)))


def _add_reasons(closure: TaskExecutionClosure, event: TaskExecutionEvent) -> None:
    if event.reasons:
        closure.reasons.extend(Reason(occurred_at=item.occurred_at, message=item.reason) for item in event.reasons)
        closure.reason = event.reasons[-1].reason
    elif event.reason and event.reason != closure.reason:
        closure.reasons.append(Reason(occurred_at=event.occurred_at, message=event.reason))
        closure.reason = event.reason


def _reported_at(event: TaskExecutionEvent) -> Timestamp:
    reported = event.reported_at
    return reported if reported.seconds or reported.nanos else event.occurred_at


def _copy(closure: TaskExecutionClosure) -> TaskExecutionClosure:
    copied = TaskExecutionClosure()
    copied.CopyFrom(closure)
    return copied
