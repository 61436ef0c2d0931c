"""Secrets of Secrets Manager, kept for a minute."""

import time
from functools import lru_cache

from flyteadmin.clients.aws import client, translate_errors

_KEPT_SECONDS = 60
_SECRETS_KEPT = 64


def read(arn: str, what: str) -> str:
    """Read a secret's text; `what` names it in errors.

    Raises:
        Internal: the role may not read it, or there is none.
        Unavailable: Secrets Manager does not answer.
    """
    return _read(arn, what, int(time.monotonic()) // _KEPT_SECONDS)


@lru_cache(maxsize=_SECRETS_KEPT)
def _read(arn: str, what: str, _period: int) -> str:
    with translate_errors(what):
        return client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
