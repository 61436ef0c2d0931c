"""Queued events become state: the event queue's batches, logged first, then applied."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from flyteadmin.batches import Batch, BatchResponse, batch_response
from flyteadmin.events.envelope import QueueRecord
from flyteadmin.events.processing import process
from flyteadmin.observability import logger


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> BatchResponse:
    """Apply a batch; messages named in the answer are delivered again."""
    records = Batch[QueueRecord].model_validate(event).records
    return batch_response(process(records, context.get_remaining_time_in_millis() / 1000))
