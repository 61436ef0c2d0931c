"""Tests features of the in-memory cluster alone: faults on demand, EKS tokens, a short history, its process."""

import base64
import http.client
import json
import os
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner
from kubernetes.client import ApiClient, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch

from local.cluster.authentication import EksTokens
from local.cluster.faults import Fault
from local.cluster.process import running, serve
from local.cluster.server import ClusterServer
from local.cluster.store import Store

PLACE = ("flyte.lyft.com", "v1alpha1", "default", "flyteworkflows")


@contextmanager
def client(url: str, token: str = "", **options: object) -> Iterator[Any]:
    configuration = Configuration(host=url, api_key={"authorization": f"Bearer {token}"} if token else {})
    configuration.retries = False
    for name, value in options.items():
        setattr(configuration, name, value)
    with ApiClient(configuration) as api_client:
        yield CustomObjectsApi(api_client)


def workflow(name: str) -> dict[str, object]:
    return {"apiVersion": "flyte.lyft.com/v1alpha1", "kind": "FlyteWorkflow", "metadata": {"name": name}}


def names(server: ClusterServer) -> list[str]:
    kind = server.store.kind("flyte.lyft.com", "v1alpha1", "flyteworkflows")
    return [item.metadata.name for item in server.store.listing(kind).items]


class TestFaults:
    @pytest.mark.parametrize(("code", "reason"), [(403, "Forbidden"), (422, "Invalid"), (500, "InternalError")])
    def test_a_refusal_has_no_effect_and_happens_once(self, code: int, reason: str) -> None:
        with serve(Store()) as server, client(server.url) as custom:
            server.faults.add(Fault(verb="create", code=code, reason=reason))
            with pytest.raises(ApiException) as error:
                custom.create_namespaced_custom_object(*PLACE, workflow("w"))
            assert error.value.status == code
            assert names(server) == []

            custom.create_namespaced_custom_object(*PLACE, workflow("w"))
            assert names(server) == ["w"]

    def test_an_error_may_come_after_the_effect(self) -> None:
        with serve(Store()) as server, client(server.url) as custom:
            server.faults.add(Fault(verb="create", code=500, applied=True))
            with pytest.raises(ApiException) as error:
                custom.create_namespaced_custom_object(*PLACE, workflow("w"))
            assert error.value.status == 500
            assert names(server) == ["w"]

    def test_an_answer_may_never_come(self) -> None:
        with serve(Store()) as server, client(server.url) as custom:
            server.faults.add(Fault(verb="create", code=0, applied=True, hang_seconds=30))
            with pytest.raises(Exception, match="timed out"):
                custom.create_namespaced_custom_object(*PLACE, workflow("w"), _request_timeout=0.2)
            assert names(server) == ["w"]

    def test_other_calls_are_spared(self) -> None:
        with serve(Store()) as server, client(server.url) as custom:
            server.faults.add(Fault(verb="create", code=500, times=2))
            assert custom.list_namespaced_custom_object(*PLACE)["items"] == []

    def test_without_the_control_path_nobody_orders_faults(self) -> None:
        with serve(Store()) as server:
            request = urllib.request.Request(server.url + "/_control/faults", data=b'{"verb":"create"}', method="POST")
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(request)
            with error.value:
                assert error.value.code == 405


