"""Parses requests: objects, verb, options."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from local.cluster.kinds import Kind
from local.cluster.selectors import Selector, parse
from local.cluster.status import Manifest, bad_request, expired, method_not_allowed, no_such_resource
from local.cluster.store import Store

type Verb = Literal["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

_ON_OBJECT: dict[str, Verb] = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ON_COLLECTION: dict[str, Verb] = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Query(_Options):
    """The query parameters that change what is done; others, such as `pretty`, have no effect here."""

    watch: bool = False
    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = Field("", pattern=r"^\d*$")
    limit: int = 0
    continue_: str = Field("", alias="continue")
    timeout_seconds: int | None = None
    allow_watch_bookmarks: bool = False
    send_initial_events: bool = False
    dry_run: str = ""
    field_manager: str = ""
    force: bool = False

    @property
    def selector(self) -> Selector:
        """Both selectors; errors as `selectors.parse`."""
        return parse(self.label_selector, self.field_selector)


class Preconditions(_Options):
    """The object that a delete requires, by its uid and version."""

    uid: str = ""
    resource_version: str = ""


class DeleteOptions(_Options):
    """The body of a delete; with no dependents here, every propagation policy comes to the same."""

    preconditions: Preconditions | None = None
    propagation_policy: Literal["Background", "Foreground", "Orphan"] | None = None
    dry_run: list[str] | None = None


@dataclass(frozen=True)
class Request:
    """A call on a resource; the namespace is None when a list, watch or deletecollection spans all of them."""

    verb: Verb
    kind: Kind
    namespace: str | None
    name: str
    query: Query


@dataclass(frozen=True)
class Body:
    """The body of a request; the content type is without parameters."""

    content: bytes
    content_type: str


def read(store: Store, method: str, target: str) -> Request | None:
    """Return the request that a method and a request target stand for; None if the path is no resource's.

    Raises:
        Refused: 400 a query parameter is malformed, 404 no such resource, 405 the resource lacks this method.
    """
    url = urlsplit(target)
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    match parts:
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return None
    namespace, plural, name = _located(rest)
    kind = store.kind(group, version, plural)
    query = _query(url.query)
    if not kind.namespaced and namespace:
        raise no_such_resource()
    return Request(_verb(method, name, query), kind, namespace if kind.namespaced else "", name, query)


def delete_options(body: bytes) -> DeleteOptions:
    """Return the options of a delete; an absent body has none.

    Raises:
        Refused: 400, malformed or a dry run, which is not supported.
    """
    if not body:
        return DeleteOptions()
    try:
        options = DeleteOptions.model_validate_json(body)
    except ValidationError as error:
        raise bad_request(f"DeleteOptions is malformed: {error.errors()[0]['msg']}") from error
    _refuse_dry_run("All" if options.dry_run else "")
    return options


def manifest(body: bytes) -> Manifest:
    """Return a JSON object.

    Raises:
        Refused: 400.
    """
    try:
        value: JsonValue = json.loads(body)
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object")
    return value


def applied(body: bytes) -> Manifest:
    """Return the object of an apply, which may be YAML.

    Raises:
        Refused: 400.
    """
    try:
        value: JsonValue = yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(value, dict):
        raise bad_request("the body is not an object")
    return value


def continue_token(version: int, namespace: str, name: str) -> str:
    """Write the start of a list's next page: after this object, as of this version."""
    return base64.urlsafe_b64encode(json.dumps([version, namespace, name]).encode()).decode()


def read_continue_token(token: str) -> tuple[int, tuple[str, str]]:
    """Read what `continue_token` wrote.

    Raises:
        Refused: 410 not one of ours.
    """
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise expired("The provided continue parameter is too old or was not issued by this server.") from error
    return int(version), (str(namespace), str(name))


def _located(rest: list[str]) -> tuple[str | None, str, str]:
    match rest:
        case [plural]:
            return None, plural, ""
        case ["namespaces", name]:
            return None, "namespaces", name
        case ["namespaces", namespace, plural]:
            return namespace, plural, ""
        case ["namespaces", namespace, plural, name]:
            return namespace, plural, name
        case [plural, name]:
            return None, plural, name
        case _:
            raise no_such_resource()


def _verb(method: str, name: str, query: Query) -> Verb:
    verb = (_ON_OBJECT if name else _ON_COLLECTION).get(method)
    if verb is None:
        raise method_not_allowed(method)
    return "watch" if verb == "list" and query.watch else verb


def _query(text: str) -> Query:
    try:
        query = Query.model_validate(dict(parse_qsl(text)))
    except ValidationError as error:
        first = error.errors()[0]
        raise bad_request(f"invalid query parameter {first['loc'][0]}: {first['msg']}") from error
    _refuse_dry_run(query.dry_run)
    return query


def _refuse_dry_run(dry_run: str) -> None:
    if dry_run:
        raise bad_request("dryRun is not supported by this server")
