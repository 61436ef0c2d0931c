"""Namespaces that were asked for get what the operator's templates put into them."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from flyteadmin.batches import Batch, BatchResponse, batch_response
from flyteadmin.cluster_resources.delivery import QueueRecord, apply_all
from flyteadmin.observability import logger


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> BatchResponse:
    """Apply a batch; messages named in the answer are delivered again."""
    records = Batch[QueueRecord].model_validate(event).records
    return batch_response(apply_all(records, context.get_remaining_time_in_millis() / 1000))
