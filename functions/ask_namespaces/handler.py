"""Changes of projects and of their attributes ask for namespaces."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from flyteadmin.batches import Batch
from flyteadmin.cluster_resources.changes import StreamRecord, ask_for_changes
from flyteadmin.observability import logger


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> None:
    """Ask for the namespaces of a batch; an error delivers the batch again."""
    ask_for_changes(Batch[StreamRecord].model_validate(event).records)
