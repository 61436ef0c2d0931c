"""Applies templates to namespaces: what the queue asks for, and what is due by then.

Every object of a namespace is rendered before the first one is applied. While a cluster is left alone, because a call
of this process timed out, its messages go, and the next sweep asks again.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flyteadmin.clients import configuration, secrets
from flyteadmin.clients.cluster_answers import LeftAlone, Refused
from flyteadmin.clients.cluster_objects import apply as apply_object
from flyteadmin.clients.dynamodb.optimistic import attempts
from flyteadmin.cluster_resources import repository, templates, wanted
from flyteadmin.cluster_resources.asking import Request
from flyteadmin.cluster_resources.models import NamespaceRow
from flyteadmin.cluster_resources.rules import is_due
from flyteadmin.cluster_resources.wanted import Wanted
from flyteadmin.clusters.targets import Cluster
from flyteadmin.errors import FlyteAdminError
from flyteadmin.observability import logger, measure
from flyteadmin.templates.rendering import Rendered, RenderingRefused, render
from flyteadmin.templates.values import Source

_FAULTS_KEPT, _FAULT_CHARACTERS = 20, 300


@dataclass(frozen=True)
class _Outcome:
    """The objects that were applied, and why others were not: without values, since they may be secrets."""

    applied: Sequence[str]
    faults: Sequence[str]


def apply(request: Request) -> None:
    """Apply what a request asks for, unless it is there already, or must not be there.

    Raises:
        FlyteAdminError: what should be there can't be read, or the outcome can't be stored; deliver the request again.
    """
    plan = wanted.plan()
    cluster = next((each for each in plan.clusters if each.name == request.cluster), None)
    if cluster is None or request.domain not in plan.domains or not plan.templates:
        return
    if not wanted.is_active(plan.configuration, request.project):
        return
    found = _wanted(request)
    row = repository.read(cluster.name, request.place)
    if not request.again and not is_due(row, found.digest, time.time()):
        return
    try:
        outcome = _applied(cluster, found)
    except LeftAlone:
        if request.again:
            raise
        return
    _store(request, row, found, outcome)
    _tell(request, outcome)


def _wanted(request: Request) -> Wanted:
    """Return what should be there, read again where the sweep saw something newer."""
    attributes = wanted.attributes_of(request.project, request.domain)
    found = wanted.plan().wanted(request.project, request.domain, attributes)
    if request.digest in {"", found.digest}:
        return found
    configuration.forget()
    templates.forget()
    return wanted.plan().wanted(request.project, request.domain, attributes)


def _applied(cluster: Cluster, found: Wanted) -> _Outcome:
    try:
        objects = render(found.templates, _values(found.sources), found.place)
    except RenderingRefused as refused:
        return _Outcome((), refused.faults)
    except FlyteAdminError as error:
        return _Outcome((), [error.message])
    except Exception as error:  # noqa: BLE001  # a row with a pause, so that one namespace holds up no other
        logger.error("the templates can't be rendered", extra={"cause": type(error).__name__})
        return _Outcome((), [f"the templates can't be rendered: {type(error).__name__}"])
    applied: list[str] = []
    faults: list[str] = []
    for each in objects:
        try:
            apply_object(cluster, found.place.namespace, each.manifest)
        except Refused as refused:
            faults.append(_fault(each, refused))
        except LeftAlone:
            raise
        except FlyteAdminError as error:
            faults.append(f"{each.file}: {error.message}")
            break
        else:
            applied.append(each.identity)
    return _Outcome(applied, faults)


def _values(sources: Mapping[str, Source]) -> dict[str, str]:
    """Return the values of all variables.

    Raises:
        FlyteAdminError: a secret can't be read.
    """
    return {
        name: secrets.read(each.secret_arn, f"the secret of {name}") if each.secret_arn else each.value
        for name, each in sources.items()
    }


def _fault(rendered: Rendered, refused: Refused) -> str:
    """Say why an object was refused without Kubernetes' own message, which may repeat values."""
    fields = f" ({', '.join(refused.fields)})" if refused.fields else ""
    return f"{rendered.file}: {rendered.kind}: {refused.reason}{fields}"


def _store(request: Request, row: NamespaceRow | None, found: Wanted, outcome: _Outcome) -> None:
    for attempt in attempts(f"the row of namespace {found.place.namespace}"):
        before = repository.read(request.cluster, request.place) if attempt else row
        after = _row(request, before, found, outcome)
        if attempt:
            after.digest = None  # somebody else applied too, nobody knows which was last: the next sweep asks again
        if repository.replace(after, is_new=before is None):
            return


def _row(request: Request, before: NamespaceRow | None, found: Wanted, outcome: _Outcome) -> NamespaceRow:
    row = before or NamespaceRow(cluster=request.cluster, place=request.place, namespace=found.place.namespace)
    there, left = set(row.objects), set(row.left)
    if row.namespace != found.place.namespace:
        left |= {f"{row.namespace}: {each}" for each in there}
        there, row.namespace = set(), found.place.namespace
    now = time.time_ns()
    if outcome.faults:
        row.attempts = row.attempts + 1 if row.tried == found.digest else 1
        row.tried, row.failed_at = found.digest, now
        row.objects, row.left = sorted(there.union(outcome.applied)), sorted(left)
    else:
        row.digest, row.applied_at = found.digest, now
        row.tried, row.failed_at, row.attempts = None, None, 0
        row.objects, row.left = sorted(outcome.applied), sorted(left.union(there).difference(outcome.applied))
    row.faults = [fault[:_FAULT_CHARACTERS] for fault in outcome.faults[:_FAULTS_KEPT]]
    return row


def _tell(request: Request, outcome: _Outcome) -> None:
    about = {"cluster": request.cluster, "project": request.project, "domain": request.domain}
    if outcome.faults:
        measure(NamespaceFailures=1)
        logger.warning("the templates are not applied", extra={**about, "faults": list(outcome.faults)})
    else:
        measure(NamespacesApplied=1)
        logger.info("the templates are applied", extra={**about, "objects": len(outcome.applied)})
