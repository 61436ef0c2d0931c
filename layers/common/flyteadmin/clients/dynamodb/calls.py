"""Calls to DynamoDB that outlast throttling, and the pause between two attempts."""

import random
import time
from collections.abc import Callable
from typing import Final

from botocore.exceptions import ClientError

from flyteadmin.clients.aws import error_code, translate_errors

ATTEMPTS: Final = 6
"""The most attempts of a batch that is processed in parts, or of a write that a transaction holds up."""

_ROUNDS = 3
_THROTTLES = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})


def with_retries[**P, R](call: Callable[P, R], *arguments: P.args, **parameters: P.kwargs) -> R:
    """Make a call and repeat it while it is throttled, beyond botocore's own retries.

    botocore tries a call three times, but within a quota that all threads of the process share: when many are
    throttled, it stops retrying. Errors as `translate_errors` of clients/aws.py, and all others that the call raises.
    """
    for attempt in range(_ROUNDS - 1):
        with translate_errors("the database"):
            try:
                return call(*arguments, **parameters)
            except ClientError as error:
                if error_code(error) not in _THROTTLES:
                    raise
        back_off(attempt)
    with translate_errors("the database"):
        return call(*arguments, **parameters)


def back_off(attempt: int) -> None:
    """Sleep for a random time: at most 50 ms, doubled with each attempt, never more than 1 s."""
    time.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))  # noqa: S311  # jitter, not a secret
