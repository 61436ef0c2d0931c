"""The ids of nodes inside nodes and of what they start (propeller's nodes/common/utils.go, encoding/encoder.go)."""

import base64
from dataclasses import dataclass

from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, WorkflowExecutionIdentifier

_MAX_LENGTH = 20
_MAX_NAME_LENGTH = 50
_FNV = {32: (0x811C9DC5, 0x01000193), 64: (0xCBF29CE484222325, 0x100000001B3)}
_TO_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz123456")


@dataclass(frozen=True)
class Lineage:
    """The node that a node runs inside of, which attempt of it, and whether a dynamic node is among its ancestors."""

    unique_id: str
    attempt: int = 0
    is_dynamic: bool = False


def unique_id(parent: Lineage | None, node_id: str) -> str:
    """Return the id of a node in its execution: "n0", "n0-0-n1", or a hash when that has more than 20 characters."""
    full = f"{parent.unique_id}-{parent.attempt}-{node_id}" if parent else node_id
    return shortened(full, _MAX_LENGTH, 32)


def child_execution_id(node: NodeExecutionIdentifier, attempt: int) -> WorkflowExecutionIdentifier:
    """Return the execution that a launch-plan node starts: always the same one (subworkflow/util.go)."""
    execution = node.execution_id
    name = shortened(f"{execution.name}-{node.node_id}-{attempt}", _MAX_LENGTH, 64)
    return WorkflowExecutionIdentifier(project=execution.project, domain=execution.domain, name=name)


def generated_name(execution: str, unique_node_id: str, attempt: int) -> str:
    """Return the name of what an attempt runs as: that of its pod in a cluster."""
    return shortened(f"{execution}-{unique_node_id}-{attempt}", _MAX_NAME_LENGTH, 32)


def shortened(full: str, limit: int, bits: int) -> str:
    """Return a name, or a hash of it of so many bits when it is longer than its limit."""
    return full if len(full.encode()) <= limit else f"f{_hash(full, bits)}"


def _hash(text: str, bits: int) -> str:
    value, prime = _FNV[bits]
    for byte in text.encode():
        value = (value ^ byte) * prime % 2**bits
    return base64.b32encode(value.to_bytes(bits // 8)).rstrip(b"=").translate(_TO_ALPHABET).decode()
