"""The queue of an execution: the workflow's own tags first, then its domain's."""

import pytest
from flyteidl.core.literals_pb2 import KeyValuePair
from flyteidl.core.tasks_pb2 import Container

from flyteadmin.launching.queues import queue_for, set_queue
from flyteadmin.settings import Queues

CONFIGURED = Queues.model_validate(
    {
        "executionQueues": [
            {"dynamic": "fast", "attributes": ["critical", "gpu"]},
            {"dynamic": "slow", "attributes": ["default"]},
            {"dynamic": "also-slow", "attributes": ["default"]},
        ],
        "workflowConfigs": [
            {"domain": "production", "tags": ["critical"]},
            {"domain": "staging", "tags": []},
            {"tags": ["default"]},
        ],
    }
)


@pytest.mark.conformance("QUE-01", "QUE-02")
@pytest.mark.parametrize(
    ("tags", "domain", "queues"),
    [
        (["gpu"], "development", {"fast"}),
        (["nobody's", "critical", "default"], "development", {"fast"}),
        (["default"], "production", {"slow", "also-slow"}),
        (["nobody's"], "production", {"fast"}),
        ([], "production", {"fast"}),
        ([], "staging", {"slow", "also-slow"}),
        ([], "development", {"slow", "also-slow"}),
    ],
)
def test_the_first_tag_that_a_queue_has_decides(tags: list[str], domain: str, queues: set[str]) -> None:
    assert {queue_for(f"run-{n}", domain, tags, CONFIGURED) for n in range(50)} == queues


def test_an_execution_keeps_its_queue_however_often_it_is_asked_for() -> None:
    assert len({queue_for("run", "development", [], CONFIGURED) for _ in range(5)}) == 1


@pytest.mark.conformance("QUE-02")
def test_without_queues_there_is_none() -> None:
    assert queue_for("run", "development", ["critical"], Queues()) == ""


@pytest.mark.conformance("QUE-03", "QUE-04")
@pytest.mark.parametrize(("queue", "added"), [("fast", [KeyValuePair(key="child_queue", value="fast")]), ("", [])])
def test_a_queue_is_added_to_what_a_container_is_told(queue: str, added: list[KeyValuePair]) -> None:
    container = Container(config=[KeyValuePair(key="a", value="b")])

    set_queue(container, queue)

    assert list(container.config) == [KeyValuePair(key="a", value="b"), *added]
