"""Servers on a developer's machine serve programs, and no web page that the developer happens to look at."""

from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials

from local.aws import process
from local.aws.client import DEFAULT_ACCOUNT, Endpoint, signed_headers
from local.cluster.process import RunningCluster, running, serve
from local.cluster.store import Store
from local.engine.tasks.logs import serving
from local.web_pages import is_here, refusal
from tests.local.conftest import CONSOLE

FROM_PAGES = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:80"},
    {"Host": ""},
]


def status(url: str, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders())
    finally:
        connection.close()


@pytest.mark.parametrize("headers", FROM_PAGES, ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/v2/apis"),
        ("GET", "/_ministack/health"),
        ("POST", "/_ministack/reset"),
        ("POST", "/2015-03-31/functions/flyteadmin-create-execution/invocations"),
    ],
)
def test_the_embedded_aws_refuses_web_pages(
    endpoint: Endpoint, method: str, path: str, headers: Mapping[str, str]
) -> None:
    answered, said = status(endpoint.url, method, path, headers)
    assert answered == 403
    assert not [name for name in said if name.lower().startswith("access-control")]


def test_a_page_is_refused_even_if_it_signs(endpoint: Endpoint) -> None:
    root = Credentials(DEFAULT_ACCOUNT, endpoint.secret)
    url = f"{endpoint.url}/v2/apis"
    headers = signed_headers(root, "GET", url, None, {"Origin": "http://evil.example"})
    assert status(endpoint.url, "GET", "/v2/apis", headers)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "abc.execute-api.localhost:80", "[::1]:9"])
def test_programs_are_served(endpoint: Endpoint, host: str) -> None:
    assert status(endpoint.url, "GET", "/_ministack/health", {"Host": host, "Sec-Fetch-Site": "none"})[0] == 200


def test_a_site_that_was_named_may_call(endpoint: Endpoint) -> None:
    assert status(endpoint.url, "GET", "/_ministack/health", {"Origin": CONSOLE})[0] == 200


def test_each_start_has_a_secret_of_its_own(endpoint: Endpoint) -> None:
    with process.running() as another:
        assert len({another.secret, endpoint.secret, "test"}) == 3
    assert endpoint.secret not in repr(endpoint)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with running() as started:
        yield started


@pytest.mark.parametrize("headers", FROM_PAGES, ids=str)
def test_the_cluster_refuses_web_pages(headers: Mapping[str, str]) -> None:
    with serve(Store(), token="t") as server:
        allowed = {"Authorization": "Bearer t"}
        assert status(server.url, "GET", "/api/v1/namespaces", allowed)[0] == 200
        assert status(server.url, "GET", "/api/v1/namespaces", {**allowed, **headers})[0] == 403


def test_faults_are_ordered_by_who_has_the_token() -> None:
    with serve(Store(), token="t", control=True) as server:
        assert status(server.url, "DELETE", "/_control/faults", {})[0] == 401
        assert status(server.url, "DELETE", "/_control/faults", {"Authorization": "Bearer t"})[0] == 200


def test_a_cluster_has_a_token_of_its_own(cluster: RunningCluster) -> None:
    with running() as another:
        assert another.token != cluster.token
    cluster.clear_faults()


def test_logs_are_not_for_other_names(tmp_path: Path) -> None:
    with serving(tmp_path) as logs:
        logs.path("a.txt").write_text("said")
        assert status(logs.url, "GET", "/a.txt", {})[0] == 200
        assert status(logs.url, "GET", "/a.txt", {"Host": "evil.example"})[0] == 403
        assert not any("access-control" in name.lower() for name in status(logs.url, "GET", "/a.txt", {})[1])


def test_what_a_header_may_name() -> None:
    for host in ("", "evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0:80"):
        assert (is_here(host), refusal({"host": host})) == (False, "Host names another machine")
    assert refusal({"host": "localhost"}) == ""