class TestContentTypes:
    """Go clients write built-in types in protobuf, a CustomResourceDefinition too; read and written here is JSON."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_a_body_in_protobuf_is_refused_by_its_name(self, method: str) -> None:
        with serve(Store()) as server:
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            url = server.url + (path if method == "POST" else f"{path}/flyteworkflows.flyte.lyft.com")
            headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
            request = urllib.request.Request(url, b"k8s\x00\n", headers, method=method)
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(request, timeout=5)
            status = json.loads(error.value.read())
            assert (status["code"], status["reason"]) == (415, "UnsupportedMediaType")
            assert "application/json" in status["message"]

    def test_a_reader_that_would_rather_have_protobuf_gets_json(self) -> None:
        with serve(Store()) as server:
            accepted = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
            request = urllib.request.Request(server.url + "/api/v1/podtemplates", headers=accepted)
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert answer.headers["Content-Type"] == "application/json"
                assert json.load(answer)["kind"] == "PodTemplateList"

    def test_a_body_of_no_stated_type_is_json(self) -> None:
        with serve(Store()) as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
            path = "/apis/flyte.lyft.com/v1alpha1/namespaces/default/flyteworkflows"
            connection.request("POST", path, json.dumps(workflow("w")))
            assert connection.getresponse().status == 201
            connection.close()
            assert names(server) == ["w"]


class TestHistory:
    def test_a_watch_from_a_forgotten_version_is_gone(self) -> None:
        with serve(Store(history=2)) as server, client(server.url) as custom:
            for name in "abc":
                custom.create_namespaced_custom_object(*PLACE, workflow(name))
            with pytest.raises(ApiException) as error:
                list(
                    Watch().stream(
                        custom.list_namespaced_custom_object, *PLACE, resource_version="1", timeout_seconds=5
                    )
                )
            assert error.value.status == 410

    def test_a_page_from_a_forgotten_version_is_gone(self) -> None:
        with serve(Store(history=2)) as server, client(server.url) as custom:
            for name in "ab":
                custom.create_namespaced_custom_object(*PLACE, workflow(name))
            page = custom.list_namespaced_custom_object(*PLACE, limit=1)
            for name in "cdef":
                custom.create_namespaced_custom_object(*PLACE, workflow(name))
            with pytest.raises(ApiException) as error:
                custom.list_namespaced_custom_object(*PLACE, _continue=page["metadata"]["continue"])
            assert error.value.status == 410

    def test_a_quiet_watch_gets_bookmarks_with_the_latest_version(self) -> None:
        with serve(Store(), bookmark_seconds=0.05) as server, client(server.url) as custom:
            version = custom.list_namespaced_custom_object(*PLACE)["metadata"]["resourceVersion"]
            watch = Watch()
            server.store.create_namespace("elsewhere")
            stream = watch.stream(
                custom.list_namespaced_custom_object,
                *PLACE,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=10,
            )
            event = next(stream)
            stream.close()
            assert event["type"] == "BOOKMARK"
            assert int(event["object"]["metadata"]["resourceVersion"]) == int(version) + 1


class TestToken:
    @pytest.mark.parametrize("token", ["", "wrong", "k8s-aws-v1.aGVsbG8"])
    def test_a_wrong_token_is_unauthorized(self, token: str) -> None:
        with serve(Store(), token="right") as server, client(server.url, token) as custom:
            with pytest.raises(ApiException) as error:
                custom.list_namespaced_custom_object(*PLACE)
            assert error.value.status == 401
            assert json.loads(error.value.body)["reason"] == "Unauthorized"

    def test_health_and_version_need_none(self) -> None:
        with serve(Store(), token="right") as server:
            for path in ("/healthz", "/readyz", "/version"):
                with urllib.request.urlopen(server.url + path) as response:
                    assert response.status == 200


class _Sts(BaseHTTPRequestHandler):
    """Answers as STS does to a caller that presents the cluster's name in the signed header."""

    def do_GET(self) -> None:
        is_ours = self.headers["x-k8s-aws-id"] == "flyte" and "X-Amz-Signature" in self.path
        body = b"<Arn>arn:aws:sts::000000000000:assumed-role/create-execution/session</Arn>"
        self.send_response(200 if is_ours else 403)
        self.end_headers()
        self.wfile.write(body if is_ours else b"<Error/>")

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def sts() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Sts)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def eks_token(sts: str, *, cluster: str = "flyte", signed: str = "x-k8s-aws-id", expires: int = 60) -> str:
    """Return the token that a client signs for a cluster, as `aws eks get-token` does."""
    credentials = Credentials("AKIDEXAMPLE", "secret")
    emitter = HierarchicalEmitter()  # the signer holds only a weak reference
    signer = RequestSigner(ServiceId("sts"), "us-east-1", "sts", "v4", credentials, emitter)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{sts}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {signed: cluster},
            "context": {},
        },
        region_name="us-east-1",
        expires_in=expires,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


