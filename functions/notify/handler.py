"""Changes of executions become notifications: the executions table's stream to the topic."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from flyteadmin.batches import Batch, BatchResponse, batch_response
from flyteadmin.notifications.service import StreamRecord, notify
from flyteadmin.observability import logger


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> BatchResponse:
    """Publish what a batch announces."""
    records = Batch[StreamRecord].model_validate(event).records
    return batch_response(notify(records, context.get_remaining_time_in_millis() / 1000))
