"""Section "namespaces": a template changed for 15,000 namespaces, and a day on which nothing changes."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.account import data_account, forget
from bench.counting import Call, Recorder, read_units, tally, write_units
from bench.prices import MILLION, PRICES_OF, Usage, cost_per_million
from bench.report import Row, Section, progress
from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.cluster_resources import templates, wanted
from flyteadmin.cluster_resources.models import NamespaceRow
from flyteadmin.cluster_resources.repository import place_key
from flyteadmin.cluster_resources.sweeping import sweep
from flyteadmin.observability import logger
from flyteadmin.projects.repository import new_row
from functions.apply_namespaces.handler import lambda_handler as apply_namespaces
from local.aws.data import DataAccount
from local.cluster import process as cluster_process
from local.cluster.process import RunningCluster
from tests.aws_events import Context, batch

_PROJECTS, _DOMAINS, _CLUSTERS = 1_000, ("development", "staging", "production"), 5
_PAIRS = _PROJECTS * len(_DOMAINS) * _CLUSTERS
_APPLIED = 300
_PREFIX, _KEY = "config/templates/", "config/flyteadmin.yaml"
_NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: '{{ namespace }}'}\n"
_QUOTA = (
    "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: project-quota, namespace: '{{ namespace }}'}\n"
    "spec: {hard: {limits.cpu: {{ cpu }}}}\n"
)
_SWEEPS_A_DAY = 24 * 12


def report() -> Section:
    """Store all as applied; sweep idle; change a template and sweep; apply some of what that asked for."""
    logger.setLevel("WARNING")  # a line for each namespace is no figure
    with data_account() as account, _configured(account):
        recorder = Recorder()
        recorder.attach()
        progress(f"storing {_PAIRS:,} namespaces")
        _store()
        progress("namespaces: an idle sweep, and one after a change")
        idle, idle_seconds, due = _sweep(recorder)
        assert due == 0
        _template(account, "ab_quota.yaml", _QUOTA.replace("limits.cpu", "pods"))
        changed, changed_seconds, due = _sweep(recorder)
        assert due == _PAIRS
        progress(f"applying {_APPLIED} of them")
        applied, applied_seconds = _apply(recorder, account)
    rows = (
        *_of_a_change(changed, changed_seconds, applied, applied_seconds),
        *_of_an_idle_day(idle, idle_seconds, applied, applied_seconds),
    )
    notes = (
        f"{_PROJECTS:,} projects, {len(_DOMAINS)} domains, {_CLUSTERS} clusters; 2 templates as in the chart.",
        f"Applying is measured on {_APPLIED} and multiplied; the clusters' messages are applied side by side.",
        f"Prices: {PRICES_OF}; Lambda's time is this machine's.",
    )
    return Section("Namespaces", rows, notes)


def _of_a_change(swept: Sequence[Call], sweep_seconds: float, applied: Sequence[Call], seconds: float) -> Iterator[Row]:
    each = seconds / _APPLIED
    yield Row("template changed: requests of the sweep", len(swept), 1_600, reason=tally(swept))
    yield Row("template changed: the sweep", sweep_seconds, 150, "s", "of 300 s that the function has")
    yield Row("template changed: requests to Kubernetes, each", _kubernetes(applied), 2.2, reason=tally(applied))
    yield Row("template changed: applied everywhere after", sweep_seconds + each * _PAIRS / _CLUSTERS, 900, "s")
    yield Row("template changed: price", _price(swept, sweep_seconds) + _applying(applied, each), 1, "US$")


def _of_an_idle_day(
    idle: Sequence[Call], idle_seconds: float, applied: Sequence[Call], seconds: float
) -> Iterator[Row]:
    each = seconds / _APPLIED
    sweeps = len(idle) * _SWEEPS_A_DAY
    yield Row("idle: requests of a sweep", len(idle), 20, reason=f"{tally(idle)} · {read_units(idle):g} read units")
    yield Row("idle: a sweep", idle_seconds, 30, "s")
    yield Row("idle: requests of a day's sweeps", sweeps, 6_000, reason=f"{_SWEEPS_A_DAY} sweeps")
    yield Row("idle: requests to Kubernetes a day", _kubernetes(applied) * _PAIRS, reason="against drift, spread")
    price = _price(idle, idle_seconds) * _SWEEPS_A_DAY + _applying(applied, each)
    yield Row("idle: price of a day", price, 1, "US$")


def _kubernetes(applied: Sequence[Call]) -> float:
    return sum(call.operation.startswith("Kubernetes") for call in applied) / _APPLIED


def _price(calls: Sequence[Call], seconds: float) -> float:
    """US$ of one invocation with 1 GB."""
    usage = Usage(
        write_units=write_units(calls),
        read_units=read_units(calls),
        fifo_requests=sum("Message" in call.operation for call in calls),
        s3_puts=sum(call.operation == "ListObjectsV2" for call in calls),
        s3_gets=sum(call.operation == "GetObject" for call in calls),
        lambda_requests=1,
        lambda_gigabyte_seconds=seconds,
    )
    return sum(cost_per_million(usage).values()) / MILLION


def _applying(applied: Sequence[Call], each: float) -> float:
    """US$ of applying all, ten in a batch, which Lambda receives and deletes with two requests."""
    of_ten = _price(applied, 0) * 10 / _APPLIED + _price((), each * 10) + 2 * 0.5 / MILLION
    return of_ten * _PAIRS / 10


def _sweep(recorder: Recorder) -> tuple[list[Call], float, int]:
    started = time.monotonic()
    with recorder.recording() as calls:
        due = sweep()
    return calls, time.monotonic() - started, due


def _apply(recorder: Recorder, account: DataAccount) -> tuple[list[Call], float]:
    """Apply some messages as the function gets them, and return its requests and its seconds."""
    sqs, queue = account.client("sqs"), account.resources["NamespacesQueue"]
    applied: list[Call] = []
    seconds = 0.0
    for _ in range(_APPLIED // 10):
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
        records = [
            {"messageId": each["MessageId"], "body": each["Body"], "attributes": each["Attributes"]}
            for each in found["Messages"]
        ]
        started = time.monotonic()
        with recorder.recording() as calls, recorder.counting_cluster():
            assert apply_namespaces(batch(records), Context(120)) == {"batchItemFailures": []}
        seconds += time.monotonic() - started
        applied += calls
        for each in found["Messages"]:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
    return applied, seconds


@contextmanager
def _configured(account: DataAccount) -> Iterator[None]:
    """Name five clusters, which are one here, and put templates and their values into the bucket."""
    with TemporaryDirectory() as folder, cluster_process.running() as cluster:
        token = Path(folder, "token")
        token.write_text(cluster.token)
        file = {
            "clusters": {"clusterConfigs": [_entry(cluster, token, f"c{number}") for number in range(_CLUSTERS)]},
            "cluster_resources": {"templateData": {"cpu": {"value": "5"}}},
        }
        bucket = account.resources["Bucket"]
        account.client("s3").put_object(Bucket=bucket, Key=_KEY, Body=json.dumps(file))
        os.environ |= {
            "CONFIGURATION_URI": f"s3://{bucket}/{_KEY}",
            "NAMESPACES_QUEUE_URL": account.resources["NamespacesQueue"],
            "TEMPLATES_PREFIX": _PREFIX,
        }
        forget()
        _template(account, "aa_namespace.yaml", _NAMESPACE)
        _template(account, "ab_quota.yaml", _QUOTA)
        yield


def _entry(cluster: RunningCluster, token: Path, name: str) -> dict[str, object]:
    auth = {"tokenPath": str(token), "certPath": str(cluster.authority)}
    return {"name": name, "endpoint": cluster.url, "enabled": True, "auth": auth}


def _template(account: DataAccount, name: str, text: str) -> None:
    account.client("s3").put_object(Bucket=account.resources["Bucket"], Key=f"{_PREFIX}{name}", Body=text)
    templates.forget()


def _store() -> None:
    """Store the projects, and each namespace as it is after it was applied."""
    now = time.time_ns()
    projects = ["flytesnacks", *(f"project-{number:03d}" for number in range(_PROJECTS - 1))]
    batch_put([new_row(project, now) for project in projects[1:]])
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(batch_put, batched(_rows(projects, now), 500)))


def _rows(projects: Sequence[str], now: int) -> Iterator[NamespaceRow]:
    plan = wanted.plan()
    for cluster in plan.clusters:
        for project in projects:
            for domain in _DOMAINS:
                found = plan.wanted(project, domain, MatchingAttributesRows())
                yield NamespaceRow(
                    cluster=cluster.name,
                    place=place_key(project, domain),
                    namespace=found.place.namespace,
                    digest=found.digest,
                    applied_at=now,
                    objects=[f"Namespace/{found.place.namespace}", "ResourceQuota/project-quota"],
                )
