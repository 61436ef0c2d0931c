"""Generates the details of task events: logs, reasons, custom info, metadata, external resources."""

from typing import Any

from flyteidl.core.catalog_pb2 import CACHE_DISABLED, CACHE_HIT, CACHE_MISS
from flyteidl.core.execution_pb2 import TaskExecution, TaskLog
from flyteidl.event.event_pb2 import EventReason, ExternalResourceInfo, ResourcePoolInfo, TaskExecutionMetadata
from google.protobuf.struct_pb2 import Struct
from hypothesis import strategies as st

from tests.builders import at


def struct(**values: Any) -> Struct:
    made = Struct()
    made.update(values)
    return made


_LOGS = [
    TaskLog(uri="s3://log/a", name="main"),
    TaskLog(uri="s3://log/b", name="main"),
    TaskLog(uri="s3://log/a", name="other"),
    TaskLog(uri="s3://log/c"),
    TaskLog(uri="s3://log/d", name="pending", ShowWhilePending=True),
    TaskLog(uri="s3://log/e", name="live", HideOnceFinished=True),
]
"""Some share a URI or a name, by which they merge."""
_CUSTOM = [
    struct(a=1, b="kept"),
    struct(a=2),
    struct(a=None),
    struct(a=None, deep={"x": 1}),
    struct(deep={"x": 1, "y": 2}),
    struct(deep={"x": None, "z": 3}),
    struct(deep="flat"),
    struct(large="x" * 34_000),  # with it, an attempt's closure does not fit into its row
]
logs = st.lists(st.sampled_from(_LOGS), max_size=3, unique_by=lambda log: (log.uri, log.name))
custom_info = st.sampled_from(_CUSTOM)
reasons = st.sampled_from(
    [
        {"reason": "submitted"},
        {"reason": "pulling"},
        {"reasons": [EventReason(reason="scheduled", occurred_at=at(1)), EventReason(reason="pulled")]},
        {"reasons": [EventReason(reason="submitted", occurred_at=at(2))], "reason": "submitted"},
    ]
)
_resources = st.builds(
    ExternalResourceInfo,
    external_id=st.sampled_from(["", "pod-a", "pod-b"]),
    index=st.integers(0, 2),
    retry_attempt=st.integers(0, 1),
    phase=st.sampled_from([TaskExecution.QUEUED, TaskExecution.RUNNING, TaskExecution.SUCCEEDED]),
    cache_status=st.sampled_from([CACHE_DISABLED, CACHE_MISS, CACHE_HIT]),
    logs=logs,
    custom_info=st.one_of(st.none(), custom_info),
)
_resource_lists = st.lists(
    _resources, min_size=1, max_size=3, unique_by=lambda resource: (resource.index, resource.retry_attempt)
)


@st.composite
def _metadata(draw: Any, is_map: bool) -> TaskExecutionMetadata:
    return TaskExecutionMetadata(
        generated_name=draw(st.sampled_from(["", "run-n0-0"])),
        plugin_identifier=draw(st.sampled_from(["", "container", "k8s-array"])),
        instance_class=draw(st.sampled_from([TaskExecutionMetadata.DEFAULT, TaskExecutionMetadata.INTERRUPTIBLE])),
        resource_pool_info=draw(st.sampled_from([[], [ResourcePoolInfo(namespace="gpu")]])),
        external_resources=draw(_resource_lists) if is_map else [],
    )


@st.composite
def attempt_details(draw: Any, is_map: bool) -> dict[str, Any]:
    """Fields of a task event; one kind or two at a time, as an event mostly carries."""
    fields: dict[str, Any] = {}
    kinds = draw(st.sampled_from(["", "l", "r", "c", "c", "c", "m", "lr", "mc", "lm", "rv"])) + ("m" if is_map else "")
    if "l" in kinds:
        fields["logs"] = draw(logs)
    if "c" in kinds:
        fields["custom_info"] = draw(custom_info)
    if "r" in kinds:
        fields |= draw(reasons)
    if "v" in kinds:
        fields["event_version"] = 2
    if "m" in kinds:
        fields["metadata"] = draw(_metadata(is_map))
    return fields
