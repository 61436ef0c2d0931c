"""Identifiers and list requests, in upstream's order and wording."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifier, NamedEntityIdentifierListRequest, ResourceListRequest
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, UNSPECIFIED, WORKFLOW, Identifier

from flyteadmin.errors import InvalidArgument
from flyteadmin.named_entities.validation import validate_identifier, validate_list, with_type
from flyteadmin.validation import missing_entity
from tests.entities import identifier

PARTS = {"project": "p", "domain": "d", "name": "n", "version": "v"}


def message_of(given: Identifier | None) -> str:
    with pytest.raises(InvalidArgument) as refused:
        validate_identifier(given, TASK)
    return refused.value.message


@pytest.mark.conformance("VAL-01")
def test_the_first_missing_field_is_named() -> None:
    assert message_of(None) == "missing id"
    given = dict.fromkeys(PARTS, "")
    for field, value in PARTS.items():
        assert message_of(Identifier(resource_type=TASK, **given)) == f"missing {field}"
        given[field] = value
    assert validate_identifier(Identifier(resource_type=TASK, **given), TASK).name == "n"


@pytest.mark.conformance("VAL-01", "VAL-02")
def test_the_type_is_compared_before_the_fields() -> None:
    assert message_of(Identifier(resource_type=WORKFLOW)) == (
        "unexpected resource type workflow for identifier [resource_type:WORKFLOW], expected task instead"
    )


@pytest.mark.parametrize(("field", "limit"), [("project", 128), ("domain", 128), ("name", 512), ("version", 255)])
def test_what_no_key_can_hold_is_refused_by_name(field: str, limit: int) -> None:
    validate_identifier(Identifier(resource_type=TASK, **PARTS | {field: "x" * limit}), TASK)
    found = message_of(Identifier(resource_type=TASK, **PARTS | {field: "x" * (limit + 1)}))
    assert found == f"size of {field} exceeded length {limit}"


@pytest.mark.conformance("GET-19")
def test_a_url_says_the_type_where_the_identifier_does_not() -> None:
    for kind in (TASK, WORKFLOW, LAUNCH_PLAN):
        filled = with_type(Identifier(name="n"), kind)
        assert filled is not None
        assert filled.resource_type == kind
    kept = with_type(Identifier(resource_type=WORKFLOW), TASK)
    assert kept is not None
    assert kept.resource_type == WORKFLOW
    assert with_type(None, TASK) is None


@pytest.mark.conformance("VAL-08")
@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ResourceListRequest(limit=1), "missing id"),
        (ResourceListRequest(id=NamedEntityIdentifier(domain="d"), limit=1), "missing project"),
        (ResourceListRequest(id=NamedEntityIdentifier(project="p"), limit=1), "missing domain"),
        (ResourceListRequest(id=NamedEntityIdentifier(project="p", domain="d")), "invalid value for limit"),
        (NamedEntityIdentifierListRequest(domain="d", limit=1), "missing project"),
    ],
)
def test_a_list_says_where_and_how_much(
    request_: ResourceListRequest | NamedEntityIdentifierListRequest, message: str
) -> None:
    with pytest.raises(InvalidArgument, match=f"^{message}"):
        validate_list(request_)


def test_what_is_missing_is_named_as_upstream_does() -> None:
    assert missing_entity(identifier(TASK, "double")).message == (
        'missing entity of type TASK with identifier project:"flytesnacks" domain:"development" name:"double"'
        ' version:"v1"'
    )
    assert Identifier().resource_type == UNSPECIFIED
