"""Compares what was applied with what should be, and asks for what is due: every five minutes."""

import time
from collections.abc import Iterator
from uuid import uuid4

from flyteadmin.attributes import repository as attributes_repository
from flyteadmin.cluster_resources import asking, repository, templates, wanted
from flyteadmin.cluster_resources.asking import Request, ask
from flyteadmin.cluster_resources.repository import place_key
from flyteadmin.cluster_resources.rules import is_due
from flyteadmin.cluster_resources.wanted import Plan, Wanted
from flyteadmin.observability import logger, measure
from flyteadmin.projects import repository as projects_repository


def sweep(now: float | None = None) -> int:
    """Ask for each namespace that is due, and return how many that are; `now` is in seconds."""
    if not asking.is_enabled():
        return 0
    templates.forget()
    plan = wanted.plan()
    if not plan.templates:
        logger.warning("there are no templates, so namespaces are not made")
        return 0
    moment = time.time() if now is None else now
    asked = ask(_due(plan, moment), cause=uuid4().hex, urgent=False)
    measure(NamespacesDue=asked)
    return asked


def _due(plan: Plan, now: float) -> Iterator[Request]:
    places = {place_key(each.place.project, each.place.domain): each for each in _all_wanted(plan)}
    for cluster in plan.clusters:
        rows = {row.place: row for row in repository.of_cluster(cluster.name)}
        for place, each in places.items():
            if is_due(rows.get(place), each.digest, now):
                yield Request(
                    cluster=cluster.name, project=each.place.project, domain=each.place.domain, digest=each.digest
                )


def _all_wanted(plan: Plan) -> Iterator[Wanted]:
    found = repository.attributes_above_workflows()
    rows = projects_repository.read_behind("", ascending=True)
    for project in wanted.active_projects(plan.configuration, rows):
        for domain in plan.domains:
            scopes = attributes_repository.keys(project, domain)
            yield plan.wanted(project, domain, attributes_repository.rows_of(found, scopes))
