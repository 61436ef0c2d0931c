"""Batches of records that a queue or a stream hands to a function, and the partial batch response."""

from collections.abc import Iterable
from typing import TypedDict

from pydantic import BaseModel, ConfigDict, Field


class Batch[R: BaseModel](BaseModel):
    """Records in the order of delivery."""

    model_config = ConfigDict(hide_input_in_errors=True)

    records: list[R] = Field(alias="Records")


class _Failure(TypedDict):
    itemIdentifier: str


class BatchResponse(TypedDict):
    """Lambda's partial batch response, in Lambda's spelling."""

    batchItemFailures: list[_Failure]


def batch_response(identifiers: Iterable[str]) -> BatchResponse:
    """Report the records that are to be delivered again; a stream continues from the first of them."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}
