"""Calls to DynamoDB that outlast throttling, and the pause between two attempts."""

import random
import time
from collections.abc import Callable
from typing import Final

from botocore.exceptions import ClientError

from flyteadmin.clients.aws import error_code, faults

ATTEMPTS: Final = 6
"""How often a call is made for what is left of it, or that met another writer."""

_ROUNDS = 3
_THROTTLES = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})


def with_retries[**P, R](call: Callable[P, R], *arguments: P.args, **parameters: P.kwargs) -> R:
    """What a call answers; one that is throttled is made again, beyond what botocore does.

    botocore tries a call three times, but out of a quota that all threads of the process share: while many are
    throttled it gives up at once. Errors as `flyteadmin.clients.aws.faults`, and whatever else the call raises.
    """
    for attempt in range(_ROUNDS - 1):
        with faults("the database"):
            try:
                return call(*arguments, **parameters)
            except ClientError as error:
                if error_code(error) not in _THROTTLES:
                    raise
        back_off(attempt)
    with faults("the database"):
        return call(*arguments, **parameters)


def back_off(attempt: int) -> None:
    """Sleep a random while, up to 50 ms doubled with each attempt, at most 1 s."""
    time.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))  # noqa: S311  # jitter, not a secret
