"""Merging of logs, custom info, metadata and external resources of a task's events."""

import pytest
from flyteidl.core.catalog_pb2 import CACHE_DISABLED, CACHE_HIT, CACHE_POPULATED
from flyteidl.core.execution_pb2 import TaskExecution, TaskLog
from flyteidl.event.event_pb2 import (
    ExternalResourceInfo,
    ResourcePoolInfo,
    TaskExecutionEvent,
    TaskExecutionMetadata,
    WorkflowNodeMetadata,
)
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from flyteadmin.task_executions.merging import merge_logs
from tests.builders import execution_id, task_event
from tests.unit.task_executions.test_phases import closure

HIDDEN_AT_THE_END = TaskLog(uri="s3://hide", name="hide", HideOnceFinished=True)
SHOWN_WHILE_PENDING = TaskLog(uri="s3://pending", name="pending", ShowWhilePending=True)
PLAIN = TaskLog(uri="s3://plain", name="plain")


def log(name: str, uri: str) -> TaskLog:
    return TaskLog(name=name, uri=uri)


def resource(index: int, attempt: int = 0, **fields: object) -> ExternalResourceInfo:
    info = ExternalResourceInfo(index=index, retry_attempt=attempt)
    info.MergeFrom(ExternalResourceInfo(**fields))  # type: ignore[arg-type]  # whatever the test is about
    return info


def with_resources(phase: str, *resources: ExternalResourceInfo, version: int = 0) -> TaskExecutionEvent:
    return task_event(phase, phase_version=version, metadata=TaskExecutionMetadata(external_resources=resources))


def names(logs: list[TaskLog]) -> list[str]:
    return [each.name for each in logs]


@pytest.mark.conformance("TEV-14")
@pytest.mark.parametrize(
    ("existing", "latest", "merged"),
    [
        ([log("a", "1")], [], ["a 1"]),
        ([], [log("a", "1")], ["a 1"]),
        ([log("a", "1"), log("b", "2")], [log("c", "1")], ["c 1", "b 2"]),
        ([log("a", "1"), log("b", "2")], [log("b", "3")], ["b 3", "a 1"]),
        ([log("", "1")], [log("", "2")], [" 2", " 1"]),
    ],
)
def test_logs(existing: list[TaskLog], latest: list[TaskLog], merged: list[str]) -> None:
    assert [f"{each.name} {each.uri}" for each in merge_logs(existing, latest)] == merged


@pytest.mark.conformance("TEV-15")
@pytest.mark.parametrize("phase", sorted(TaskExecution.Phase.keys()))
def test_which_logs_show_in_a_phase(phase: str) -> None:
    logs = [HIDDEN_AT_THE_END, SHOWN_WHILE_PENDING, PLAIN]
    shown = {"hide", "pending", "plain"}
    if phase in {"SUCCEEDED", "FAILED", "ABORTED"}:
        shown -= {"hide"}
    if phase in {"QUEUED", "INITIALIZING"}:
        shown = {"pending"}
    first = closure(task_event(phase, logs=logs))
    assert set(names(list(first.logs))) == {"hide", "pending", "plain"}, "a first event's logs are not filtered"
    moved = closure(task_event("WAITING_FOR_RESOURCES", logs=logs), task_event(phase, phase_version=1))
    assert set(names(list(moved.logs))) == shown


@pytest.mark.conformance("TEV-15")
def test_what_was_hidden_stays_away() -> None:
    moved = closure(
        task_event("RUNNING", logs=[PLAIN, SHOWN_WHILE_PENDING]),
        task_event("QUEUED"),
        task_event("RUNNING"),
    )
    assert names(list(moved.logs)) == ["pending"]


@pytest.mark.conformance("TEV-16")
def test_logs_of_external_resources_are_filtered_when_the_phase_changes() -> None:
    logs = [HIDDEN_AT_THE_END, PLAIN]
    same = closure(with_resources("RUNNING", resource(0, logs=logs)), task_event("RUNNING", phase_version=1))
    assert len(same.metadata.external_resources[0].logs) == 2
    pending = closure(with_resources("QUEUED", resource(0, logs=logs)), task_event("QUEUED", phase_version=1))
    assert len(pending.metadata.external_resources[0].logs) == 2
    ended = closure(with_resources("RUNNING", resource(0, logs=logs)), task_event("SUCCEEDED"))
    assert names(list(ended.metadata.external_resources[0].logs)) == ["plain"]


def struct(content: dict[str, object]) -> Struct:
    return ParseDict(content, Struct())


@pytest.mark.conformance("TEV-17")
@pytest.mark.parametrize(
    ("existing", "latest", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"a": {"x": 1, "gone": None}}, {"a": {"x": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"b": {}}, {"a": 1, "b": {}}),
        ({"a": 1}, {"a": [None, {"x": None}]}, {"a": [None, {"x": None}]}),
    ],
)
def test_custom_info(existing: dict[str, object], latest: dict[str, object], merged: dict[str, object]) -> None:
    said = closure(
        task_event("QUEUED", custom_info=struct(existing)), task_event("RUNNING", custom_info=struct(latest))
    )
    assert MessageToDict(said.custom_info) == merged


