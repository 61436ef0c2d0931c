"""Namespaces that are due are asked for, every five minutes."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from flyteadmin.cluster_resources.sweeping import sweep
from flyteadmin.observability import logger


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, int]:
    """Ask for all that are due and say how many they are."""
    return {"asked": sweep()}
