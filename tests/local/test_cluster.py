"""The in-memory cluster behaves as a Kubernetes API server: the same tests run against a real one (KUBECONFIG)."""

import dataclasses
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes import config
from kubernetes.client import (
    ApiClient,
    Configuration,
    CoreV1Api,
    CustomObjectsApi,
    V1DeleteOptions,
    V1Namespace,
    V1ObjectMeta,
    V1Preconditions,
)
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch

from local.cluster.process import serve
from local.cluster.store import Store

FINALIZER = "flyte.org/finalizer"

type Manifest = dict[str, Any]


@pytest.fixture
def api_client() -> Iterator[ApiClient]:
    if os.environ.get("KUBECONFIG"):
        with config.new_client_from_config() as client:
            yield client
    else:
        with serve(Store(), token="secret") as server, ApiClient(_configuration(server.url, "secret")) as client:
            yield client


@dataclass(frozen=True)
class Workflows:
    """The FlyteWorkflows of one namespace."""

    client: ApiClient
    namespace: str

    @property
    def _place(self) -> tuple[str, str, str, str]:
        return "flyte.lyft.com", "v1alpha1", self.namespace, "flyteworkflows"

    @property
    def _custom(self) -> Any:
        return CustomObjectsApi(self.client)

    def create(self, name: str = "w", **metadata: object) -> Manifest:
        return self.create_body(workflow(name, **metadata))

    def create_body(self, body: Manifest) -> Manifest:
        return dict(self._custom.create_namespaced_custom_object(*self._place, body))

    def get(self, name: str = "w") -> Manifest:
        return dict(self._custom.get_namespaced_custom_object(*self._place, name))

    def names(self, **options: object) -> list[str]:
        return [item["metadata"]["name"] for item in self.listing(**options)["items"]]

    def listing(self, **options: object) -> Manifest:
        return dict(self._custom.list_namespaced_custom_object(*self._place, **options))

    def replace(self, body: Manifest, name: str = "w") -> Manifest:
        return dict(self._custom.replace_namespaced_custom_object(*self._place, name, body))

    def patch(self, body: object, name: str = "w") -> Manifest:
        return dict(self._custom.patch_namespaced_custom_object(*self._place, name, body))

    def delete(self, name: str = "w", **options: object) -> Manifest:
        body = V1DeleteOptions(propagation_policy="Background", **options)
        return dict(self._custom.delete_namespaced_custom_object(*self._place, name, body=body))

    def delete_all(self, **options: object) -> None:
        self._custom.delete_collection_namespaced_custom_object(*self._place, **options)

    def watch(self, count: int = 0, **options: object) -> list[tuple[str, str]]:
        """(type, name) of the next events: so many of them, or all within two seconds."""
        options = {"timeout_seconds": 20 if count else 2, **options}
        seen: list[tuple[str, str]] = []
        watch = Watch()
        for event in watch.stream(self._custom.list_namespaced_custom_object, *self._place, **options):
            seen.append((event["type"], event["object"]["metadata"].get("name", "")))
            if len(seen) == count:
                watch.stop()
        return seen


def workflow(name: str, **metadata: object) -> Manifest:
    return {
        "apiVersion": "flyte.lyft.com/v1alpha1",
        "kind": "FlyteWorkflow",
        "metadata": {"name": name, **metadata},
        "spec": {"id": "p:d:w", "outputs": None},
    }


@pytest.fixture
def workflows(api_client: ApiClient) -> Iterator[Workflows]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    core = CoreV1Api(api_client)
    core.create_namespace(V1Namespace(metadata=V1ObjectMeta(name=name)))
    yield Workflows(api_client, name)
    for item in Workflows(api_client, name).listing()["items"]:
        if item["metadata"].get("finalizers"):
            Workflows(api_client, name).patch({"metadata": {"finalizers": None}}, item["metadata"]["name"])
    core.delete_namespace(name)


