"""The ids of nodes inside nodes (propeller's nodes/common/utils.go and pluginmachinery/encoding)."""

import base64
from dataclasses import dataclass

_MAX_LENGTH = 20
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193
_TO_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz123456")


@dataclass(frozen=True)
class Lineage:
    """The node that a node runs inside of, and which attempt of it."""

    unique_id: str
    attempt: int = 0


def unique_id(parent: Lineage | None, node_id: str) -> str:
    """The id of a node within its execution: "n0", "n0-0-n1", or a hash when that is longer than 20 characters."""
    full = f"{parent.unique_id}-{parent.attempt}-{node_id}" if parent else node_id
    return full if len(full.encode()) <= _MAX_LENGTH else f"f{_hash(full)}"


def _hash(text: str) -> str:
    value = _FNV_OFFSET
    for byte in text.encode():
        value = (value ^ byte) * _FNV_PRIME % 2**32
    return base64.b32encode(value.to_bytes(4)).rstrip(b"=").translate(_TO_ALPHABET).decode()
