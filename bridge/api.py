"""The HTTPS API as the bridge calls it: pooled connections, signed, followed to where a large answer lies, repeated."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError
from yarl import URL

from bridge.answers import OCTETS, Answer
from bridge.signing import Signer
from bridge.transcoder import HttpCall
from flyteadmin.errors import Internal
from flyteadmin.observability import logger

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0
_LEAST_ATTEMPT_SECONDS = 0.05
_LONGEST_ATTEMPT_SECONDS = 31.0  # API Gateway gives up after 30
_CONNECT_SECONDS = 3.0


class Unreachable(Exception):
    """Nobody was asked, or nobody answered; whether the call had an effect is open."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a call must have its answer, on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """A deadline so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until it; negative once it has passed."""
        return self.at - time.monotonic()


class Api:
    """One API under its base URL, called by many at once."""

    def __init__(self, url: str, signer: Signer | None, session: aiohttp.ClientSession) -> None:
        """Call the API at `url` over `session`; without a signer, with the caller's own headers alone."""
        self._url = url
        self._signer = signer
        self._session = session

    async def call(
        self, call: HttpCall, headers: Mapping[str, str], deadline: Deadline, attempts: int, *, signed: bool = True
    ) -> Answer:
        """The answer to a call; the same call again while the fault is passing and both deadline and attempts allow.

        One whose caller is not known goes unsigned.

        Raises:
            Unreachable: nobody answered the last attempt.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            attempts -= 1
            failure: Answer | Unreachable
            try:
                answer = await self._attempt(call, headers, deadline, signed=signed)
                if not answer.is_passing:
                    return answer
                failure = answer
            except Unreachable as error:
                failure = error
            wait = pause * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret
            if attempts <= 0 or deadline.left < wait + _LEAST_ATTEMPT_SECONDS:
                return _last(failure)
            logger.info("trying again", extra={"target": call.target.partition("?")[0], "cause": _cause(failure)})
            await asyncio.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _attempt(self, call: HttpCall, headers: Mapping[str, str], deadline: Deadline, *, signed: bool) -> Answer:
        url = self._url + call.target
        sent = {"accept": OCTETS, **headers}
        if call.body or call.method != "GET":
            sent["content-type"] = OCTETS
        if self._signer is not None and signed:
            try:
                sent = await self._signer.sign(call.method, url, call.body, sent)
            except (BotoCoreError, ClientError) as error:
                raise Unreachable("no credentials can be had right now") from error
        answer = await self._send(call.method, url, sent, call.body, deadline)
        if answer.status == HTTPStatus.SEE_OTHER:
            answer = await self._follow(urljoin(url, answer.headers.get("location", "")), deadline)
        return answer

    async def _follow(self, url: str, deadline: Deadline) -> Answer:
        """Fetch a large answer; the presigned URL is all that its store may see."""
        answer = await self._send("GET", url, {}, b"", deadline)
        if not answer.ok and not answer.is_passing:
            raise Internal(f"the store of large answers said HTTP {answer.status}")
        return answer

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
        seconds = min(max(deadline.left, _LEAST_ATTEMPT_SECONDS), _LONGEST_ATTEMPT_SECONDS)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)
        try:
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                answer = await response.read()
                return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, answer)
        except TimeoutError:
            raise Unreachable(f"no answer within {seconds:.1f} s") from None
        except aiohttp.ClientError as error:
            raise Unreachable(type(error).__name__) from error


def _last(failure: Answer | Unreachable) -> Answer:
    if isinstance(failure, Unreachable):
        raise failure
    return failure


def _cause(failure: Answer | Unreachable) -> str:
    return str(failure) if isinstance(failure, Unreachable) else f"HTTP {failure.status}"