class TestCreate:
    def test_a_created_object_keeps_its_body_and_gains_system_metadata(self, workflows: Workflows) -> None:
        created = workflows.create(labels={"project": "p"}, finalizers=[FINALIZER])

        found = workflows.get()
        assert found == created
        assert found["spec"] == {"id": "p:d:w", "outputs": None}
        assert found["metadata"]["namespace"] == workflows.namespace
        assert found["metadata"]["generation"] == 1
        assert found["metadata"]["uid"]
        assert int(found["metadata"]["resourceVersion"]) > 0
        assert found["metadata"]["creationTimestamp"].endswith("Z")

    def test_a_name_that_exists_is_refused(self, workflows: Workflows) -> None:
        workflows.create()
        with pytest.raises(ApiException) as error:
            workflows.create()
        assert error.value.status == 409
        assert '"reason":"AlreadyExists"' in error.value.body
        assert 'flyteworkflows.flyte.lyft.com \\"w\\" already exists' in error.value.body

    def test_a_missing_namespace_is_not_found(self, workflows: Workflows) -> None:
        with pytest.raises(ApiException) as error:
            dataclasses.replace(workflows, namespace="no-such-namespace").create()
        assert error.value.status == 404
        assert 'namespaces \\"no-such-namespace\\" not found' in error.value.body

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (workflow("Not_A_DNS_Name"), "metadata.name"),
            (workflow("w", labels={"k": "a value"}), "metadata.labels"),
            (workflow("w", labels={"k": "v" * 64}), "metadata.labels"),
            (workflow("w") | {"kind": "flyteworkflow"}, "must be FlyteWorkflow"),
        ],
    )
    def test_an_invalid_object_is_refused_naming_the_field(
        self, workflows: Workflows, body: Manifest, field: str
    ) -> None:
        with pytest.raises(ApiException) as error:
            workflows.create_body(body)
        assert error.value.status == 422
        assert '"reason":"Invalid"' in error.value.body
        assert field in error.value.body

    def test_a_generated_name_begins_with_its_prefix(self, workflows: Workflows) -> None:
        body = workflow("")
        body["metadata"] = {"generateName": "run-"}
        assert workflows.create_body(body)["metadata"]["name"].startswith("run-")

    def test_an_object_above_the_limit_of_etcd_is_refused_and_not_stored(self, workflows: Workflows) -> None:
        with pytest.raises(ApiException) as error:
            workflows.create_body(workflow("big") | {"inputs": "x" * 1_600_000})
        assert error.value.status == 500
        assert "request is too large" in error.value.body
        assert workflows.names() == []

    def test_a_body_above_the_limit_of_the_server_is_refused(self, workflows: Workflows) -> None:
        with pytest.raises(ApiException) as error:
            workflows.create_body(workflow("huge") | {"inputs": "x" * 3_200_000})
        assert error.value.status == 413


class TestUpdate:
    def test_an_update_with_the_current_version_is_stored(self, workflows: Workflows) -> None:
        current = workflows.create()
        updated = workflows.replace(current | {"status": {"phase": 1}})
        assert updated["status"] == {"phase": 1}
        assert int(updated["metadata"]["resourceVersion"]) > int(current["metadata"]["resourceVersion"])
        assert updated["metadata"]["generation"] == 2
        assert updated["metadata"]["uid"] == current["metadata"]["uid"]

    def test_an_update_with_an_old_version_conflicts_and_changes_nothing(self, workflows: Workflows) -> None:
        old = workflows.create()
        workflows.replace(old | {"status": {"phase": 1}})
        with pytest.raises(ApiException) as error:
            workflows.replace(old | {"status": {"phase": 9}})
        assert error.value.status == 409
        assert "the object has been modified; please apply your changes to the latest version" in error.value.body
        assert workflows.get()["status"] == {"phase": 1}

    def test_an_update_without_a_version_is_refused(self, workflows: Workflows) -> None:
        workflows.create()
        with pytest.raises(ApiException) as error:
            workflows.replace(workflow("w"))
        assert error.value.status == 422
        assert "metadata.resourceVersion" in error.value.body

    def test_an_update_that_changes_nothing_keeps_the_version(self, workflows: Workflows) -> None:
        current = workflows.create()
        assert workflows.replace(current) == current

    def test_a_merge_patch_changes_what_it_names_and_removes_nulls(self, workflows: Workflows) -> None:
        workflows.create(labels={"a": "1", "b": "2"})
        patched = workflows.patch({"metadata": {"labels": {"a": None, "c": "3"}}, "status": {"phase": 1}})
        assert patched["metadata"]["labels"] == {"b": "2", "c": "3"}
        assert patched["spec"]["id"] == "p:d:w"

    def test_a_merge_patch_with_an_old_version_conflicts(self, workflows: Workflows) -> None:
        old = workflows.create()["metadata"]["resourceVersion"]
        workflows.patch({"status": {"phase": 1}})
        with pytest.raises(ApiException) as error:
            workflows.patch({"metadata": {"resourceVersion": old}, "status": {"phase": 2}})
        assert error.value.status == 409

    def test_a_missing_object_is_not_found(self, workflows: Workflows) -> None:
        with pytest.raises(ApiException) as error:
            workflows.replace(workflow("w", resourceVersion="1"))
        assert error.value.status == 404


