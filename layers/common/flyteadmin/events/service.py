"""Takes events: each is admitted, then queued. An acknowledged event is in the queue (invariant 1).

`admit` returns a message and sends nothing, so that a caller with many events can send them together
(`clients/queue.py: send_all`) and can cache what it read of an execution.
"""

from collections.abc import Callable

from flyteadmin.clients import configuration, queue
from flyteadmin.errors import ResourceExhausted
from flyteadmin.events.admission import Stored, check
from flyteadmin.events.envelope import INLINE_EVENT_BYTES, digest, kind_of, seal
from flyteadmin.events.nesting import validate_nesting
from flyteadmin.events.opening import MAX_EVENT_BYTES, store_claim
from flyteadmin.events.validation import Event, validate, validate_output_size
from flyteadmin.executions import repository as executions
from flyteadmin.identifiers import execution_key


def record(event: Event) -> None:
    """Admit an event and queue it; errors as `admit`.

    Raises:
        Unavailable: it could not be queued; send it again.
    """
    queue.send(admit(event))


def read_stored(execution: str) -> Stored | None:
    """Read the parts of an execution that admission needs; a consistent read."""
    state = executions.read_state(execution)
    return Stored(state.phase, state.cluster, state.launch_plan) if state else None


def admit(event: Event, stored_of: Callable[[str], Stored | None] = read_stored) -> queue.Message:
    """Admit an event and return its message, which is not sent yet; the bytes of a large event are in S3 by then.

    `stored_of` finds an execution by its key. For workflow events it must read consistently. For events of nodes and
    tasks a value of a second ago is good enough, since admission only looks at the cluster, which never changes; a
    missing execution must not be cached.

    Raises:
        InvalidArgument: it is not valid.
        NotFound, AlreadyExists, FailedPrecondition: it is not admitted (admission.py).
        ResourceExhausted: it is larger than 4 MiB, or its outputs than `remoteData.maxSizeInBytes` (WFE-02, TEV-02).
        Unavailable: the database or the object store does not answer; send it again.
    """
    execution = execution_key(validate(event))
    payload = event.SerializeToString(deterministic=True)
    if len(payload) > MAX_EVENT_BYTES:
        raise ResourceExhausted(f"message larger than max ({len(payload)} vs. {MAX_EVENT_BYTES})")
    validate_nesting(event)
    if event.HasField("output_data"):
        validate_output_size(event, configuration.current().remote_data.max_size_in_bytes)
    stored = check(event, execution, stored_of(execution))
    kind = kind_of(event)
    claim = store_claim(payload, execution, kind) if len(payload) > INLINE_EVENT_BYTES else ""
    return queue.Message(
        seal(kind, payload, claim=claim, execution=execution, launch_plan=stored.launch_plan),
        group=group_of(execution),
        deduplication=digest(payload).hex(),
    )


def group_of(execution: str) -> str:
    """Return the message group of an execution: a digest, because group ids allow fewer characters than names."""
    return digest(execution.encode()).hex()
