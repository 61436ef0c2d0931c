"""A deployment that makes namespaces in two clusters; when it sweeps and works is a test's to say."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest
from flyteidl.admin.matchable_resource_pb2 import ClusterResourceAttributes, MatchingAttributes

from flyteadmin import settings
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients import cluster_objects
from flyteadmin.clients import configuration as configuration_client
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.cluster_resources import repository, templates
from flyteadmin.cluster_resources.models import NamespaceRow
from flyteadmin.cluster_resources.sweeping import sweep
from functions.apply_namespaces.handler import lambda_handler as apply_namespaces
from local.aws.data import DataAccount
from local.cluster.faults import Fault
from local.cluster.objects import Object
from local.cluster.process import serve
from local.cluster.store import Store
from tests.aws_events import Context, batch
from tests.several_clusters import SeveralClusters

PREFIX = "config/templates/"
DEVELOPMENT, PRODUCTION = "flytesnacks-development", "flytesnacks-production"
SECRET = "s3cr3t-value"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: '{{ namespace }}', labels: {project: '{{ project }}'}}\n"
QUOTA = (
    "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: project-quota, namespace: '{{ namespace }}'}\n"
    "spec:\n  hard:\n    limits.cpu: {{ projectQuotaCpu }}\n"
)
SECTION = {"customData": {domain: {"projectQuotaCpu": {"value": "5"}} for domain in ("development", "production")}}
DOMAINS = [{"id": name, "name": name.title()} for name in ("development", "production")]


class Namespaces:
    """Clusters `east` and `west`, and a deployment whose templates, data and messages a test decides."""

    def __init__(self, aws: DataAccount, clusters: SeveralClusters) -> None:
        self.aws, self.clusters = aws, clusters
        self.bucket = aws.resources["Bucket"]
        self.queue = aws.resources["NamespacesQueue"]

    def configure(self, section: Mapping[str, object] = SECTION, **more: object) -> None:
        """Write the file; its domains' names differ from their ids."""
        self.clusters.configure(more={"domains": DOMAINS, "cluster_resources": section, **more})

    def template(self, name: str, text: str) -> None:
        """Write a template, or remove it where the text is empty."""
        s3, key = self.aws.client("s3"), f"{PREFIX}{name}"
        if text:
            s3.put_object(Bucket=self.bucket, Key=key, Body=text)
        else:
            s3.delete_object(Bucket=self.bucket, Key=key)
        templates.forget()

    def sweep(self, now: float | None = None) -> int:
        """Run the sweep as of a time, with nothing remembered, as a new instance does."""
        configuration_client.forget()
        templates.forget()
        return sweep(now)

    def work(self) -> int:
        """Let the worker apply all that is in the queue, and return how many messages there were."""
        sqs, count = self.aws.client("sqs"), 0
        while messages := sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages"):
            answer = apply_namespaces(batch([_record(each) for each in messages]), Context(120))
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            assert not failed, failed
            for each in messages:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
            count += len(messages)
        return count

    def settle(self, now: float | None = None) -> int:
        """Sweep and work."""
        self.sweep(now)
        return self.work()

    def objects(self, cluster: str, plural: str, namespace: str | None = None) -> dict[str, Object]:
        """Return the objects of a kind in a cluster, by their names."""
        store = self.clusters.servers[cluster].store
        kind = next(each for each in store.kinds() if each.plural == plural)
        return {each.metadata.name: each for each in store.listing(kind, namespace).items}

    def namespaces(self, cluster: str) -> set[str]:
        """Return the namespaces that were made in a cluster."""
        return set(self.objects(cluster, "namespaces")) - {"default"}

    def fault(self, cluster: str, fault: Fault) -> None:
        """Let the next calls of a cluster fail."""
        self.clusters.servers[cluster].faults.add(fault)

    def heal(self) -> None:
        """Let the worker call again each cluster that gave no answer."""
        cluster_client._left_alone_until.clear()


def set_attributes(project: str, domain: str = "", /, **values: str) -> None:
    """Set the CLUSTER_RESOURCE attributes of a scope."""
    value = MatchingAttributes(cluster_resource_attributes=ClusterResourceAttributes(attributes=values))
    scope = scope_key(project, domain, "", "")
    write(Put(AttributesRow(scope=scope, updated_at=0, cluster_resource=value.SerializeToString())))


@contextmanager
def making_namespaces(aws: DataAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespaces]:
    """Make namespaces in two empty clusters, from the two templates of upstream's chart."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serve(Store(), token=name)) for name in ("east", "west")}
        monkeypatch.setenv("NAMESPACES_QUEUE_URL", aws.resources["NamespacesQueue"])
        monkeypatch.setenv("TEMPLATES_PREFIX", PREFIX)
        settings.environment.cache_clear()
        _forget()
        made = Namespaces(aws, SeveralClusters(aws, monkeypatch, servers))
        made.configure()
        made.template("aa_namespace.yaml", NAMESPACE)
        made.template("ab_quota.yaml", QUOTA)
        yield made
        _forget()


def _forget() -> None:
    cluster_objects.forget()
    cluster_client._left_alone_until.clear()
    templates.forget()


def _record(message: Mapping[str, object]) -> dict[str, object]:
    body = message["Body"]
    json.loads(str(body))
    return {"messageId": message["MessageId"], "body": body, "attributes": message["Attributes"]}


def row(cluster: str = "east", place: str = "flytesnacks:development") -> NamespaceRow:
    found = repository.read(cluster, place)
    assert found is not None
    return found


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all that was logged, with every field of every line."""
    return str([vars(record) for record in caplog.records])
