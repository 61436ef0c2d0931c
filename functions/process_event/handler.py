"""Queued events become state: the event queue's batches, logged first, then applied."""

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

from flyteadmin.events.envelope import QueueRecord
from flyteadmin.events.processing import process
from flyteadmin.observability import logger


class Batch(BaseModel):
    """What the queue hands over."""

    records: list[QueueRecord] = Field(alias="Records")


class Failure(BaseModel):
    """A message to deliver again."""

    itemIdentifier: str  # noqa: N815  # the queue's spelling


class BatchResponse(BaseModel):
    """What the queue wants back."""

    batchItemFailures: list[Failure]  # noqa: N815  # the queue's spelling


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """Apply a batch; messages named in the answer are delivered again."""
    failed = process(Batch.model_validate(event).records, context.get_remaining_time_in_millis() / 1000)
    return BatchResponse(batchItemFailures=[Failure(itemIdentifier=message) for message in failed]).model_dump()
