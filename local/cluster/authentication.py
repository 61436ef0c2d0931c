"""Authenticates callers: a static bearer token, and EKS tokens verified as the EKS authenticator does.

An EKS token is `k8s-aws-v1.` and a presigned STS GetCallerIdentity URL in unpadded base64url; a caller that can sign
for a role is that role. The check calls the URL, so the signature, the expiry and the signed cluster name are STS's
verdict.
"""

import base64
import binascii
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
_MAX_TOKEN = 4096
_MAX_AGE = timedelta(minutes=15)
_PARAMETERS = frozenset(
    {
        "action",
        "version",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
        "x-amz-user-agent",
    }
)
_ARN = re.compile(r"arn:aws[-a-z]*:(?:iam|sts)::[^\s<\"]+")
_ASSUMED_ROLE = re.compile(r"arn:(aws[-a-z]*):sts::(\d+):assumed-role/([^/]+)/.+")


class Authentication(Protocol):
    """Names the caller that a bearer token stands for, or None if it is not accepted."""

    def __call__(self, token: str) -> str | None: ...


@dataclass(frozen=True)
class StaticToken:
    """A service account's token."""

    token: str
    user: str = "system:serviceaccount:default:default"

    def __call__(self, token: str) -> str | None:
        return self.user if token == self.token else None


@dataclass(frozen=True)
class EksTokens:
    """Roles and users by ARN, for one cluster name; URLs are called only at the STS endpoint given."""

    cluster_name: str
    sts_endpoint: str
    users: Mapping[str, str]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self, token: str) -> str | None:
        url = _presigned_url(token)
        if url is None or not self._is_acceptable(url):
            return None
        arn = self._caller(url)
        return self.users.get(_canonical(arn)) if arn else None

    def _is_acceptable(self, url: SplitResult) -> bool:
        endpoint = urlsplit(self.sts_endpoint)
        if (url.scheme, url.netloc, url.path) != (endpoint.scheme, endpoint.netloc, "/"):
            return False
        pairs = [(name.lower(), value) for name, value in parse_qsl(url.query, keep_blank_values=True)]
        query = dict(pairs)
        return (
            len(query) == len(pairs)
            and query.keys() <= _PARAMETERS
            and query.get("action") == "GetCallerIdentity"
            and CLUSTER_HEADER in query.get("x-amz-signedheaders", "").split(";")
            and self._is_fresh(query.get("x-amz-date", ""), query.get("x-amz-expires", ""))
        )

    def _is_fresh(self, signed_at: str, expires: str) -> bool:
        try:
            begin = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return False
        if not (expires.isdigit() and int(expires) <= _MAX_AGE.total_seconds()):
            return False
        return begin - _MAX_AGE <= self.clock() <= begin + _MAX_AGE

    def _caller(self, url: SplitResult) -> str | None:
        request = urllib.request.Request(url.geturl(), headers={CLUSTER_HEADER: self.cluster_name})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                found = _ARN.search(response.read().decode())
        except urllib.error.URLError:
            return None
        return found[0] if found else None


def _presigned_url(token: str) -> SplitResult | None:
    if not token.startswith(PREFIX) or len(token) > _MAX_TOKEN:
        return None
    encoded = token.removeprefix(PREFIX)
    try:
        return urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    except (binascii.Error, ValueError):
        return None


def _canonical(arn: str) -> str:
    return _ASSUMED_ROLE.sub(r"arn:\1:iam::\2:role/\3", arn)
