"""Server-side apply: the fields of an object, and which manager owns each; pure.

A field is a path to a scalar or a list: lists are owned as a whole, which Kubernetes does for those
without a key. An object that was never applied belongs to `before-first-apply`, as with a real server.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from local.cluster.status import Manifest, Refused, bad_request

type Path = tuple[str, ...]

_OWNED_METADATA = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})
_FIRST, _UNKNOWN = "before-first-apply", "unknown"


@dataclass(frozen=True)
class Owner:
    """A manager and the fields that it owns, by applying them or by another write."""

    manager: str
    operation: Literal["Apply", "Update"]
    fields: frozenset[Path]

    def without(self, lost: Iterable[Path]) -> "Owner":
        return Owner(self.manager, self.operation, self.fields.difference(lost))


@dataclass(frozen=True)
class Applied:
    """An object after an apply, and its owners."""

    manifest: Manifest
    owners: Sequence[Owner]


def apply(current: Manifest | None, owners: Sequence[Owner], patch: Manifest, manager: str, *, force: bool) -> Applied:
    """Return the object with a patch applied: what this manager applied before and leaves out now goes.

    Raises:
        Refused: 409, others own fields that would change, and `force` is not set.
    """
    wanted = fields(patch)
    if current is None:
        return Applied(patch, [Owner(manager, "Apply", wanted)])
    known = owners or [Owner(_FIRST, "Update", fields(current))]
    mine = next((each for each in known if (each.manager, each.operation) == (manager, "Apply")), None)
    others = [each for each in known if each is not mine]
    changed = {path for path in wanted if _value(current, path) != _value(patch, path)}
    conflicts = [(each.manager, path) for each in others for path in sorted(_touched(each.fields, changed))]
    if conflicts and not force:
        raise _conflict(conflicts)
    others = [each.without(_touched(each.fields, changed)) for each in others]
    dropped = (mine.fields if mine else frozenset[Path]()) - wanted - frozenset().union(*(o.fields for o in others))
    manifest = _with(_without(current, dropped), patch)
    return Applied(manifest, [*(each for each in others if each.fields), Owner(manager, "Apply", wanted)])


def update(before: Manifest, after: Manifest, owners: Sequence[Owner]) -> list[Owner]:
    """Return the owners after another write: it owns what it changed."""
    there = fields(after)
    changed = {path for path in there if _value(before, path) != _value(after, path)}
    kept = [each.without((each.fields - there) | _touched(each.fields, changed)) for each in owners]
    own = frozenset(changed).union(*(e.fields for e in kept if (e.manager, e.operation) == (_UNKNOWN, "Update")))
    kept = [each for each in kept if (each.manager, each.operation) != (_UNKNOWN, "Update")]
    return [each for each in [*kept, Owner(_UNKNOWN, "Update", own)] if each.fields]


def fields(manifest: Manifest) -> frozenset[Path]:
    """Return the paths that can be owned: type, name and what the server sets are nobody's."""
    return frozenset(path for path in _paths(manifest, ()) if _is_owned(path) and _value(manifest, path) != {})


def to_managed(owners: Sequence[Owner], api_version: str, time: str) -> list[Manifest]:
    """Write owners as `metadata.managedFields`."""
    return [
        {
            "manager": each.manager,
            "operation": each.operation,
            "apiVersion": api_version,
            "time": time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(each.fields),
        }
        for each in owners
    ]


def from_managed(managed: Sequence[Manifest]) -> list[Owner]:
    """Read what `to_managed` wrote."""
    return [
        Owner(
            str(each["manager"]),
            "Apply" if each["operation"] == "Apply" else "Update",
            frozenset(tuple(key.removeprefix("f:") for key in path) for path in _paths(each["fieldsV1"], ())),
        )
        for each in managed
    ]


def check(patch: Manifest, manager: str) -> None:
    """Check what an apply needs.

    Raises:
        Refused: 400, 422.
    """
    if not manager:
        why = "fieldManager: Required value: is required for apply patch"
        raise Refused(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: {why}')
    metadata = patch.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")


def _paths(value: JsonValue, path: Path) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif path:
        yield path


def _is_owned(path: Path) -> bool:
    if path[0] == "metadata":
        return len(path) > 1 and path[1] in _OWNED_METADATA
    return path[0] not in {"apiVersion", "kind", "status"}


def _tree(paths: Iterable[Path]) -> dict[str, JsonValue]:
    root: dict[str, JsonValue] = {}
    for path in sorted(paths):
        node = root
        for key in path:
            inner = node.setdefault(f"f:{key}", {})
            assert isinstance(inner, dict)
            node = inner
    return root


def _touched(owned: Iterable[Path], changed: Iterable[Path]) -> frozenset[Path]:
    """Return the owned fields that a change replaces: the same, those above, and those below."""
    moved = tuple(changed)
    return frozenset(each for each in owned if any(each[: len(path)] == path[: len(each)] for path in moved))


def _value(manifest: JsonValue, path: Path) -> JsonValue:
    for key in path:
        if not isinstance(manifest, Mapping) or key not in manifest:
            return None
        manifest = manifest[key]
    return manifest


def _with(target: JsonValue, patch: Manifest) -> Manifest:
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        result[key] = _with(result.get(key), value) if isinstance(value, dict) else value
    return result


def _without(manifest: Manifest, dropped: Iterable[Path]) -> Manifest:
    result = dict(manifest)
    for path in dropped:
        _drop(result, path)
    return result


def _drop(manifest: Manifest, path: Path) -> None:
    first, *rest = path
    inner = manifest.get(first)
    if not rest:
        manifest.pop(first, None)
    elif isinstance(inner, dict):
        copy = dict(inner)
        _drop(copy, tuple(rest))
        if copy:
            manifest[first] = copy
        else:
            manifest.pop(first, None)


def _conflict(conflicts: Sequence[tuple[str, Path]]) -> Refused:
    many = "1 conflict" if len(conflicts) == 1 else f"{len(conflicts)} conflicts"
    told = ", ".join(f'conflict with "{manager}": .{".".join(path)}' for manager, path in conflicts)
    return Refused(409, "Conflict", f"Apply failed with {many}: {told}")
