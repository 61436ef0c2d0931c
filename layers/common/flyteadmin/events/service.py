"""What happens when an event arrives: it is admitted, then queued; acknowledged means in the queue (invariant 1)."""

from flyteadmin.clients import queue, storage
from flyteadmin.errors import ResourceExhausted
from flyteadmin.events.admission import Stored, admit
from flyteadmin.events.envelope import INLINE_EVENT_BYTES, digest, kind_of, seal
from flyteadmin.events.validation import Event, validate
from flyteadmin.executions import repository as executions
from flyteadmin.identifiers import execution_key

MAX_EVENT_BYTES = 4 * 1024 * 1024


def record(event: Event) -> None:
    """Admit an event and queue it.

    Raises:
        InvalidArgument: it is not valid.
        NotFound, AlreadyExists, FailedPrecondition: it is not admitted (admission.py).
        ResourceExhausted: it is larger than 4 MiB.
        Unavailable: it could not be queued; send it again.
    """
    execution = execution_key(validate(event))
    payload = event.SerializeToString(deterministic=True)
    if len(payload) > MAX_EVENT_BYTES:
        raise ResourceExhausted(f"message larger than max ({len(payload)} vs. {MAX_EVENT_BYTES})")
    state = executions.read_state(execution)
    admit(event, execution, Stored(execution, state.phase, state.cluster) if state else None)
    launch_plan = state.launch_plan if state else ""
    kind = kind_of(event)
    claim = storage.write_once(payload, "claims", execution, kind) if len(payload) > INLINE_EVENT_BYTES else ""
    queue.send(
        seal(kind, payload, claim=claim, launch_plan=launch_plan),
        group=group_of(execution),
        deduplication=digest(payload).hex(),
    )


def group_of(execution: str) -> str:
    """The message group of an execution: a digest, as a group id may not hold every character of a name."""
    return digest(execution.encode()).hex()
