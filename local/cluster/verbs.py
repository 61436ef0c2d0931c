"""The verbs of the API over the store: what a request answers, and the lines of a watch."""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

from local.cluster.kinds import BUILT_IN, DEFINITIONS, Kind
from local.cluster.objects import Object
from local.cluster.requests import (
    Body,
    Request,
    Verb,
    applied,
    continue_token,
    delete_options,
    manifest,
    read_continue_token,
)
from local.cluster.status import Manifest, Refused, bad_request, method_not_allowed, success
from local.cluster.store import Store

type Answer = tuple[HTTPStatus, Manifest]

DEFAULT_WATCH_SECONDS = 1800
_JSON, _MERGE_PATCH = "application/json", "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"


def answer(store: Store, request: Request, body: Body) -> Answer:
    """Do what the request says, but for a watch.

    Raises:
        Refused: as the store's methods, or the request is malformed; 415 its body is not JSON, such as the protobuf
            that Go clients write built-in types in.
    """
    if request.verb == "patch" and body.content_type == _APPLY:
        return _apply(store, request, body)
    if body.content:
        _expect(body, _MERGE_PATCH if request.verb == "patch" else _JSON)
    status = HTTPStatus.CREATED if request.verb == "create" else HTTPStatus.OK
    return status, _ANSWERS[request.verb](store, request, body)


def watch(store: Store, request: Request, bookmark_seconds: float) -> Iterator[Manifest]:
    """Yield a watch's lines until its time is over or the store closes; a version that is too old is an ERROR line."""
    query = request.query
    end = time.monotonic() + (DEFAULT_WATCH_SECONDS if query.timeout_seconds is None else query.timeout_seconds)
    version = int(query.resource_version or 0)
    if version == 0 or query.send_initial_events:
        listing = store.listing(request.kind, request.namespace, query.selector)
        for item in listing.items:
            yield {"type": "ADDED", "object": item.manifest()}
        version = listing.version
        if query.send_initial_events and query.allow_watch_bookmarks:
            yield _bookmark(request.kind, version, {"k8s.io/initial-events-end": "true"})
    try:
        yield from _changes(store, request, version, end, bookmark_seconds)
    except Refused as refused:
        yield {"type": "ERROR", "object": refused.manifest()}


def _changes(store: Store, request: Request, version: int, end: float, bookmark_seconds: float) -> Iterator[Manifest]:
    selector = request.query.selector
    while not store.closed and (left := end - time.monotonic()) > 0:
        changes = store.changes(version, min(left, bookmark_seconds))
        for change in changes:
            if event := change.seen_by(request.kind, request.namespace, selector):
                yield {"type": event.type, "object": event.object.manifest()}
            version = change.version
        if not changes and request.query.allow_watch_bookmarks:
            yield _bookmark(request.kind, version, {})


def _bookmark(kind: Kind, version: int, annotations: dict[str, str]) -> Manifest:
    metadata: Manifest = {"resourceVersion": str(version)}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"type": "BOOKMARK", "object": {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}}


def _expect(body: Body, media_type: str) -> None:
    if body.content_type != media_type:
        message = f"the body of the request was in an unknown format - accepted media types include: {media_type}"
        raise Refused(415, "UnsupportedMediaType", message)


def _place(request: Request) -> tuple[str, str]:
    return request.namespace or "", request.name


def _get(store: Store, request: Request, _: Body) -> Manifest:
    return store.get(request.kind, *_place(request)).manifest()


def _page(store: Store, request: Request, _: Body) -> Manifest:
    query = request.query
    listing = store.listing(request.kind, request.namespace, query.selector)
    items, version = listing.items, listing.version
    if query.continue_:
        version, last = read_continue_token(query.continue_)
        store.check_kept(version)
        items = [item for item in items if _key(item) > last]
    page = items[: query.limit] if query.limit else items
    metadata: Manifest = {"resourceVersion": str(version)}
    if len(page) < len(items):
        metadata["continue"] = continue_token(version, *_key(page[-1]))
        if not query.selector:
            metadata["remainingItemCount"] = len(items) - len(page)
    return _list(request.kind, metadata, page)


def _list(kind: Kind, metadata: Manifest, items: list[Object]) -> Manifest:
    return {
        "apiVersion": kind.api_version,
        "kind": f"{kind.kind}List",
        "metadata": metadata,
        "items": [item.manifest() for item in items],
    }


def _key(item: Object) -> tuple[str, str]:
    return item.metadata.namespace or "", item.metadata.name


def _create(store: Store, request: Request, body: Body) -> Manifest:
    item = _parsed(request.kind, body)
    if request.namespace is None:
        raise method_not_allowed("POST")
    if item.metadata.namespace not in {None, request.namespace}:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if item.metadata.resource_version:
        raise Refused(500, "", "resourceVersion should not be set on objects to be created")
    return store.create(request.kind, request.namespace, item).manifest()


def _parsed(kind: Kind, body: Body) -> Object:
    item = Object.parse(manifest(body.content))
    if kind not in BUILT_IN:
        return item
    # Built-in types may come without type information: the path says what they are.
    return item.model_copy(update={"api_version": item.api_version or kind.api_version, "kind": item.kind or kind.kind})


def _replace(store: Store, request: Request, body: Body) -> Manifest:
    return store.replace(request.kind, *_place(request), _parsed(request.kind, body)).manifest()


def _patch(store: Store, request: Request, body: Body) -> Manifest:
    return store.merge(request.kind, *_place(request), manifest(body.content)).manifest()


def _apply(store: Store, request: Request, body: Body) -> Answer:
    patch, query = applied(body.content), request.query
    item, created = store.apply(request.kind, *_place(request), patch, query.field_manager, force=query.force)
    return (HTTPStatus.CREATED if created else HTTPStatus.OK), item.manifest()


def _delete(store: Store, request: Request, body: Body) -> Manifest:
    if request.kind == DEFINITIONS:
        raise method_not_allowed("DELETE")
    kind, wanted = request.kind, delete_options(body.content).preconditions
    uid, version = (wanted.uid, wanted.resource_version) if wanted else ("", "")
    item, gone = store.delete(kind, *_place(request), uid=uid, version=version)
    if not gone:
        return item.manifest()
    return success(name=item.metadata.name, group=kind.group, kind=kind.plural, uid=item.metadata.uid or "")


def _delete_all(store: Store, request: Request, body: Body) -> Manifest:
    if not request.kind.namespaced:
        raise method_not_allowed("DELETE")
    delete_options(body.content)
    listing = store.delete_all(request.kind, request.namespace, request.query.selector)
    return _list(request.kind, {"resourceVersion": str(listing.version)}, listing.items)


_ANSWERS: dict[Verb, Callable[[Store, Request, Body], Manifest]] = {
    "create": _create,
    "delete": _delete,
    "deletecollection": _delete_all,
    "get": _get,
    "list": _page,
    "patch": _patch,
    "update": _replace,
}