class TestDelete:
    def test_without_finalizers_the_object_is_gone(self, workflows: Workflows) -> None:
        workflows.create()
        assert workflows.delete()["status"] == "Success"
        with pytest.raises(ApiException) as error:
            workflows.get()
        assert error.value.status == 404

    def test_a_finalizer_keeps_the_object_until_it_is_removed(self, workflows: Workflows) -> None:
        workflows.create(finalizers=[FINALIZER])
        workflows.delete()
        marked = workflows.get()
        assert marked["metadata"]["deletionTimestamp"]

        workflows.delete()
        assert workflows.get()["metadata"]["resourceVersion"] == marked["metadata"]["resourceVersion"]

        del marked["metadata"]["finalizers"]
        workflows.replace(marked)
        assert workflows.names() == []

    def test_removing_the_finalizer_first_leaves_a_plain_object(self, workflows: Workflows) -> None:
        workflows.create(finalizers=[FINALIZER])
        workflows.patch({"metadata": {"finalizers": []}})
        assert workflows.names() == ["w"]
        workflows.delete()
        assert workflows.names() == []

    def test_no_finalizer_is_added_while_it_is_being_deleted(self, workflows: Workflows) -> None:
        workflows.create(finalizers=[FINALIZER])
        workflows.delete()
        with pytest.raises(ApiException) as error:
            workflows.patch({"metadata": {"finalizers": [FINALIZER, "example.com/other"]}})
        assert error.value.status == 422
        assert "no new finalizers can be added" in error.value.body

    def test_a_name_is_taken_until_its_object_is_gone(self, workflows: Workflows) -> None:
        workflows.create(finalizers=[FINALIZER])
        workflows.delete()
        with pytest.raises(ApiException) as error:
            workflows.create()
        assert error.value.status == 409

    def test_a_delete_of_another_incarnation_conflicts(self, workflows: Workflows) -> None:
        workflows.create()
        with pytest.raises(ApiException) as error:
            workflows.delete(preconditions=V1Preconditions(uid=str(uuid.uuid4())))
        assert error.value.status == 409
        assert workflows.names() == ["w"]

    def test_a_missing_object_is_not_found(self, workflows: Workflows) -> None:
        with pytest.raises(ApiException) as error:
            workflows.delete()
        assert error.value.status == 404
        assert '"reason":"NotFound"' in error.value.body

    def test_a_collection_is_deleted_by_label(self, workflows: Workflows) -> None:
        workflows.create("done", labels={"termination-status": "terminated"})
        workflows.create("running")
        workflows.delete_all(label_selector="termination-status=terminated")
        assert workflows.names() == ["running"]


class TestList:
    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("stage=a", ["one"]),
            ("stage==a", ["one"]),
            ("stage!=a", ["three", "two"]),
            ("stage in (a, b)", ["one", "two"]),
            ("stage notin (a)", ["three", "two"]),
            ("stage", ["one", "two"]),
            ("!stage", ["three"]),
            ("stage in (a,b),size=big", ["two"]),
            ("stage=", []),
        ],
    )
    def test_labels_select(self, workflows: Workflows, selector: str, names: list[str]) -> None:
        workflows.create("one", labels={"stage": "a"})
        workflows.create("two", labels={"stage": "b", "size": "big"})
        workflows.create("three")
        assert workflows.names(label_selector=selector) == names

    def test_fields_select(self, workflows: Workflows) -> None:
        workflows.create("one")
        workflows.create("two")
        assert workflows.names(field_selector="metadata.name=two") == ["two"]
        assert workflows.names(field_selector="metadata.name!=two") == ["one"]

    @pytest.mark.parametrize(
        "selector", [{"label_selector": "a=b=c"}, {"label_selector": "a in b"}, {"field_selector": "spec.id=x"}]
    )
    def test_a_selector_that_cannot_be_read_is_refused(self, workflows: Workflows, selector: dict[str, str]) -> None:
        with pytest.raises(ApiException) as error:
            workflows.listing(**selector)
        assert error.value.status == 400

    def test_pages_give_everything_once(self, workflows: Workflows) -> None:
        for name in "abcde":
            workflows.create(name)
        seen: list[str] = []
        token = ""
        while token or not seen:
            page = workflows.listing(limit=2, **({"_continue": token} if token else {}))
            seen += [item["metadata"]["name"] for item in page["items"]]
            token = page["metadata"].get("continue", "")
        assert seen == list("abcde")

    def test_all_namespaces_are_listed_together(self, workflows: Workflows) -> None:
        workflows.create("here")
        listed = CustomObjectsApi(workflows.client).list_cluster_custom_object(
            "flyte.lyft.com", "v1alpha1", "flyteworkflows"
        )
        assert listed["kind"] == "FlyteWorkflowList"
        places = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in listed["items"]}
        assert (workflows.namespace, "here") in places

    def test_other_namespaces_are_not_listed(self, workflows: Workflows) -> None:
        workflows.create("here")
        assert dataclasses.replace(workflows, namespace="default").names(field_selector="metadata.name=here") == []


