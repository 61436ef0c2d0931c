"""Keys of rows and paths of blobs, made of Flyte's identifiers; one function per kind of entity.

Project and domain never contain a colon (projects are DNS labels, domains come from the configuration), so
"project:domain:name" is unambiguous whatever the name holds. In sort keys "#" separates and is escaped inside the
parts; ":" is escaped in the parts of a task's id, because its name and its version may both hold one.
"""

from flyteidl.core.identifier_pb2 import (
    Identifier,
    NodeExecutionIdentifier,
    ResourceType,
    SignalIdentifier,
    TaskExecutionIdentifier,
    WorkflowExecutionIdentifier,
)

from flyteadmin.errors import InvalidArgument, invalid

SEQUENCE_DIGITS = 39
REGISTRY = ("metadata", "admin")
"""The prefix of what is registered; functions that register and launch may read and write there alone."""

_MAX_PARTITION_KEY_BYTES = 2048
_MAX_SORT_KEY_BYTES = 1024
MAX_NODE_ID_BYTES = 512


def execution_key(identifier: WorkflowExecutionIdentifier) -> str:
    """Return "project:domain:name".

    Raises:
        InvalidArgument: project or domain holds a colon, or the whole is too long for a key.
    """
    return name_key(identifier.project, identifier.domain, identifier.name)


def execution_identifier(key: str) -> WorkflowExecutionIdentifier:
    """Return the identifier that `execution_key` was made from."""
    project, domain, name = key_parts(key)
    return WorkflowExecutionIdentifier(project=project, domain=domain, name=name)


def name_key(project: str, domain: str, name: str) -> str:
    """Return "project:domain:name" of any entity; errors as `execution_key`."""
    for field, value in (("project", project), ("domain", domain)):
        if ":" in value:
            raise invalid(field, "a colon is not allowed")
    return _fits(f"{project}:{domain}:{name}", _MAX_PARTITION_KEY_BYTES, "name")


def key_parts(key: str) -> tuple[str, str, str]:
    """Return project, domain and name of a "project:domain:name"; only the name may hold a colon."""
    project, domain, name = key.split(":", 2)
    return project, domain, name


def entity_key(identifier: Identifier) -> tuple[str, str]:
    """Return ("project:domain:name", version) of a task, workflow or launch plan; errors as `execution_key`."""
    key = name_key(identifier.project, identifier.domain, identifier.name)
    return key, _fits(identifier.version, _MAX_SORT_KEY_BYTES, "version")


def entity_identifier(kind: ResourceType, key: str, version: str) -> Identifier:
    """Return the identifier of a task, workflow or launch plan that `entity_key` was made from."""
    project, domain, name = key_parts(key)
    return Identifier(resource_type=kind, project=project, domain=domain, name=name, version=version)


def scope_key(key: str) -> str:
    """Return "project:domain" of a "project:domain:name": the key of lists over all names."""
    project, domain, _ = key_parts(key)
    return f"{project}:{domain}"


def version_key(scope: str, version: str) -> str:
    """Return "project:domain#version": the key of lists over all names under one version."""
    return f"{scope}#{escape(version)}"


def node_execution_key(identifier: NodeExecutionIdentifier) -> tuple[str, str]:
    """Return (execution, node id); errors as `execution_key`.

    The node id is also part of a sort key in the event log, so it must fit there in its escaped form, beside a
    sequence.
    """
    execution, node_id = execution_key(identifier.execution_id), identifier.node_id
    _fits(escape(node_id), _MAX_SORT_KEY_BYTES - SEQUENCE_DIGITS - 8, "node_id")
    return execution, _fits(node_id, MAX_NODE_ID_BYTES, "node_id")


def signal_key(identifier: SignalIdentifier) -> tuple[str, str]:
    """Return (execution, signal id); errors as `execution_key`."""
    return execution_key(identifier.execution_id), _fits(identifier.signal_id, _MAX_SORT_KEY_BYTES, "signal_id")


def task_execution_key(identifier: TaskExecutionIdentifier) -> tuple[str, str]:
    """Return (execution, "node#project:domain:name:version#attempt"); errors as `execution_key`."""
    execution, node_id = node_execution_key(identifier.node_execution_id)
    task = identifier.task_id
    name = ":".join(escape(part).replace(":", "%3A") for part in (task.project, task.domain, task.name, task.version))
    sort_key = f"{escape(node_id)}#{name}#{identifier.retry_attempt:06d}"
    return execution, _fits(sort_key, _MAX_SORT_KEY_BYTES - SEQUENCE_DIGITS - 8, "task_id")


def children_key(execution: str, *, node: str = "", task: str = "") -> str:
    """Return the key of the `children` index for the nodes below a parent, or at the top of an execution.

    The parent is a node (by its id), or a task execution (as "node#task#attempt").

    Raises:
        InvalidArgument: the whole is too long for a key.
    """
    return _fits(f"{execution}#{task or escape(node)}", _MAX_PARTITION_KEY_BYTES, "parent")


def node_prefix(node_id: str) -> str:
    """Return the prefix that the sort keys of a node's task executions share."""
    return f"{escape(node_id)}#"


def node_prefix_end(node_id: str) -> str:
    """Return the end of a node's keys: "$" comes after "#", and no attempt has this key itself."""
    return f"{escape(node_id)}$"


def entity_blob_parts(key: str, version: str) -> tuple[str, ...]:
    """Return the path of the blobs of a version of "project:domain:name", as upstream lays them out."""
    return *REGISTRY, *key_parts(key), version


def execution_blob_parts(identifier: WorkflowExecutionIdentifier) -> tuple[str, ...]:
    """Return the path of an execution's blobs, as upstream lays them out."""
    return "metadata", identifier.project, identifier.domain, identifier.name


def node_execution_blob_parts(identifier: NodeExecutionIdentifier) -> tuple[str, ...]:
    """Return the path of a node execution's blobs, below its execution's."""
    return (*execution_blob_parts(identifier.execution_id), identifier.node_id)


def task_execution_blob_parts(identifier: TaskExecutionIdentifier) -> tuple[str, ...]:
    """Return the path of a task execution's blobs, below its node's (TEV-13)."""
    task = identifier.task_id
    node = node_execution_blob_parts(identifier.node_execution_id)
    return (*node, task.project, task.domain, task.name, task.version, str(identifier.retry_attempt))


def padded(sequence: str) -> str:
    """Pad a queue's sequence number to 39 digits, so that it sorts as text.

    Raises:
        InvalidArgument: not a decimal number of at most 39 digits.
    """
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= SEQUENCE_DIGITS):
        raise InvalidArgument(f"invalid value for sequence: {sequence[:60]!r} is not a number of at most 39 digits")
    return sequence.zfill(SEQUENCE_DIGITS)


def escape(text: str) -> str:
    """Escape "#" and "%" in a part of a sort key."""
    return text.replace("%", "%25").replace("#", "%23")


def _fits(key: str, limit: int, field: str) -> str:
    if len(key.encode()) > limit:
        raise InvalidArgument(f"size of {field} exceeded length {limit}")
    return key