@pytest.mark.conformance("TEV-17")
def test_custom_info_that_comes_first_with_an_update() -> None:
    said = closure(task_event("QUEUED"), task_event("RUNNING", custom_info=struct({"a": 1})), task_event("SUCCEEDED"))
    assert MessageToDict(said.custom_info) == {"a": 1}


@pytest.mark.conformance("TEV-18")
def test_metadata() -> None:
    first = TaskExecutionMetadata(
        generated_name="name",
        plugin_identifier="plugin",
        instance_class=TaskExecutionMetadata.INTERRUPTIBLE,
        resource_pool_info=[ResourcePoolInfo(namespace="a")],
    )
    second = TaskExecutionMetadata(plugin_identifier="newer", resource_pool_info=[ResourcePoolInfo(namespace="b")])
    said = closure(
        task_event("QUEUED", metadata=first), task_event("RUNNING", metadata=second), task_event("SUCCEEDED")
    ).metadata
    assert (said.generated_name, said.plugin_identifier) == ("name", "newer")
    assert said.instance_class == TaskExecutionMetadata.INTERRUPTIBLE
    assert [pool.namespace for pool in said.resource_pool_info] == ["b"]
    third = TaskExecutionMetadata(generated_name="newer", instance_class=TaskExecutionMetadata.INTERRUPTIBLE)
    said = closure(task_event("QUEUED", metadata=second), task_event("RUNNING", metadata=third)).metadata
    assert (said.generated_name, said.plugin_identifier) == ("newer", "newer")
    assert said.instance_class == TaskExecutionMetadata.INTERRUPTIBLE
    emptied = closure(task_event("QUEUED", metadata=first), task_event("RUNNING", metadata=TaskExecutionMetadata()))
    assert list(emptied.metadata.resource_pool_info) == []


@pytest.mark.conformance("TEV-10", "TEV-19")
def test_external_resources_are_sorted_and_found_again() -> None:
    said = closure(
        with_resources("QUEUED", resource(2), resource(0, 1), resource(0)),
        with_resources(
            "RUNNING", resource(1, phase=TaskExecution.RUNNING), resource(0, 1, phase=TaskExecution.SUCCEEDED)
        ),
    ).metadata.external_resources
    assert [(each.index, each.retry_attempt) for each in said] == [(0, 0), (0, 1), (1, 0), (2, 0)]
    assert [each.phase for each in said] == [0, TaskExecution.SUCCEEDED, TaskExecution.RUNNING, 0]


@pytest.mark.conformance("TEV-19")
def test_one_external_resource_is_updated() -> None:
    before = resource(
        0,
        external_id="id",
        phase=TaskExecution.RUNNING,
        cache_status=CACHE_HIT,
        logs=[log("a", "1"), log("b", "2")],
        custom_info=struct({"a": 1}),
    )
    update = resource(
        0,
        phase=TaskExecution.SUCCEEDED,
        cache_status=CACHE_DISABLED,
        logs=[log("a", "3")],
        workflow_node_metadata=WorkflowNodeMetadata(execution_id=execution_id("child")),
    )
    [said] = closure(with_resources("QUEUED", before), with_resources("RUNNING", update)).metadata.external_resources
    assert (said.external_id, said.phase, said.cache_status) == ("id", TaskExecution.SUCCEEDED, CACHE_HIT)
    assert [f"{each.name} {each.uri}" for each in said.logs] == ["a 3", "b 2"]
    assert MessageToDict(said.custom_info) == {"a": 1}
    assert not said.HasField("workflow_node_metadata"), "an existing entry's link is not updated"
    replaced = resource(0, external_id="newer", cache_status=CACHE_POPULATED, custom_info=struct({"b": 2}))
    [said] = closure(with_resources("QUEUED", before), with_resources("RUNNING", replaced)).metadata.external_resources
    assert (said.external_id, said.phase, said.cache_status) == ("newer", TaskExecution.UNDEFINED, CACHE_POPULATED)
    assert MessageToDict(said.custom_info) == {"b": 2}


@pytest.mark.conformance("TEV-19")
def test_external_resources_that_come_first_with_an_update_are_sorted_and_found_again() -> None:
    said = closure(
        task_event("QUEUED"),
        with_resources("RUNNING", resource(2), resource(0), resource(1)),
        with_resources("SUCCEEDED", *(resource(index, phase=TaskExecution.SUCCEEDED) for index in (0, 1, 2))),
    ).metadata.external_resources
    assert [(each.index, each.phase) for each in said] == [(index, TaskExecution.SUCCEEDED) for index in (0, 1, 2)]


@pytest.mark.conformance("TEV-19")
def test_an_update_that_names_one_external_resource_twice() -> None:
    said = closure(
        with_resources("QUEUED", resource(0)),
        with_resources("RUNNING", resource(1, external_id="a"), resource(1, phase=TaskExecution.FAILED)),
    ).metadata.external_resources
    assert [(each.index, each.external_id, each.phase) for each in said] == [(0, "", 0), (1, "a", TaskExecution.FAILED)]
