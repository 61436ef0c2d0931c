"""SigV4 for API Gateway, with the credentials of this process, which botocore refreshes."""

import asyncio
import time
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session

_FRESH_SECONDS = 60


class Signer:
    """Signs requests for `execute-api`.

    Credentials are asked for once a minute, in a thread, since botocore may call STS then; it renews them long before
    they end.
    """

    def __init__(self, credentials: Credentials, region: str) -> None:
        """Sign as `credentials` for an API in `region`."""
        self._credentials = credentials
        self._region = region
        self._frozen: ReadOnlyCredentials | None = None
        self._until = 0.0

    @classmethod
    def of_process(cls) -> "Signer":
        """Return the signer with what botocore finds: variables, a web identity, a profile, an instance's role.

        Raises:
            RuntimeError: it finds no credentials, or no region.
        """
        session = Session()
        credentials, region = session.get_credentials(), session.get_config_variable("region")
        if credentials is None or not region:
            raise RuntimeError("no AWS credentials or no region: set AWS_DEFAULT_REGION and a role, profile or key")
        return cls(credentials, region)

    async def sign(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with the signature in them."""
        if self._frozen is None or time.monotonic() >= self._until:
            self._frozen = await asyncio.to_thread(self._credentials.get_frozen_credentials)
            self._until = time.monotonic() + _FRESH_SECONDS
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        SigV4Auth(self._frozen, "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())
