"""Chooses the queue of an execution's tasks, by the tags of its workflow or its domain; pure.

Source: flyteadmin executions/queues.go, execution_manager.go populateExecutionQueue.
"""

from collections.abc import Sequence
from zlib import crc32

from flyteidl.core.literals_pb2 import KeyValuePair
from flyteidl.core.tasks_pb2 import Container

from flyteadmin.settings import ExecutionQueue, Queues

_CHILD_QUEUE = "child_queue"


def queue_for(execution: str, domain: str, tags: Sequence[str], configured: Queues) -> str:
    """Return the queue's name by the workflow's own tags, else by its domain's; "" without one (QUE-01, QUE-02).

    Where several queues have the first tag that any queue has, the execution's name draws one of them.
    """
    for tag in (*tags, *_tags_of(domain, configured)):
        sharing = [queue for queue in configured.execution_queues if tag in queue.attributes]
        if sharing:
            return _drawn(execution, sharing).dynamic
    return ""


def is_tagged(tags: Sequence[str], configured: Queues) -> bool:
    """Tell whether some queue has one of these tags."""
    return any(tag in queue.attributes for queue in configured.execution_queues for tag in tags)


def set_queue(container: Container, queue: str) -> None:
    """Set, in place, the queue of a container task's children (QUE-03, QUE-04)."""
    if queue:
        container.config.append(KeyValuePair(key=_CHILD_QUEUE, value=queue))


def _tags_of(domain: str, configured: Queues) -> Sequence[str]:
    """Return the tags of a domain, else of the entry that names none; of several entries the last counts."""
    tags = {entry.domain: entry.tags for entry in configured.workflow_configs}
    return tags.get(domain) or tags.get("", ())


def _drawn(execution: str, queues: Sequence[ExecutionQueue]) -> ExecutionQueue:
    return queues[crc32(execution.encode()) % len(queues)]
