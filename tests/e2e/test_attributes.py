"""Matchable attributes over real gRPC: each kind at each scope, as flytectl and flytekit set, show and delete them."""

from collections.abc import Iterator

import grpc
import pytest
from flyteidl.admin.matchable_resource_pb2 import MatchableResource
from flytekit.models.matchable_resource import ClusterResourceAttributes, MatchingAttributes
from flytekit.remote import FlyteRemote
from google.protobuf.message import Message

from flyteadmin.errors import Code
from local.stack import DOMAIN, PROJECT, Stack
from tests.attribute_calls import EACH_KIND, OF_DOMAIN, OF_PROJECT, WORKFLOW, Scope, delete, listed, show, update
from tests.grpc_stack import Client, Refused

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


class OverGrpc:
    """The API as a client of the bridge sees it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._client = Client(channel)

    def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        return of.FromString(self._client.call(rpc, request, timeout=30))


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[OverGrpc]:
    with grpc.insecure_channel(stack.bridge.address) as channel:
        yield OverGrpc(channel)


@pytest.mark.conformance("ATT-04", "ATT-06", "KD-27")
@pytest.mark.parametrize("scope", [OF_PROJECT, OF_DOMAIN, WORKFLOW])
def test_each_kind_is_set_shown_listed_and_deleted(caller: OverGrpc, scope: Scope) -> None:
    for kind, attributes in EACH_KIND.items():
        update(caller, scope, attributes)
        assert show(caller, scope, kind).matching_attributes == attributes
        assert len(listed(caller, kind).configurations) == 1
        delete(caller, scope, kind)
        assert list(listed(caller, kind).configurations) == []
        if (scope, kind) != (OF_PROJECT, MatchableResource.WORKFLOW_EXECUTION_CONFIG):
            with pytest.raises(Refused) as refused:
                show(caller, scope, kind)
            assert refused.value.code is Code.NOT_FOUND


def test_flytekits_own_client_sets_shows_and_lists(caller: OverGrpc, remote: FlyteRemote) -> None:
    kind = MatchableResource.CLUSTER_RESOURCE
    attributes = MatchingAttributes(cluster_resource_attributes=ClusterResourceAttributes({"quota": "10"}))
    remote.client.update_project_domain_attributes(PROJECT, DOMAIN, attributes)
    shown = remote.client.get_project_domain_attributes(PROJECT, DOMAIN, kind)
    assert shown.attributes.matching_attributes == attributes.to_flyte_idl()
    assert len(remote.client.list_matchable_attributes(kind).configurations) == 1
    delete(caller, OF_DOMAIN, kind)
