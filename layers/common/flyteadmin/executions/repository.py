"""Reads and writes executions in DynamoDB: creates with a lease, conditional writes of facts, keys of the indexes."""

from collections.abc import Callable, Sequence
from zlib import crc32

from pynamodb.expressions.condition import Condition, size

from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.optimistic import attempts
from flyteadmin.clients.dynamodb.reads import Found, batch_get, get
from flyteadmin.clients.dynamodb.writes import (
    ConditionFailed,
    Operation,
    Put,
    TransactionFailed,
    Update,
    fact_actions,
    transact,
    write,
)
from flyteadmin.executions import leases
from flyteadmin.executions.models import (
    ACTIVE_SHARDS,
    BEFORE_ALL,
    LISTING_SHARDS,
    ExecutionSpecification,
    ExecutionState,
    StoredExecution,
)
from flyteadmin.executions.phases import MAX_MOVES, TERMINAL, UNDEFINED, ControlPlanePhase, Transition, moves_of
from flyteadmin.facts import Facts
from flyteadmin.identifiers import key_parts
from flyteadmin.text import truncate

_MAX_USER_BYTES = 512
"""The bytes of a user's name that are part of an index key."""


class ExecutionExists(Exception):
    """The name is taken; nothing was changed."""


def state_key(execution: str) -> Key[ExecutionState]:
    """Return the address of the state item, which events change."""
    return Key(ExecutionState, execution, "state")


def specification_key(execution: str) -> Key[ExecutionSpecification]:
    """Return the address of the specification item, which never changes."""
    return Key(ExecutionSpecification, execution, "spec")


def create(
    state: ExecutionState,
    specification: ExecutionSpecification,
    token: str,
    unless_there: Sequence[Operation] = (),
) -> None:
    """Write both items and the lease, or nothing (docs/architecture.md#create, stage 4).

    `token` makes a repeat of this very write within ten minutes a success. `unless_there` is written with them, or left
    out where one of its conditions fails.

    Raises:
        ExecutionExists: the name is taken.
    """
    set_index_keys(state, specification.principal)
    is_new = ExecutionState.execution.does_not_exist()
    operations = [Put(state, is_new), Put(specification), *leases.taken(state)]
    try:
        transact([*operations, *unless_there], token)
    except TransactionFailed as failure:
        if 0 in failure.failed:
            raise ExecutionExists(state.execution) from None
        create(state, specification, f"{token}-2")  # another request, which the first one's token would refuse


def read_state(execution: str) -> ExecutionState | None:
    """Read the state of an execution; a consistent read."""
    return get(state_key(execution))


def read(execution: str) -> StoredExecution | None:
    """Read an execution whole, in one consistent request."""
    return read_all([execution]).get(execution)


def read_all(executions: Sequence[str]) -> dict[str, StoredExecution]:
    """Read executions whole, by key; missing ones are left out."""
    keys = [key for execution in executions for key in (state_key(execution), specification_key(execution))]
    found = batch_get(keys)
    return {execution: row for execution in executions if (row := stored(found, execution)) is not None}


def stored(found: Found, execution: str) -> StoredExecution | None:
    """Return an execution out of a batch read; None unless both of its items were found."""
    state = found.get(state_key(execution))
    specification = found.get(specification_key(execution))
    return StoredExecution(state, specification) if state is not None and specification is not None else None


def listing_key(project: str, domain: str, shard: int) -> str:
    """Return the created index's key for one shard of a project and domain."""
    return f"{project}:{domain}#{shard}"


def set_index_keys(state: ExecutionState, user: str) -> None:
    """Set the attributes that the indexes are keyed by; their shard follows from the execution's key."""
    listing, is_task = _listing(state.execution), state.task is not None
    state.listing = listing
    state.by_launch_plan = None if is_task else index_key(listing, _name(state.launch_plan))
    state.by_workflow = index_key(listing, _name(state.workflow))
    state.by_task = index_key(listing, _name(state.task)) if state.task is not None else None
    state.by_phase = index_key(listing, state.phase)
    state.by_user = index_key(listing, truncate(user, _MAX_USER_BYTES))
    state.active = str(crc32(state.execution.encode()) % ACTIVE_SHARDS)


def index_key(listing: str, value: str) -> str:
    """Return the key of the indexes over one workflow, one phase, …; `listing` is a `listing_key`."""
    return f"{listing}#{value}"


