"""Server-side apply of the in-memory cluster: fields belong to managers, as with a real server."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from pydantic import JsonValue

from local.cluster import ownership
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.status import Manifest, Refused
from local.cluster.store import Store

URL = "/api/v1/namespaces/default/resourcequotas/quota"
APPLY = {"Content-Type": "application/apply-patch+yaml"}


@pytest.fixture
def cluster() -> Iterator[ClusterServer]:
    with serve(Store()) as server:
        yield server


def quota(**hard: JsonValue) -> Manifest:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}}


def apply(cluster: ClusterServer, manifest: Manifest, manager: str = "one", *, force: bool = False) -> Manifest:
    kind = cluster.store.kind("", "v1", "resourcequotas")
    done, _ = cluster.store.apply(kind, "default", "quota", manifest, manager, force=force)
    return done.manifest()


def hard(manifest: Manifest) -> object:
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    return spec["hard"]


def managers(manifest: Manifest) -> dict[str, object]:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    assert isinstance(metadata["managedFields"], list)
    return {
        f"{each['manager']} {each['operation']}": each["fieldsV1"]
        for each in metadata["managedFields"]
        if isinstance(each, dict)
    }


def test_over_http_an_apply_makes_and_changes_from_yaml(cluster: ClusterServer) -> None:
    body = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: quota}\nspec: {hard: {pods: 3}}\n"
    answers = []
    for target in (f"{URL}?fieldManager=one&force=true", f"{URL}?fieldManager=one", URL):
        connection = HTTPConnection(*cluster.server_address[:2])  # type: ignore[arg-type]
        connection.request("PATCH", target, body, APPLY)
        response = connection.getresponse()
        answers.append((response.status, json.loads(response.read())))
        connection.close()
    assert [status for status, _ in answers] == [201, 200, 422]
    assert hard(answers[1][1]) == {"pods": 3}
    assert answers[0][1]["metadata"]["resourceVersion"] == answers[1][1]["metadata"]["resourceVersion"]


def test_a_field_that_its_only_manager_leaves_out_goes(cluster: ClusterServer) -> None:
    apply(cluster, quota(pods=3, cpu=1))
    apply(cluster, quota(cpu=1), "two")
    assert hard(apply(cluster, quota())) == {"cpu": 1}


def test_a_field_of_another_manager_is_a_conflict_unless_it_is_forced(cluster: ClusterServer) -> None:
    apply(cluster, quota(pods=3))
    with pytest.raises(Refused) as refused:
        apply(cluster, quota(pods=4), "two")
    assert refused.value.code == 409
    assert refused.value.message == 'Apply failed with 1 conflict: conflict with "one": .spec.hard.pods'
    forced = apply(cluster, quota(pods=4), "two", force=True)
    assert hard(forced) == {"pods": 4}
    assert managers(forced) == {"two Apply": {"f:spec": {"f:hard": {"f:pods": {}}}}}
    assert hard(apply(cluster, quota())) == {"pods": 4}


def test_the_same_value_is_owned_by_both(cluster: ClusterServer) -> None:
    apply(cluster, quota(pods=3))
    assert list(managers(apply(cluster, quota(pods=3), "two"))) == ["one Apply", "two Apply"]


def test_another_write_takes_over_what_it_changes(cluster: ClusterServer) -> None:
    apply(cluster, quota(pods=3, cpu=1))
    kind = cluster.store.kind("", "v1", "resourcequotas")
    merged = cluster.store.merge(kind, "default", "quota", {"spec": {"hard": {"pods": 9}}}).manifest()
    assert managers(merged) == {
        "one Apply": {"f:spec": {"f:hard": {"f:cpu": {}}}},
        "unknown Update": {"f:spec": {"f:hard": {"f:pods": {}}}},
    }
    assert hard(apply(cluster, quota(pods=3, cpu=1), force=True)) == {"pods": 3, "cpu": 1}


def test_an_object_that_was_never_applied_belongs_to_those_before(cluster: ClusterServer) -> None:
    kind = cluster.store.kind("", "v1", "namespaces")
    patch: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "labels": {"a": "b"}}}
    done, created = cluster.store.apply(kind, "", "default", patch, "one", force=False)
    assert not created
    assert done.metadata.labels == {"a": "b"}
    assert [each["manager"] for each in done.metadata.managed_fields or []] == ["one"]


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "other"}}, 400),
        ({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota", "managedFields": [{}]}}, 400),
        ({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "quota"}}, 422),
    ],
)
def test_a_wrong_apply_is_refused(cluster: ClusterServer, manifest: Manifest, code: int) -> None:
    with pytest.raises(Refused) as refused:
        apply(cluster, manifest)
    assert refused.value.code == code


def test_owners_are_read_as_they_were_written() -> None:
    owners = [ownership.Owner("one", "Apply", frozenset({("spec", "hard", "pods"), ("metadata", "labels", "a/b")}))]
    assert ownership.from_managed(ownership.to_managed(owners, "v1", "now")) == owners
