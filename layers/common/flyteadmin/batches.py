"""What a queue or a stream hands to a function, and what it wants back: the records that it is to deliver again."""

from collections.abc import Iterable
from typing import TypedDict

from pydantic import BaseModel, Field


class Batch[R: BaseModel](BaseModel):
    """Records, in the order in which they are delivered."""

    records: list[R] = Field(alias="Records")


class _Failure(TypedDict):
    itemIdentifier: str


class BatchResponse(TypedDict):
    """Lambda's answer to an event source that reports failures one by one; its spelling."""

    batchItemFailures: list[_Failure]


def batch_response(identifiers: Iterable[str]) -> BatchResponse:
    """The answer that names what is to be delivered again: messages of a queue, or a stream's record to go on from."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}
