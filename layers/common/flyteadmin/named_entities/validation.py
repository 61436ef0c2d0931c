"""Validates identifiers of tasks, workflows and launch plans, in upstream's order and wording; pure."""

from flyteidl.admin.common_pb2 import (
    NamedEntityGetRequest,
    NamedEntityIdentifierListRequest,
    NamedEntityListRequest,
    NamedEntityState,
    NamedEntityUpdateRequest,
    ResourceListRequest,
)
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, UNSPECIFIED, WORKFLOW, Identifier, ResourceType

from flyteadmin.errors import InvalidArgument, invalid, missing, too_long
from flyteadmin.listing.requests import validate_limit
from flyteadmin.pretty_print import to_text

_MAX_BYTES = {"project": 128, "domain": 128, "name": 512, "version": 255}
"""The lengths that fit the keys of DynamoDB's indexes (1024 bytes) and of S3 (1024 bytes, all of these in one)."""

_MAX_DESCRIPTION = 300


def validate_identifier(identifier: Identifier | None, expected: ResourceType) -> Identifier:
    """Check that an identifier is there, of the expected type and whole (VAL-01, VAL-02), and return it.

    Raises:
        InvalidArgument: naming the first field that is wrong.
    """
    if identifier is None:
        raise missing("id")
    if identifier.resource_type != expected:
        raise InvalidArgument(
            f"unexpected resource type {_type_name(identifier.resource_type)} for identifier"
            f" [{to_text(identifier)[:1000]}], expected {_type_name(expected)} instead"
        )
    _validate_fields(identifier, *_MAX_BYTES)
    return identifier


def validate_name(request: NamedEntityGetRequest | NamedEntityUpdateRequest) -> Identifier:
    """Check the name in a request (REG-22, REG-24), and return it as an identifier without a version.

    Raises:
        InvalidArgument: naming the field.
    """
    kind = request.resource_type
    validate_kind(kind)
    if kind not in {TASK, WORKFLOW, LAUNCH_PLAN}:
        raise InvalidArgument(f"Cannot get NamedEntityMetadata for resource type: {ResourceType.Name(kind)}")
    if not request.HasField("id"):
        raise missing("id")
    name = request.id
    identifier = Identifier(resource_type=kind, project=name.project, domain=name.domain, name=name.name)
    _validate_fields(identifier, "project", "domain", "name")
    return identifier


def validate_kind(kind: int) -> None:
    """Check that a resource type exists.

    Raises:
        InvalidArgument: it is unspecified or unknown.
    """
    if kind == UNSPECIFIED or kind not in ResourceType.values():
        raise invalid("resource_type")


def validate_metadata(request: NamedEntityUpdateRequest) -> None:
    """Check the description and state of a name (REG-22).

    Raises:
        InvalidArgument: there are none, the description is too long, or there is no such state.
    """
    if not request.HasField("metadata"):
        raise missing("metadata")
    if len(request.metadata.description) > _MAX_DESCRIPTION:
        raise too_long("description", _MAX_DESCRIPTION)
    if request.metadata.state not in NamedEntityState.values():
        raise invalid("state", f"expected one of {', '.join(NamedEntityState.keys())}")


def _validate_fields(identifier: Identifier, *fields: str) -> None:
    for field in fields:
        value = getattr(identifier, field)
        if not value:
            raise missing(field)
        if len(value.encode()) > _MAX_BYTES[field]:
            raise too_long(field, _MAX_BYTES[field])


def with_type(identifier: Identifier | None, kind: ResourceType) -> Identifier | None:
    """Return the identifier with the type that its URL implies, where it says none (GET-19)."""
    if identifier is None or identifier.resource_type != UNSPECIFIED:
        return identifier
    typed = Identifier()
    typed.CopyFrom(identifier)
    typed.resource_type = kind
    return typed


def validate_list(request: ResourceListRequest | NamedEntityIdentifierListRequest | NamedEntityListRequest) -> None:
    """Check the project, the domain and the limit of a list (VAL-08).

    Raises:
        InvalidArgument: naming the field.
    """
    if isinstance(request, ResourceListRequest):
        if not request.HasField("id"):
            raise missing("id")
        validate_scope(request.id.project, request.id.domain, request.id.name)
    else:
        validate_scope(request.project, request.domain)
    validate_limit(request.limit)


def validate_scope(project: str, domain: str, name: str = "") -> None:
    """Check that a project and domain are named, and that no part is longer than any that is stored.

    Raises:
        InvalidArgument: naming the field.
    """
    for field, value in (("project", project), ("domain", domain)):
        if not value:
            raise missing(field)
    for field, value in (("project", project), ("domain", domain), ("name", name)):
        if len(value.encode()) > _MAX_BYTES[field]:
            raise too_long(field, _MAX_BYTES[field])


def _type_name(kind: int) -> str:
    known = ResourceType.DESCRIPTOR.values_by_number.get(kind)
    return (known.name if known else str(kind)).lower()
