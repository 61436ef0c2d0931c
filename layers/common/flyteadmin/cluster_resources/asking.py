"""Asks that a project's domain gets its namespace in a cluster: one message each.

Messages of a cluster are applied in order, so that one which is down holds up its own alone. What a sweep finds waits
in another group than what somebody waits for.
"""

from collections.abc import Iterable
from hashlib import sha256
from itertools import batched

from pydantic import BaseModel

from flyteadmin.clients import queue
from flyteadmin.clients.queue import Message
from flyteadmin.cluster_resources.repository import place_key
from flyteadmin.settings import environment


class Request(BaseModel):
    """A cluster and a project's domain; `digest` is what should be there, "" where nobody knows.

    `again` says that it is to be applied although a row says that it is there.
    """

    cluster: str
    project: str
    domain: str
    digest: str = ""
    again: bool = False

    @property
    def place(self) -> str:
        """The sort key of its row."""
        return place_key(self.project, self.domain)


def is_enabled() -> bool:
    """Return whether this deployment makes namespaces."""
    return bool(environment().namespaces_queue_url)


def ask(requests: Iterable[Request], *, cause: str, urgent: bool) -> int:
    """Queue requests and return how many; the same one for the same `cause` counts once in five minutes.

    Raises:
        Unavailable: the queue did not take some; those before it may be queued.
    """
    count = 0
    for batch in batched(requests, queue.BATCH):
        messages = [_message(request, cause, urgent=urgent) for request in batch]
        for outcome in queue.send_namespaces(messages):
            if outcome is not None:
                raise outcome
        count += len(messages)
    return count


def _message(request: Request, cause: str, *, urgent: bool) -> Message:
    identity = f"{cause}/{request.cluster}/{request.place}/{request.digest}"
    return Message(
        body=request.model_dump_json(),
        group=sha256(f"{request.cluster}/{urgent}".encode()).hexdigest(),
        deduplication=sha256(identity.encode()).hexdigest(),
    )