class TestWatch:
    def test_changes_after_a_list_are_seen_in_order(self, workflows: Workflows) -> None:
        workflows.create("before")
        version = workflows.listing()["metadata"]["resourceVersion"]
        workflows.create("w", finalizers=[FINALIZER])
        workflows.delete("w")
        workflows.patch({"metadata": {"finalizers": None}}, "w")

        seen = workflows.watch(count=3, resource_version=version)
        assert seen == [("ADDED", "w"), ("MODIFIED", "w"), ("DELETED", "w")]

    def test_without_a_version_it_begins_with_what_exists(self, workflows: Workflows) -> None:
        workflows.create("a")
        workflows.create("b")
        assert sorted(workflows.watch(count=2)) == [("ADDED", "a"), ("ADDED", "b")]

    def test_an_object_that_leaves_the_selection_is_deleted_for_the_watch(self, workflows: Workflows) -> None:
        version = workflows.listing()["metadata"]["resourceVersion"]
        workflows.create()
        workflows.patch({"metadata": {"labels": {"termination-status": "terminated"}}})
        workflows.patch({"metadata": {"labels": None}})

        seen = workflows.watch(
            count=3, resource_version=version, label_selector="termination-status notin (terminated)"
        )
        assert seen == [("ADDED", "w"), ("DELETED", "w"), ("ADDED", "w")]

    def test_it_ends_after_its_time(self, workflows: Workflows) -> None:
        version = workflows.listing()["metadata"]["resourceVersion"]
        assert workflows.watch(timeout_seconds=1, resource_version=version) == []

    def test_one_object_is_watched_by_its_name(self, workflows: Workflows) -> None:
        version = workflows.listing()["metadata"]["resourceVersion"]
        workflows.create("other")
        workflows.create("w")
        assert workflows.watch(count=1, resource_version=version, field_selector="metadata.name=w") == [("ADDED", "w")]


class TestNamespaces:
    def test_a_namespace_takes_its_objects_with_it(self, api_client: ApiClient) -> None:
        core, name = CoreV1Api(api_client), f"test-{uuid.uuid4().hex[:8]}"
        core.create_namespace(V1Namespace(metadata=V1ObjectMeta(name=name)))
        workflows = Workflows(api_client, name)
        workflows.create(finalizers=[FINALIZER])

        core.delete_namespace(name)

        assert core.read_namespace(name).status.phase == "Terminating"
        with pytest.raises(ApiException) as error:
            workflows.create("late")
        assert error.value.status == 403
        workflows.patch({"metadata": {"finalizers": None}})
        _wait_until_gone(core, name)
        assert name not in {item.metadata.name for item in core.list_namespace().items}

    def test_no_pod_templates_exist(self, api_client: ApiClient) -> None:
        assert CoreV1Api(api_client).list_pod_template_for_all_namespaces().items == []


def _wait_until_gone(core: CoreV1Api, name: str) -> None:
    """A real server takes its time to remove an emptied namespace; ten seconds at most."""
    selector = {"field_selector": f"metadata.name={name}"}
    listed = core.list_namespace(**selector)
    if not listed.items:
        return
    watch = Watch()
    version = listed.metadata.resource_version
    for event in watch.stream(core.list_namespace, **selector, resource_version=version, timeout_seconds=10):
        if event["type"] == "DELETED":
            watch.stop()


def _configuration(url: str, token: str) -> Configuration:
    configuration = Configuration(host=url, api_key={"authorization": f"Bearer {token}"})
    configuration.retries = False
    return configuration
