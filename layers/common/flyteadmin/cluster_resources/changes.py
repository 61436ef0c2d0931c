"""Reads the streams of projects and of attributes: whose namespaces may have to change."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, Field

from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.streams import StreamImage
from flyteadmin.cluster_resources import asking
from flyteadmin.cluster_resources.asking import Request, ask
from flyteadmin.cluster_resources.wanted import Plan


class _Change(BaseModel):
    sequence_number: str = Field(alias="SequenceNumber")
    keys: StreamImage = Field({}, alias="Keys")


class StreamRecord(BaseModel):
    """A change of a project, or of the attributes of a scope, as the stream delivers it: its key."""

    dynamodb: _Change


def ask_for_changes(records: Iterable[StreamRecord]) -> None:
    """Ask for the namespaces of what has changed, in all clusters; the one who applies decides what is to be done.

    Raises:
        Unavailable: the queue does not answer; the batch is to be delivered again.
    """
    if not asking.is_enabled():
        return
    plan = Plan(configuration.current(), ())
    for record in records:
        ask(_requests(plan, record), cause=record.dynamodb.sequence_number, urgent=True)


def _requests(plan: Plan, record: StreamRecord) -> Iterator[Request]:
    keys = record.dynamodb.keys
    scope = str(keys.get("project", keys.get("scope", {})).get("S", ""))
    project, _, rest = scope.partition(":")
    domain, _, narrower = rest.partition(":")
    if not project or narrower.strip(":"):
        return  # attributes of a workflow or a launch plan have no namespace of their own
    for cluster in plan.clusters:
        for each in [domain] if domain else plan.domains:
            yield Request(cluster=cluster.name, project=project, domain=each)
