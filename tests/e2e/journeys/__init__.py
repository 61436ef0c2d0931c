"""Journeys of users, propeller and operators through a deployed stack; each raises when a result is missing."""

import uuid
from collections.abc import Callable, Iterator

from tests.e2e.journeys import attributes, data, events, namespaces, registry, runs
from tests.e2e.journeys.traveller import Traveller


def all_journeys(traveller: Traveller) -> Iterator[Callable[[], None]]:
    """Every journey, to be taken in this order."""
    version = f"v{uuid.uuid4().hex[:10]}"
    yield lambda: registry.projects(traveller, f"p{uuid.uuid4().hex[:10]}")
    yield lambda: registry.entities(traveller, version)
    yield lambda: attributes.attributes(traveller, version)
    yield lambda: namespaces.namespaces(traveller, version)
    yield lambda: runs.a_run(traveller, version)
    yield lambda: runs.a_failing_run(traveller, version)
    yield lambda: runs.a_relaunch(traveller, version)
    yield lambda: runs.a_task_by_itself(traveller, version)
    yield lambda: runs.signals(traveller, version)
    yield lambda: runs.an_abort(traveller, version)
    yield lambda: runs.an_abort_of_what_never_ran(traveller, version)
    yield lambda: runs.a_refusal(traveller, version)
    yield lambda: events.events_of_all_sizes(traveller, version)
    yield lambda: data.data(traveller, version)
