"""Records of what configuration decided for an execution: a field, its value, and the level it came from; pure."""

import json
from collections.abc import Iterable, Iterator, Mapping

from flyteidl.admin.matchable_resource_pb2 import PluginOverrides
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.execution_pb2 import QualityOfService
from flyteidl.core.tasks_pb2 import Resources
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import BaseModel, JsonValue

from flyteadmin.launching.config import FIELDS, Level
from flyteadmin.launching.decisions import Decisions
from flyteadmin.launching.planning import edited

NO_QUALITY_OF_SERVICE = "nothing acts on it: propeller reads no queueing budget"


class Value(BaseModel):
    """A decided value: `level` is where it comes from, "" for a field that no level sets."""

    field: str
    value: JsonValue = None
    level: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Write one line."""
        shown = self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)
        if not self.level and not self.value:
            shown = "not set"
        note = f"  ({self.note})" if self.note else ""
        return f"{self.field:<28}  {self.level or '-':<25}  {shown}{note}"


def values(
    decisions: Decisions,
    closure: CompiledWorkflowClosure | None,
    project_labels: Mapping[str, str],
    quality_of_service: tuple[QualityOfService, Level | None],
) -> Iterator[Value]:
    """Yield every decided value; `closure` has the tasks as registered, None where it is not there any more."""
    levels = decisions.levels
    for field in FIELDS:
        yield Value(field=field, value=_plain(decisions.config, field), level=levels.get(field, ""))
    added = {key: value for key, value in project_labels.items() if key not in decisions.config.labels.values}
    if added:
        yield Value(field="labels, added", value=dict(added), level="project")
    notifications = [_json(each) for each in decisions.notifications.notifications]
    yield Value(field="notifications", value=notifications, level=levels.get("notifications", ""))
    yield Value(field="execution_cluster_label", value=decisions.cluster_label, level=levels.get("cluster_label", ""))
    yield Value(field="cluster_pool", value=decisions.cluster_pool, level=levels.get("cluster_pool", ""))
    yield Value(field="queue", value=decisions.queue, level=levels.get("queue", ""))
    overrides = _json(PluginOverrides(overrides=decisions.plugin_overrides)).get("overrides", [])
    yield Value(field="plugin_overrides", value=overrides, level=levels.get("plugin_overrides", ""))
    budget, level = quality_of_service
    yield Value(field="quality_of_service", value=_json(budget), level=level or "", note=NO_QUALITY_OF_SERVICE)
    yield from _resources(decisions, closure)


def _plain(config: Message, field: str) -> JsonValue:
    value = getattr(config, field)
    if field == "interruptible":
        return value.value if config.HasField(field) else None
    if field == "envs":
        return {pair.key: pair.value for pair in value.values}
    if field in {"labels", "annotations"}:
        return dict(value.values)
    return _json(value) if isinstance(value, Message) else value


def _json(message: Message) -> dict[str, JsonValue]:
    return MessageToDict(message, preserving_proto_field_name=True)


def _resources(decisions: Decisions, closure: CompiledWorkflowClosure | None) -> Iterator[Value]:
    level = decisions.levels.get("platform", "")
    for part, quantities in (("defaults", decisions.platform.defaults), ("limits", decisions.platform.limits)):
        shown: JsonValue = {name: str(quantity) for name, quantity in quantities.items() if quantity}
        yield Value(field=f"task_resources.{part}", value=shown, level=level)
    if closure is None:
        return
    adjusted = edited(closure, decisions.platform, decisions.queue)
    for registered, task in zip(closure.tasks, adjusted.tasks, strict=True):
        if task.template.WhichOneof("target") == "container":
            own, got = registered.template.container.resources, task.template.container.resources
            changed = (_entries(own.requests), _entries(own.limits)) != (_entries(got.requests), _entries(got.limits))
            yield Value(
                field=f"resources of {task.template.id.name}",
                value={"requests": _entries(got.requests), "limits": _entries(got.limits)},
                level="task",
                note=f"adjusted by task_resources of the level {level}" if changed else "",
            )


def _entries(entries: Iterable[Resources.ResourceEntry]) -> dict[str, JsonValue]:
    return {Resources.ResourceName.Name(entry.name).lower(): entry.value for entry in entries}
