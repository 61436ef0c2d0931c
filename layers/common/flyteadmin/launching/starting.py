"""Creates the resource of an execution whose row is written, stages 5 and 6 (docs/architecture.md#create)."""

import time

from flyteidl.core.execution_pb2 import ExecutionError

from flyteadmin.clients import cluster, clusters
from flyteadmin.clients.cluster import Manifest
from flyteadmin.clients.cluster_answers import FORBIDDEN, Refused
from flyteadmin.cluster_resources import asking
from flyteadmin.cluster_resources.asking import Request
from flyteadmin.errors import Code, FlyteAdminError, Unavailable
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import TERMINAL, ControlPlanePhase, LaunchState, error_facts, facts_of_control_plane
from flyteadmin.facts import Facts
from flyteadmin.identifiers import key_parts
from flyteadmin.observability import logger, measure


def start(state: ExecutionState, body: Manifest) -> None:
    """Create the resource of a row that is written.

    Refused for good is FAILED on the row. Anything else that goes wrong leaves the row `launching`: it may have been
    carried out, and the execution exists. So does a namespace that is still missing, where this deployment makes
    namespaces. Such launches are counted, as are those that the cluster forbids: an alarm rings for each kind.
    """
    try:
        _create(state, body)
    except FlyteAdminError as error:
        measure(UnclearLaunches=1)
        logger.warning(
            "the launch did not end clearly; the row stays launching",
            extra={"execution": state.execution, "cause": error.message},
        )


def _create(state: ExecutionState, body: Manifest) -> None:
    target = clusters.of_row(state.cluster)
    try:
        cluster.create(target, state.namespace, body)
    except Refused as refusal:
        if not (refusal.is_missing_namespace and asking.is_enabled()):
            _refused(state, refusal)
            return
        project, domain, _ = key_parts(state.execution)
        request = Request(cluster=target.name, project=project, domain=domain, again=True)
        asking.ask([request], cause=f"missing/{time.time() // 60:.0f}", urgent=True)
        raise Unavailable(f"{refusal.message}; it was asked for") from refusal


def _refused(state: ExecutionState, refusal: Refused) -> None:
    """Set FAILED, with the cluster's own words (CRE-29, stage 6); an end that was written meanwhile stays."""
    if refusal.reason == FORBIDDEN:
        measure(ForbiddenLaunches=1)
    logger.warning("the cluster refused", extra={"execution": state.execution, "cause": refusal.reason})
    error = ExecutionError(
        code=Code.INTERNAL.name.title(),
        message=f"failed to create workflow in propeller: {refusal.reason}: {refusal.message[:2000]}",
        kind=ExecutionError.SYSTEM,
    )
    outcome = Facts(latest={**error_facts(error, error.SerializeToString(), ""), "launch": LaunchState.REFUSED.value})
    facts = facts_of_control_plane(ControlPlanePhase("FAILED", time.time_ns())).then(outcome)
    repository.update_optimistically(state, lambda row: None if row.phase in TERMINAL else facts)
