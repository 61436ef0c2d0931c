"""Takes events: each is admitted, then queued. An acknowledged event is in the queue (invariant 1).

`admit` returns a message and sends nothing, so that a caller with many events can send them together
(`clients/queue.py: send_all`) and can cache what it read of an execution.
"""

from collections.abc import Callable

from flyteadmin.clients import configuration, queue
from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.errors import FlyteAdminError, ResourceExhausted
from flyteadmin.events.admission import UNNAMED, Stored, check, is_unnamed
from flyteadmin.events.envelope import INLINE_EVENT_BYTES, digest, kind_of, seal
from flyteadmin.events.nesting import validate_nesting
from flyteadmin.events.opening import MAX_EVENT_BYTES, store_claim
from flyteadmin.events.validation import Event, validate, validate_output_size
from flyteadmin.executions import repository as executions
from flyteadmin.identifiers import execution_key
from flyteadmin.observability import measure
from flyteadmin.settings import Configuration


def record(event: Event) -> None:
    """Admit an event and queue it; errors as `admit`.

    Raises:
        Unavailable: it could not be queued; send it again.
    """
    queue.send(admit(event, unnamed=lambda: measure(UnnamedProducers=1)))


def read_stored(execution: str) -> Stored | None:
    """Read the parts of an execution that admission needs; a consistent read."""
    state = executions.read_state(execution)
    return Stored(state.phase, state.cluster, state.launch_plan) if state else None


def admit(
    event: Event,
    stored_of: Callable[[str], Stored | None] = read_stored,
    configured: Callable[[], Configuration] = configuration.current,
    unnamed: Callable[[], None] = lambda: None,
) -> queue.Message:
    """Admit an event and return its message, which is not sent yet; the bytes of a large event are in S3 by then.

    `stored_of` finds an execution by its key. For workflow events it must read consistently. For events of nodes and
    tasks a value of a second ago is good enough, since admission only looks at the cluster, which never changes; a
    missing execution must not be cached. `unnamed` hears of an event that names no cluster though there are several.

    Raises:
        InvalidArgument: it is not valid.
        NotFound, AlreadyExists, FailedPrecondition: it is not admitted (admission.py).
        ResourceExhausted: it is larger than 4 MiB, or its outputs than `remoteData.maxSizeInBytes` (WFE-02, TEV-02).
        Internal: the configuration can't be read.
        Unavailable: the database or the object store does not answer; send it again.
    """
    execution = execution_key(validate(event))
    payload = event.SerializeToString(deterministic=True)
    if len(payload) > MAX_EVENT_BYTES:
        raise ResourceExhausted(f"message larger than max ({len(payload)} vs. {MAX_EVENT_BYTES})")
    validate_nesting(event)
    if event.HasField("output_data"):
        validate_output_size(event, configured().remote_data.max_size_in_bytes)
    found = stored_of(execution)
    clusters = _clusters(event, found, configured)
    if is_unnamed(event, found, clusters):
        unnamed()
    stored = check(event, execution, found, clusters)
    kind = kind_of(event)
    claim = store_claim(payload, execution, kind) if len(payload) > INLINE_EVENT_BYTES else ""
    return queue.Message(
        seal(kind, payload, claim=claim, execution=execution, launch_plan=stored.launch_plan),
        group=group_of(execution),
        deduplication=digest(payload).hex(),
    )


def needs_clusters(event: Event, stored: Stored | None) -> bool:
    """Return whether admission looks at the clusters of the configuration: not where the names are equal."""
    return stored is not None and event.producer_id != stored.cluster


def _clusters(event: Event, stored: Stored | None, configured: Callable[[], Configuration]) -> ClustersSection:
    """Return the clusters of the configuration; none where it can't be read and admission can do without."""
    if not needs_clusters(event, stored):
        return ClustersSection()
    try:
        return configured().clusters
    except FlyteAdminError:
        if event.producer_id in UNNAMED:
            return ClustersSection()
        raise  # an alias may stand there: the event is sent again, instead of failing the execution


def group_of(execution: str) -> str:
    """Return the message group of an execution: a digest, because group ids allow fewer characters than names."""
    return digest(execution.encode()).hex()
