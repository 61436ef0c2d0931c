"""Clients for the local AWS: boto3 sessions per account, and HTTP API calls, signed or not."""

import functools
import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REGION = "us-east-1"
DEFAULT_ACCOUNT = "000000000000"
ROOT_SECRET = "LOCAL_AWS_SECRET"
"""The variable by which the server, and who calls it by hand, are told the secret of its root users."""

CONFIG = Config(retries={"mode": "standard"})
# boto3 presigns SigV2 by default, which MiniStack doesn't verify; path style needs no name resolution.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running local AWS. Each 12-digit access key, with the `secret`, is the root of an account of its own."""

    url: str
    secret: str = field(repr=False)

    def session(self, account_id: str = DEFAULT_ACCOUNT) -> boto3.Session:
        """Return a session of an account's root user, which IAM never refuses."""
        return session(Credentials(account_id, self.secret))

    def client(self, service: str, account_id: str = DEFAULT_ACCOUNT) -> Any:
        """Return the boto3 client of a service as root; `Any`, since the service is known only at run time."""
        return _root_client(service, self.url, account_id, self.secret)

    def reset(self) -> None:
        """Forget all state of all accounts."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


def session(credentials: Credentials) -> boto3.Session:
    """Return a session that signs with `credentials` and reads nothing from this machine's AWS configuration."""
    return boto3.Session(
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        region_name=REGION,
    )


def client(service: str, url: str, of: boto3.Session) -> Any:
    """Return a boto3 client of `service` at `url`; `Any`, since the service is known only at run time."""
    return of.client(service, endpoint_url=url, config=S3_CONFIG if service == "s3" else CONFIG)  # type: ignore[call-overload]  # the name is no literal


@functools.lru_cache(maxsize=16)  # tests make an account each
def _root_client(service: str, url: str, account_id: str, secret: str) -> Any:
    config = S3_CONFIG if service == "s3" else CONFIG
    return _shared_session().client(  # type: ignore[call-overload]  # the name is no literal
        service, endpoint_url=url, config=config, aws_access_key_id=account_id, aws_secret_access_key=secret
    )


@functools.cache  # making one takes longer than making a client
def _shared_session() -> boto3.Session:
    return boto3.Session(region_name=REGION)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of an HTTP API; header names in lower case, repeated ones joined by `, `."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.BAD_REQUEST

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class HttpApi:
    """A deployed HTTP API under its base URL, called with AWS credentials (SigV4 `execute-api`) or without any."""

    base_url: str
    credentials: Credentials | None = None
    timeout: float = 30
    default_headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, endpoint: Endpoint, api_id: str, credentials: Credentials | None = None) -> "HttpApi":
        """Return the API that a stack on `endpoint` deployed; the path form, which no name resolution can break."""
        return cls(f"{endpoint.url}/_aws/execute-api/{api_id}/$default", credentials)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request; redirects are returned, not followed.

        Args:
            method: The HTTP method.
            path: The path and query as they go on the wire, percent-encoded.
            body: The bytes to send.
            headers: They replace `default_headers` of the same name.

        Raises:
            OSError: Nobody answered.
        """
        url = self.base_url + path
        sent = {**self.default_headers, **(headers or {})}
        if self.credentials:
            sent = signed_headers(self.credentials, method, url, body, sent)
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=self.timeout)
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
            answer = connection.getresponse()
            return Response(answer.status, _joined(answer.getheaders()), answer.read())
        finally:
            connection.close()


def signed_headers(
    credentials: Credentials, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> dict[str, str]:
    """Return `headers` with the SigV4 signature of an `execute-api` call."""
    request = AWSRequest(method=method, url=url, data=body or b"", headers=dict(headers))
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return dict(request.headers.items())


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
