"""The HTTPS API as the bridge calls it: pooled connections, signed, followed to where a large answer lies, repeated."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError
from yarl import URL

from bridge.answers import OCTETS, Answer
from bridge.signing import Signer
from bridge.transcoder import HttpCall
from flyteadmin.errors import Internal, ResourceExhausted
from flyteadmin.observability import logger

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0
_LEAST_ATTEMPT_SECONDS = 0.05
_LONGEST_ATTEMPT_SECONDS = 31.0  # API Gateway gives up after 30
_CONNECT_SECONDS = 3.0
_SMALL_BYTES = 64 * 1024
_LARGEST_ANSWER_BYTES = 24 * 1024 * 1024  # flytekit takes 20 MiB


class Unreachable(Exception):
    """Nobody was asked, or nobody answered; whether the call had an effect is open."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a call must have its answer, on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return a deadline so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until it; negative once it has passed."""
        return self.at - time.monotonic()


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a call is made: its headers, until when, and `hold`, to be asked before so many bytes are read."""

    headers: Mapping[str, str]
    deadline: Deadline
    hold: Callable[[int], Awaitable[None]]


class Api:
    """One API under its base URL, called by many at once."""

    def __init__(self, url: str, signer: Signer | None, session: aiohttp.ClientSession) -> None:
        """Call the API at `url` over `session`; without a signer, with the caller's own headers alone."""
        self._url = url
        self._signer = signer
        self._session = session

    async def call(self, call: HttpCall, terms: Terms, attempts: int, *, signed: bool = True) -> Answer:
        """Call, and repeat the call while its fault may pass and both deadline and attempts allow.

        One whose caller is not known goes unsigned.

        Raises:
            Unreachable: nobody answered the last attempt.
            ResourceExhausted: the answer is larger than any client takes.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            attempts -= 1
            failure: Answer | Unreachable
            try:
                answer = await self._attempt(call, terms, signed=signed)
                if not answer.is_passing:
                    return answer
                failure = answer
            except Unreachable as error:
                failure = error
            wait = pause * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret
            if attempts <= 0 or terms.deadline.left < wait + _LEAST_ATTEMPT_SECONDS:
                return _last(failure)
            logger.info("trying again", extra={"target": call.target.partition("?")[0], "cause": _cause(failure)})
            await asyncio.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _attempt(self, call: HttpCall, terms: Terms, *, signed: bool) -> Answer:
        url = self._url + call.target
        sent = {"accept": OCTETS, **terms.headers}
        if call.body or call.method != "GET":
            sent["content-type"] = OCTETS
        if self._signer is not None and signed:
            try:
                sent = await self._signer.sign(call.method, url, call.body, sent)
            except (BotoCoreError, ClientError) as error:
                raise Unreachable("no credentials can be had right now") from error
        answer = await self._send(replace(call, target=url), replace(terms, headers=sent))
        if answer.status == HTTPStatus.SEE_OTHER:
            answer = await self._follow(urljoin(url, answer.headers.get("location", "")), terms)
        return answer

    async def _follow(self, url: str, terms: Terms) -> Answer:
        """Fetch a large answer; the presigned URL is all that its store may see."""
        answer = await self._send(HttpCall("GET", url, b""), replace(terms, headers={}))
        if not answer.ok and not answer.is_passing:
            raise Internal(f"the store of large answers said HTTP {answer.status}")
        return answer

    async def _send(self, call: HttpCall, terms: Terms) -> Answer:
        """Send a call whose target is a whole URL."""
        seconds = min(max(terms.deadline.left, _LEAST_ATTEMPT_SECONDS), _LONGEST_ATTEMPT_SECONDS)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)
        try:
            async with self._session.request(
                call.method,
                URL(call.target, encoded=True),
                headers=terms.headers,
                data=call.body,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await _body(response, terms)
                return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, body)
        except TimeoutError:
            raise Unreachable(f"no answer within {seconds:.1f} s") from None
        except aiohttp.ClientError as error:
            raise Unreachable(type(error).__name__) from error


async def _body(response: aiohttp.ClientResponse, terms: Terms) -> bytes:
    """Read a body, a large one when its turn has come.

    Raises:
        ResourceExhausted: it is larger than any client takes.
    """
    size = _LARGEST_ANSWER_BYTES if response.content_length is None else response.content_length
    if size > _LARGEST_ANSWER_BYTES:
        raise ResourceExhausted(f"the answer has {size} bytes, and no client takes so many: ask for fewer at a time")
    if size > _SMALL_BYTES:
        await terms.hold(size)
    return await response.read()


def _last(failure: Answer | Unreachable) -> Answer:
    if isinstance(failure, Unreachable):
        raise failure
    return failure


def _cause(failure: Answer | Unreachable) -> str:
    return str(failure) if isinstance(failure, Unreachable) else f"HTTP {failure.status}"
