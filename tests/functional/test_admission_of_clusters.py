"""The cluster that an event may come from, on both ways in: names, names that a cluster had before, and none."""

from collections.abc import Callable
from unittest.mock import patch

import pytest
from prometheus_client import REGISTRY

from bridge.settings import Settings
from flyteadmin import settings
from flyteadmin.clients import configuration, storage
from flyteadmin.errors import Code
from flyteadmin.executions.phases import Phase
from local.aws.data import DataAccount as Aws
from tests.builders import node_event, stored_execution, task_event, workflow_event
from tests.configuration import configure
from tests.grpc_stack import client
from tests.metrics import measured
from tests.sent_events import Send, over_grpc, over_https

RENAMED = "clusters: {clusterConfigs: [{name: orient, aliases: [east]}, {name: west}]}"
STRICT = RENAMED[:-1] + ", refuseUnnamedProducers: true}"
KINDS = pytest.mark.parametrize("kind", [workflow_event, node_event, task_event])


@pytest.mark.conformance("WFE-06", "NEV-03", "TEV-03", "CLU-14")
@KINDS
def test_a_renamed_cluster_s_events_are_admitted_under_either_name(
    send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch, kind: Callable[..., object]
) -> None:
    """Rows from before have the old name, those from after the new one; an old propeller goes on as well."""
    configure(aws, monkeypatch, RENAMED)
    for number, (stored, producer) in enumerate([("east", "orient"), ("orient", "east"), ("west", "west")]):
        stored_execution(f"run{number}", cluster=stored)
        event = kind("RUNNING", execution=f"run{number}", producer_id=producer)
        assert send(event).code is Code.OK  # type: ignore[arg-type]
    answer = send(kind("FAILED", execution="run0", producer_id="west"))  # type: ignore[arg-type]
    assert (answer.code, answer.reason is not None) == (Code.FAILED_PRECONDITION, True)
    assert answer.reason is not None
    assert answer.reason.incompatible_cluster.cluster == "east"


@KINDS
@pytest.mark.parametrize("producer", ["", "propeller"])
def test_an_event_that_names_no_cluster_is_refused_once_that_is_wanted(
    send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch, kind: Callable[..., object], producer: str
) -> None:
    """Without a detail: propeller tries again, and fails nothing at once."""
    stored_execution()
    event = kind("RUNNING", producer_id=producer)
    configure(aws, monkeypatch, STRICT)
    answer = send(event)  # type: ignore[arg-type]
    assert (answer.code, answer.reason) == (Code.FAILED_PRECONDITION, None)
    assert answer.message == ("the event names no cluster, and there are several; set propeller's cluster-id to 'east'")
    configure(aws, monkeypatch, RENAMED)
    assert send(event).code is Code.OK  # type: ignore[arg-type]


def test_one_cluster_needs_no_names(send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    configure(aws, monkeypatch, "clusters: {refuseUnnamedProducers: true, clusterConfigs: [{name: east}]}")
    assert send(workflow_event("RUNNING", producer_id="")).code is Code.OK


def test_a_cluster_may_be_called_propeller(send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution(cluster="propeller")
    configure(aws, monkeypatch, STRICT.replace("orient", "propeller"))
    assert send(workflow_event("RUNNING", producer_id="propeller")).code is Code.OK


def test_events_that_name_no_cluster_are_counted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored_execution()
    configure(aws, monkeypatch, RENAMED)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    settings.environment.cache_clear()
    assert over_https(node_event("RUNNING", producer_id="propeller")).code is Code.OK
    assert over_https(node_event("RUNNING", 1, producer_id="east")).code is Code.OK
    assert measured(capsys.readouterr().out) == [("stack", {"UnnamedProducers": 1})]
    with client(Settings(api_url="http://127.0.0.1:9", listen="127.0.0.1:0", drain_seconds=1)) as flyte:
        before = counted()
        assert over_grpc(flyte, node_event("RUNNING", 2, producer_id="propeller")).code is Code.OK
        assert over_grpc(flyte, node_event("RUNNING", 3, producer_id="east")).code is Code.OK
        assert counted() - before == 1


def counted() -> float:
    return REGISTRY.get_sample_value("flyteadmin_bridge_unnamed_producers_total") or 0


def test_the_file_is_read_once_for_many_events_and_not_at_all_for_equal_names(
    send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()
    configure(aws, monkeypatch, RENAMED)
    with patch.object(storage, "read", wraps=storage.read) as reads:
        for second in range(5):
            assert send(node_event("RUNNING", second, producer_id="east")).code is Code.OK
        assert reads.call_count == 0
        for second in range(5, 10):
            assert send(node_event("RUNNING", second, producer_id="orient")).code is Code.OK
        assert reads.call_count == 1


@pytest.mark.parametrize(("producer", "code"), [("propeller", Code.OK), ("east", Code.OK), ("orient", Code.INTERNAL)])
def test_a_file_that_is_wrong_fails_no_execution(
    send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch, producer: str, code: Code
) -> None:
    """A name that may be an alias is asked again for, instead of refused for good."""
    stored_execution()
    configure(aws, monkeypatch, "clusters: 3")
    answer = send(workflow_event(Phase.Name(Phase.RUNNING), producer_id=producer))
    assert (answer.code, answer.reason) == (code, None)
    configuration.forget()
