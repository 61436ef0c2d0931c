"""The queue that the tasks of one execution are given, by the tags of its workflow or its domain; pure.

Source: flyteadmin executions/queues.go, execution_manager.go populateExecutionQueue.
"""

from collections.abc import Sequence
from zlib import crc32

from flyteidl.core.literals_pb2 import KeyValuePair
from flyteidl.core.tasks_pb2 import Container

from flyteadmin.settings import ExecutionQueue, Queues

_CHILD_QUEUE = "child_queue"


def queue_for(execution: str, domain: str, tags: Sequence[str], configured: Queues) -> str:
    """Give the name of the queue, "" for none: of the workflow's own tags, else of its domain's (QUE-01, QUE-02).

    Where several queues have the first tag that any queue has, the execution's name draws one of them.
    """
    for tag in (*tags, *_tags_of(domain, configured)):
        sharing = [queue for queue in configured.execution_queues if tag in queue.attributes]
        if sharing:
            return _drawn(execution, sharing).dynamic
    return ""


def set_queue(container: Container, queue: str) -> None:
    """Tell a container task in place which queue its children go to (QUE-03, QUE-04)."""
    if queue:
        container.config.append(KeyValuePair(key=_CHILD_QUEUE, value=queue))


def _tags_of(domain: str, configured: Queues) -> Sequence[str]:
    """The tags of a domain, else of the entry without one; of several entries the last counts."""
    tags = {each.domain: each.tags for each in configured.workflow_configs}
    return tags.get(domain) or tags.get("", ())


def _drawn(execution: str, queues: Sequence[ExecutionQueue]) -> ExecutionQueue:
    return queues[crc32(execution.encode()) % len(queues)]
