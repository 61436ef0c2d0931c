"""Changes of executions become notifications: the executions table's stream to the topic."""

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

from flyteadmin.notifications.service import StreamRecord, notify
from flyteadmin.observability import logger


class Batch(BaseModel):
    """What the stream hands over."""

    records: list[StreamRecord] = Field(alias="Records")


class Failure(BaseModel):
    """The record to start again from."""

    itemIdentifier: str  # noqa: N815  # the stream's spelling


class BatchResponse(BaseModel):
    """What the stream wants back."""

    batchItemFailures: list[Failure]  # noqa: N815  # the stream's spelling


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """Publish what a batch announces."""
    failed = notify(Batch.model_validate(event).records, context.get_remaining_time_in_millis() / 1000)
    return BatchResponse(batchItemFailures=[Failure(itemIdentifier=sequence) for sequence in failed]).model_dump()
