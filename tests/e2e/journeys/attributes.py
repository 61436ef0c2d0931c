"""Matchable attributes: set, read, listed and deleted, also when the list is larger than an answer."""

from flyteidl.admin.matchable_resource_pb2 import (
    ClusterResourceAttributes,
    ListMatchableAttributesResponse,
    MatchableResource,
    MatchingAttributes,
)
from google.protobuf.json_format import Parse

from local.stack import DOMAIN, PROJECT
from tests.attribute_calls import delete, listed, show, update
from tests.e2e.journeys.traveller import Traveller, fetched

_SCOPES = 24
_KIND = MatchableResource.CLUSTER_RESOURCE


def attributes(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    long = ClusterResourceAttributes(attributes={"long": "\x01" * 32_000})  # six times as long in JSON
    scopes = [(PROJECT, DOMAIN, f"{version}-{number}") for number in range(_SCOPES)]
    for scope in scopes:
        update(admin, scope, MatchingAttributes(cluster_resource_attributes=long))
    assert show(admin, scopes[0], _KIND).matching_attributes.cluster_resource_attributes == long
    answer = admin.api.request("GET", f"/api/v1/matchable_attributes?resource_type={_KIND}")
    assert answer.status == 303, answer
    found = Parse(fetched(answer.headers["location"]), ListMatchableAttributesResponse())
    assert len(found.configurations) == _SCOPES
    for scope in scopes:
        delete(admin, scope, _KIND)
    assert list(listed(admin, _KIND).configurations) == []