def user_of(state: ExecutionState) -> str:
    """Return the user of an execution, from what index rows carry."""
    return state.by_user.split("#", 2)[2]


def _listing(execution: str) -> str:
    project, domain, _ = key_parts(execution)
    return listing_key(project, domain, crc32(execution.encode()) % LISTING_SHARDS)


def _name(key: str) -> str:
    """Return the name alone of a "project:domain:name"."""
    return key_parts(key)[2]


def apply(execution: str, facts: Facts, first_sequence: str, refused: frozenset[str], launch_plan: str) -> None:
    """Write facts on the fast path: if their first event is accepted and no later event was applied; without reading.

    Raises:
        ConditionFailed: with the row as it stands, None if there is no execution; also if the transitions don't fit.
    """
    condition = ExecutionState.sequence < first_sequence
    condition &= ~ExecutionState.phase.is_in(*sorted(refused))
    if moves := moves_of(facts.transitions):
        condition &= size(ExecutionState.transitions) <= MAX_MOVES - len(moves)  # type: ignore[no-untyped-call]
    _write(execution, facts, condition, launch_plan)


def rebuild(old: ExecutionState, facts: Facts, *, is_whole: bool = True) -> None:
    """Write the facts of the whole log over a row, or add others to it, if it still has the version that was read.

    Raises:
        ConditionFailed: with the row as it is now.
    """
    _write(old.execution, facts, ExecutionState.version == old.version, old.launch_plan, rebuilt=is_whole)


def _write(execution: str, facts: Facts, condition: Condition, launch_plan: str, *, rebuilt: bool = False) -> None:
    actions = fact_actions(ExecutionState, facts, rebuilt=rebuilt)
    if facts.phase:
        actions.append(ExecutionState.by_phase.set(index_key(_listing(execution), facts.phase)))
    change = Update(state_key(execution), actions, condition)
    if facts.phase not in TERMINAL:
        write(change)
        return
    try:
        transact([change, *leases.released(launch_plan, execution)])
    except TransactionFailed as failure:
        raise ConditionFailed(failure.old.get(0)) from None


def from_raw(raw: RawItem) -> ExecutionState:
    """Return the row that came with a failed condition."""
    return ExecutionState.from_raw_data(raw)


def told_by_events(state: ExecutionState) -> dict[str, object]:
    """Return values of a row, each of which an event of its log tells: its phase, start, sequence and transitions.

    What the control plane set is left out.
    """
    told: dict[str, object] = {text: True for text in state.transitions if Transition.from_text(text).sequence}
    if state.sequence != BEFORE_ALL:
        told["sequence"] = state.sequence
    if state.phase not in {UNDEFINED, state.overlay_phase}:
        told["phase"] = state.phase
    if state.started_at is not None:
        told["started_at"] = state.started_at
    return told


def control_plane_phase_of(state: ExecutionState) -> ControlPlanePhase:
    """Return the phase that the control plane set on a row."""
    return ControlPlanePhase(state.overlay_phase or "", int(state.overlay_at or 0))


def update_optimistically(state: ExecutionState, decide: Callable[[ExecutionState], Facts | None]) -> ExecutionState:
    """Write the facts that `decide` makes of a row; where another writer was faster, decide again on the newer row.

    None leaves the row as it is. Returns the row that was decided on; errors of `decide` pass through.

    Raises:
        Unavailable: too many writers at once; try again.
    """
    for _ in attempts(f"execution {state.execution}"):
        facts = decide(state)
        if facts is None:
            break
        try:
            write_control_plane_facts(state, facts)
        except ConditionFailed as failure:
            state = from_raw(failure.old) if failure.old else state
        else:
            break
    return state


def write_control_plane_facts(state: ExecutionState, facts: Facts) -> None:
    """Write facts that come from no event, on the version that was read; an end deletes the lease with it.

    Raises:
        ConditionFailed: with the row as it is now.
    """
    _write(state.execution, facts, ExecutionState.version == state.version, state.launch_plan)


def set_archived(execution: str, archived: int, change: bytes) -> None:
    """Set whether lists show an execution; `change` is an ExecutionStateChangeDetails: who changed it, and when.

    Raises:
        ConditionFailed: there is no such execution.
    """
    actions = [
        ExecutionState.version.set(ExecutionState.version + 1),
        ExecutionState.archived.set(archived),
        ExecutionState.state_change.set(change),
    ]
    write(Update(state_key(execution), actions, ExecutionState.execution.exists()))
