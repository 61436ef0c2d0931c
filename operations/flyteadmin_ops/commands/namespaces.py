"""Show the namespaces whose templates could not be applied, and what has no template any more."""

from collections.abc import Iterator

import click
from pydantic import BaseModel

from flyteadmin.clients import configuration
from flyteadmin.cluster_resources import repository
from flyteadmin.cluster_resources.models import NamespaceRow
from flyteadmin.settings import deployed_clusters
from flyteadmin.timestamps import to_datetime
from flyteadmin_ops.session import Command, Session


class NamespaceReport(BaseModel):
    """A namespace in a cluster; `faults` without the values of variables, times in ISO 8601, "" for never."""

    cluster: str
    project: str
    domain: str
    namespace: str
    applied_at: str
    failed_at: str
    attempts: int
    faults: list[str]
    left: list[str]

    def __str__(self) -> str:
        """Write a line for the namespace, and one below it for each fault and for each object that was left."""
        state = (
            f"failed {self.attempts} times, last {self.failed_at}" if self.attempts else f"applied {self.applied_at}"
        )
        lines = [f"{self.cluster}  {self.project}-{self.domain}  {self.namespace}  {state}"]
        lines += [f"    {fault}" for fault in self.faults]
        lines += [f"    without a template: {each}" for each in self.left]
        return "\n".join(lines)


@click.command("namespaces", cls=Command)
@click.option("--cluster", default="", help="Of this cluster alone.")
@click.option("--project", default="", help="Of this project alone.")
@click.option("--all", "everything", is_flag=True, help="Also those that are applied and have nothing left behind.")
@click.pass_obj
def command(session: Session, *, cluster: str, project: str, everything: bool) -> None:
    """Show namespaces whose templates could not be applied, with the reasons, and what has no template any more."""
    output = session.output()
    session.deployment()
    shown = examined = 0
    with output.progress("namespaces read"):
        found = list(_rows(cluster, project))
    for row in found:
        examined += 1
        if everything or row.attempts or row.left:
            shown += 1
            output.record(_report(row))
    output.note(f"{shown} of {examined} namespaces")


def _rows(cluster: str, project: str) -> Iterator[NamespaceRow]:
    names = [each.name for each in deployed_clusters(configuration.current()).configured if each.name]
    for name in [cluster] if cluster else names:
        for row in repository.of_cluster(name):
            if not project or row.place.startswith(f"{project}:"):
                yield row


def _report(row: NamespaceRow) -> NamespaceReport:
    project, _, domain = row.place.partition(":")
    return NamespaceReport(
        cluster=row.cluster,
        project=project,
        domain=domain,
        namespace=row.namespace,
        applied_at=_time(row.applied_at),
        failed_at=_time(row.failed_at),
        attempts=int(row.attempts),
        faults=list(row.faults),
        left=list(row.left),
    )


def _time(nanoseconds: float | None) -> str:
    return to_datetime(int(nanoseconds)).isoformat(timespec="seconds") if nanoseconds else ""
