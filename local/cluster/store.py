"""The objects of the cluster: versions, conflicts, finalizers, namespaces. Knows nothing of HTTP."""

import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Condition

from pydantic import JsonValue

from local.cluster import ownership
from local.cluster.history import Change, History
from local.cluster.kinds import BUILT_IN, DEFINITIONS, FLYTE_WORKFLOW_CRD, NAMESPACES, Kind, defined_by
from local.cluster.objects import Object, ObjectMeta, validate
from local.cluster.patch import merged
from local.cluster.selectors import EVERYTHING, Selector
from local.cluster.status import Cause, Manifest, Refused, bad_request, no_such_resource

MAX_OBJECT_BYTES = 1_572_864
"""The largest request that etcd accepts (`--max-request-bytes`)."""

type _Place = tuple[str, str]
"""(namespace, name)"""


@dataclass(frozen=True)
class Listing:
    """Objects in the order of namespace and name, as of a version."""

    items: list[Object]
    version: int


class Store:
    """All objects, in memory; every method is atomic and may be called from any thread."""

    def __init__(
        self,
        *,
        namespaces: tuple[str, ...] = ("default",),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        history: int = 1000,
    ) -> None:
        """Begin with these namespaces and the FlyteWorkflow definition; `history` is how many changes watches see."""
        self._clock = clock
        self._changed = Condition()
        self._history = History(history)
        self._version = 0
        self._closed = False
        self._objects: dict[Kind, dict[_Place, Object]] = {kind: {} for kind in BUILT_IN}
        self.create(DEFINITIONS, "", Object.parse(FLYTE_WORKFLOW_CRD))
        for name in namespaces:
            self.create_namespace(name)

    def kinds(self) -> tuple[Kind, ...]:
        """Every resource type that is served now."""
        with self._changed:
            return tuple(self._objects)

    def kind(self, group: str, version: str, plural: str) -> Kind:
        """Return a resource type by the parts of its path.

        Raises:
            Refused: 404, not served.
        """
        for kind in self.kinds():
            if (kind.group, kind.version, kind.plural) == (group, version, plural):
                return kind
        raise no_such_resource()

    def create_namespace(self, name: str) -> Object:
        return self.create(NAMESPACES, "", Object(api_version="v1", kind="Namespace", metadata=ObjectMeta(name=name)))

    def create(self, kind: Kind, namespace: str, item: Object) -> Object:
        """Store a new object.

        Raises:
            Refused: 404 the namespace is missing, 403 it is being deleted, 409 the name is taken, 422 invalid,
                500 too large for etcd.
        """
        name = item.metadata.name or _generated(item.metadata.generate_name)
        item = item.with_metadata(name=name)
        validate(kind, item)
        with self._changed:
            self._check_namespace(kind, namespace, name)
            if (namespace, name) in self._objects[kind]:
                raise kind.refused(409, "AlreadyExists", name, "already exists")
            self._declare(kind, item)
            created = item.with_metadata(
                namespace=namespace or None,
                uid=str(uuid.uuid4()),
                generation=1,
                creation_timestamp=self._now(),
                deletion_timestamp=None,
                deletion_grace_period_seconds=None,
            )
            return self._put(kind, None, _with_status(kind, created))

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object.

        Raises:
            Refused: 404.
        """
        with self._changed:
            found = self._objects[kind].get((namespace, name))
        if found is None:
            raise kind.not_found(name)
        return found

    def listing(self, kind: Kind, namespace: str | None = None, selector: Selector = EVERYTHING) -> Listing:
        """Return the objects of one namespace, or of all (None)."""
        with self._changed:
            version = self._version
            places = sorted(self._objects[kind].items())
        items = [item for (where, _), item in places if namespace in {None, where} and selector.matches(item)]
        return Listing(items, version)

    def replace(self, kind: Kind, namespace: str, name: str, item: Object) -> Object:
        """Store a new state of an object whose version the caller knows.

        Raises:
            Refused: 404, 409 the object has changed meanwhile, 422 invalid, 500 too large for etcd.
        """
        with self._changed:
            current = self.get(kind, namespace, name)
            if not item.metadata.resource_version:
                why = "Invalid value: 0x0: must be specified for an update"
                raise kind.invalid(name, Cause("FieldValueInvalid", "metadata.resourceVersion", why))
            return self._update(kind, current, item)

    def merge(self, kind: Kind, namespace: str, name: str, patch: Manifest) -> Object:
        """Apply a JSON merge patch (RFC 7396); errors as `replace`, the version is checked only if the patch has it."""
        with self._changed:
            current = self.get(kind, namespace, name)
            return self._update(kind, current, Object.parse(merged(current.manifest(), patch)))

    def apply(
        self, kind: Kind, namespace: str, name: str, patch: Manifest, manager: str, *, force: bool
    ) -> tuple[Object, bool]:
        """Apply an object for a manager of fields, and whether it is new.

        Raises:
            Refused: as `create` and `replace`; 409 another manager owns fields that would change.
        """
        ownership.check(patch, manager)
        with self._changed:
            current = self._objects[kind].get((namespace, name))
            owners = ownership.from_managed(current.metadata.managed_fields or []) if current else []
            manifest = current.manifest() if current else None
            done = ownership.apply(manifest, owners, patch, manager, force=force)
            wanted = Object.parse(done.manifest)
            if wanted.metadata.name != name or wanted.metadata.namespace not in {None, namespace or None}:
                raise bad_request("the name or namespace of the object does not match that on the URL")
            managed = ownership.to_managed(done.owners, kind.api_version, self._now())
            if current is None:
                return self.create(kind, namespace, wanted.with_metadata(managed_fields=managed)), True
            if list(done.owners) == owners:
                managed = current.metadata.managed_fields or []  # nothing changes, so their time does not
            return self._update(kind, current, wanted, managed), False

    def delete(self, kind: Kind, namespace: str, name: str, *, uid: str = "", version: str = "") -> tuple[Object, bool]:
        """Delete an object, and whether it is gone: with finalizers it stays until the last one is removed.

        Raises:
            Refused: 404, 409 it is not the uid or version that the caller means.
        """
        with self._changed:
            current = self.get(kind, namespace, name)
            _check_precondition(kind, current, "UID", uid, current.metadata.uid)
            _check_precondition(kind, current, "ResourceVersion", version, current.metadata.resource_version)
            if kind == NAMESPACES:
                self._empty(name)
            if not (current.metadata.finalizers or self._is_occupied(kind, name)):
                self._remove(kind, current, current)
                return current, True
            if current.metadata.deletion_timestamp:
                return current, False
            return self._put(kind, current, self._marked(kind, current)), False

    def delete_all(self, kind: Kind, namespace: str | None, selector: Selector) -> Listing:
        """Delete what matches, each as `delete` does."""
        with self._changed:
            listing = self.listing(kind, namespace, selector)
            for item in listing.items:
                self.delete(kind, item.metadata.namespace or "", item.metadata.name)
            return listing

    def check_kept(self, version: int) -> None:
        """Make sure that every change after this version can still be read.

        Raises:
            Refused: 410, it can't.
        """
        with self._changed:
            self._history.check(version)

    def changes(self, version: int, wait_seconds: float) -> list[Change]:
        """Return the changes after a version; waits for the first one, at most so long, and less when the store closes.

        Raises:
            Refused: 410, the version is too old.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._version > version, timeout=wait_seconds)
            return self._history.after(version)

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Let every waiting watch end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _update(self, kind: Kind, current: Object, wanted: Object, managed: list[Manifest] | None = None) -> Object:
        old = current.metadata
        _check_identity(kind, current, wanted)
        if managed is None and old.managed_fields:
            owners = ownership.from_managed(old.managed_fields)
            owners = ownership.update(current.manifest(), wanted.manifest(), owners)
            managed = ownership.to_managed(owners, kind.api_version, self._now())
        updated = wanted.with_metadata(
            namespace=old.namespace,
            uid=old.uid,
            resource_version=old.resource_version,
            creation_timestamp=old.creation_timestamp,
            deletion_timestamp=old.deletion_timestamp,
            deletion_grace_period_seconds=old.deletion_grace_period_seconds,
            generation=(old.generation or 0) + (wanted.body != current.body),
            managed_fields=managed,
        )
        validate(kind, updated)
        if updated.manifest() == current.manifest():
            return current
        self._declare(kind, updated)
        if old.deletion_timestamp and not updated.metadata.finalizers:
            return self._remove(kind, current, updated)
        return self._put(kind, current, updated)

    def _put(self, kind: Kind, before: Object | None, after: Object) -> Object:
        stored = after.with_metadata(resource_version=str(self._version + 1))
        if len(json.dumps(stored.manifest(), separators=(",", ":")).encode()) > MAX_OBJECT_BYTES:
            raise Refused(500, "", "etcdserver: request is too large")
        self._objects[kind][_place(stored)] = stored
        self._record(kind, before, stored)
        return stored

    def _remove(self, kind: Kind, before: Object, last: Object) -> Object:
        del self._objects[kind][_place(before)]
        self._record(kind, last, None)
        namespace = before.metadata.namespace
        owner = self._objects[NAMESPACES].get(("", namespace)) if namespace else None
        if owner and owner.metadata.deletion_timestamp and not self._is_occupied(NAMESPACES, owner.metadata.name):
            self._remove(NAMESPACES, owner, owner)
        return last.with_metadata(resource_version=str(self._version))

    def _record(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        self._version += 1
        self._history.append(Change(self._version, kind, before, after))
        self._changed.notify_all()

    def _marked(self, kind: Kind, item: Object) -> Object:
        generation = (item.metadata.generation or 0) + 1
        marked = item.with_metadata(
            deletion_timestamp=self._now(), deletion_grace_period_seconds=0, generation=generation
        )
        return marked.model_copy(update={"status": {"phase": "Terminating"}}) if kind == NAMESPACES else marked

    def _declare(self, kind: Kind, item: Object) -> None:
        if kind == DEFINITIONS:
            for defined in defined_by(item.manifest()):
                self._objects.setdefault(defined, {})

    def _check_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        if kind.namespaced and self.get(NAMESPACES, "", namespace).metadata.deletion_timestamp:
            why = f"is forbidden: unable to create new content in namespace {namespace} because it is being terminated"
            raise kind.refused(403, "Forbidden", name, why)

    def _empty(self, namespace: str) -> None:
        for kind in self.kinds():
            if kind.namespaced:
                self.delete_all(kind, namespace, EVERYTHING)

    def _is_occupied(self, kind: Kind, name: str) -> bool:
        return kind == NAMESPACES and any(where == name for places in self._objects.values() for where, _ in places)

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(item: Object) -> _Place:
    return item.metadata.namespace or "", item.metadata.name


def _generated(prefix: str | None) -> str:
    return f"{prefix}{secrets.token_hex(3)[:5]}" if prefix else ""


def _with_status(kind: Kind, item: Object) -> Object:
    if kind == NAMESPACES:
        return item.model_copy(update={"status": {"phase": "Active"}})
    if kind == DEFINITIONS:
        conditions: JsonValue = [{"type": name, "status": "True"} for name in ("NamesAccepted", "Established")]
        return item.model_copy(update={"status": {"conditions": conditions}})
    return item


def _check_identity(kind: Kind, current: Object, wanted: Object) -> None:
    old, new = current.metadata, wanted.metadata
    if new.name != old.name:
        raise bad_request(f"the name of the object ({new.name}) does not match the name on the URL ({old.name})")
    if new.namespace not in {None, old.namespace}:
        raise bad_request("the namespace of the object does not match the namespace on the URL")
    _check_precondition(kind, current, "UID", new.uid or "", old.uid)
    if new.resource_version and new.resource_version != old.resource_version:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise kind.conflict(old.name, why)
    added = sorted(set(new.finalizers or ()) - set(old.finalizers or ()))
    if old.deletion_timestamp and added:
        why = f"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers {added}"
        raise kind.invalid(old.name, Cause("FieldValueForbidden", "metadata.finalizers", why))


def _check_precondition(kind: Kind, item: Object, what: str, wanted: str, actual: str | None) -> None:
    if wanted and wanted != actual:
        why = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}"
        raise kind.conflict(item.metadata.name, why)
