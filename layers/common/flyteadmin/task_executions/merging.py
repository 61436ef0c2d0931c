"""Merges a task event's logs, custom info, metadata and external resources into a closure (TEV-14…19); pure."""

from collections.abc import Mapping

from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure
from flyteidl.core.catalog_pb2 import CACHE_DISABLED
from flyteidl.core.execution_pb2 import TaskLog
from flyteidl.event.event_pb2 import ExternalResourceInfo, TaskExecutionEvent, TaskExecutionMetadata
from google.protobuf.struct_pb2 import Struct, Value

_PART_BYTES = 100
"""The overhead of a part in memory; an empty one takes two bytes on the wire."""

_CUSTOM_INFO = 5
"""The extra bytes in memory for each byte of custom info, which may be a map of tiny entries."""


def parts_of(message: TaskExecutionEvent | TaskExecutionClosure) -> int:
    """Count logs, reasons and external resources, including the resources' own logs."""
    resources = message.metadata.external_resources
    return len(message.logs) + len(message.reasons) + len(resources) + sum(len(resource.logs) for resource in resources)


def memory_of(message: TaskExecutionEvent | TaskExecutionClosure) -> int:
    """Estimate the memory that a message needs: its bytes and the overhead of its parts."""
    return message.ByteSize() + _CUSTOM_INFO * message.custom_info.ByteSize() + _PART_BYTES * parts_of(message)


def merge_logs(existing: list[TaskLog], latest: list[TaskLog]) -> list[TaskLog]:
    """Return the latest logs, then those existing ones whose URI and name are not among them (TEV-14)."""
    if not latest:
        return existing
    uris = {log.uri for log in latest}
    names = {log.name for log in latest if log.name}
    return latest + [log for log in existing if log.uri not in uris and log.name not in names]


def merge_custom_info(closure: TaskExecutionClosure, event: TaskExecutionEvent) -> None:
    """Merge-patch the event's custom info into the closure's (TEV-17, RFC 7396: null removes a key)."""
    if not event.HasField("custom_info"):
        return
    if closure.HasField("custom_info"):
        _patch(closure.custom_info, event.custom_info)
    else:
        closure.custom_info.CopyFrom(event.custom_info)


def _patch(target: Struct, patch: Struct) -> None:
    fields: Mapping[str, Value] = patch.fields
    for name, value in fields.items():
        kind = value.WhichOneof("kind")
        if kind == "null_value":
            target.fields.pop(name, None)
        elif kind == "struct_value":
            if target.fields[name].WhichOneof("kind") != "struct_value":
                target.fields[name].struct_value.Clear()
                target.fields[name].struct_value.SetInParent()
            _patch(target.fields[name].struct_value, value.struct_value)
        else:
            target.fields[name].CopyFrom(value)


def merge_metadata(closure: TaskExecutionClosure, event: TaskExecutionEvent) -> None:
    """Merge the event's metadata into the closure's (TEV-18)."""
    if not event.HasField("metadata"):
        return
    latest = event.metadata
    if not closure.HasField("metadata"):
        closure.metadata.CopyFrom(latest)
        sorted_resources(closure.metadata)
        return
    existing = closure.metadata
    existing.generated_name = latest.generated_name or existing.generated_name
    existing.plugin_identifier = latest.plugin_identifier or existing.plugin_identifier
    existing.instance_class = latest.instance_class or existing.instance_class
    del existing.resource_pool_info[:]
    existing.resource_pool_info.extend(latest.resource_pool_info)
    _merge_resources(existing, latest)


def sorted_resources(metadata: TaskExecutionMetadata) -> None:
    """Sort external resources by index and attempt (TEV-10)."""
    metadata.external_resources.sort(key=_place)


def _merge_resources(existing: TaskExecutionMetadata, latest: TaskExecutionMetadata) -> None:
    known: dict[tuple[int, int], ExternalResourceInfo] = {}
    for resource in existing.external_resources:
        known.setdefault(_place(resource), resource)
    for resource in latest.external_resources:
        if _place(resource) in known:
            _merge_resource(known[_place(resource)], resource)
        else:
            known[_place(resource)] = existing.external_resources.add()
            known[_place(resource)].CopyFrom(resource)
    sorted_resources(existing)


def _merge_resource(existing: ExternalResourceInfo, latest: ExternalResourceInfo) -> None:
    existing.external_id = latest.external_id or existing.external_id
    existing.phase = latest.phase
    if latest.cache_status != CACHE_DISABLED:
        existing.cache_status = latest.cache_status
    logs = merge_logs(list(existing.logs), list(latest.logs))
    kept = [TaskLog.FromString(log.SerializeToString()) for log in logs]
    del existing.logs[:]
    existing.logs.extend(kept)
    if latest.HasField("custom_info"):
        existing.custom_info.CopyFrom(latest.custom_info)


def _place(resource: ExternalResourceInfo) -> tuple[int, int]:
    return resource.index, resource.retry_attempt