ROLE = "arn:aws:iam::000000000000:role/create-execution"


class TestEksTokens:
    def test_a_role_on_the_list_is_accepted(self, sts: str) -> None:
        assert EksTokens("flyte", sts, {ROLE: "flyteadmin"})(eks_token(sts)) == "flyteadmin"

    def test_another_role_is_not(self, sts: str) -> None:
        assert EksTokens("flyte", sts, {ROLE + "-2": "flyteadmin"})(eks_token(sts)) is None

    def test_a_token_for_another_cluster_is_not(self, sts: str) -> None:
        assert EksTokens("other", sts, {ROLE: "flyteadmin"})(eks_token(sts, cluster="other")) is None

    def test_a_token_that_does_not_sign_the_cluster_is_not(self, sts: str) -> None:
        assert EksTokens("flyte", sts, {ROLE: "flyteadmin"})(eks_token(sts, signed="x-other")) is None

    def test_a_token_that_lives_too_long_is_not(self, sts: str) -> None:
        assert EksTokens("flyte", sts, {ROLE: "flyteadmin"})(eks_token(sts, expires=901)) is None

    def test_an_expired_token_is_not(self, sts: str) -> None:
        late = EksTokens("flyte", sts, {ROLE: "flyteadmin"}, clock=lambda: datetime.now(UTC) + timedelta(minutes=16))
        assert late(eks_token(sts)) is None

    def test_a_url_of_another_host_is_never_called(self, sts: str) -> None:
        elsewhere = EksTokens("flyte", "https://sts.us-east-1.amazonaws.com", {ROLE: "flyteadmin"})
        assert elsewhere(eks_token(sts)) is None

    @pytest.mark.parametrize(
        "token", ["", "k8s-aws-v1.", "k8s-aws-v1.%%%", "k8s-aws-v2.abc", f"k8s-aws-v1.{'a' * 5000}"]
    )
    def test_what_is_no_such_token_is_not(self, sts: str, token: str) -> None:
        assert EksTokens("flyte", sts, {ROLE: "flyteadmin"})(token) is None


class TestProcess:
    def test_it_runs_on_its_own_with_tls_token_and_faults(self) -> None:
        with running(token="-a-dash-is-no-option", namespaces=("p-d",)) as cluster:
            trusted = {"ssl_ca_cert": str(cluster.authority)}
            with client(cluster.url, cluster.token, **trusted) as custom:
                place = ("flyte.lyft.com", "v1alpha1", "p-d", "flyteworkflows")
                cluster.add_fault(Fault(verb="create", code=403, reason="Forbidden"))
                with pytest.raises(ApiException) as error:
                    custom.create_namespaced_custom_object(*place, workflow("w"))
                assert error.value.status == 403
                cluster.add_fault(Fault(verb="create", code=403, times=9))
                cluster.clear_faults()
                custom.create_namespaced_custom_object(*place, workflow("w"))
                spaces = CoreV1Api(custom.api_client).list_namespace().items
                assert [space.metadata.name for space in spaces] == ["default", "p-d"]

    def test_an_unknown_authority_is_not_trusted(self) -> None:
        with running() as cluster, pytest.raises(urllib.error.URLError) as error:
            urllib.request.urlopen(cluster.url + "/healthz", context=ssl.create_default_context())
        assert isinstance(error.value.reason, ssl.SSLCertVerificationError)

    @pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not at hand")
    def test_kubectl_finds_its_way(self, tmp_path: Path) -> None:
        with running() as cluster:
            config = tmp_path / "kubeconfig"
            config.write_text(cluster.kubeconfig())
            done = subprocess.run(
                ["kubectl", f"--kubeconfig={config}", f"--cache-dir={tmp_path}", "get", "fly", "-A", "-o", "name"],
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.returncode, done.stdout) == (0, "")
