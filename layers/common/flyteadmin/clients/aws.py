"""One session and tuned boto3 clients: short time-outs, few retries, no parameter validation."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flyteadmin.clients import deadline
from flyteadmin.errors import Internal, Unavailable
from flyteadmin.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

PASSING_FAULTS = frozenset(
    {
        "InternalServerError",
        "InternalError",
        "InternalFailure",
        "InternalServiceError",
        "KMSThrottling",
        "KmsThrottled",
        "LimitExceededException",
        "OverLimit",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
        "Throttled",
        "Throttling",
        "TransactionInProgressException",
        "500",
        "503",
    }
)
"""Error codes of AWS after which the same call may succeed later."""

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=4,
    max_pool_connections=32,
    parameter_validation=False,
    retries={"mode": "standard", "total_max_attempts": 3},
    s3={"addressing_style": "path"},
    signature_version=None,
    tcp_keepalive=True,
    user_agent="flyteadmin",
)
"""A call takes at most 18 s (three times 1 + 4 s, and two pauses), less than the time-out of any function.

DynamoDB and SQS answer in milliseconds, S3 within a second: after four seconds a new attempt is the faster way.
"""

LONGEST_CALL_SECONDS = 18
"""The longest time that such a call takes."""

_lock = Lock()

_Service = Literal["dynamodb", "s3", "secretsmanager", "sns", "sqs", "sts"]


@lru_cache(maxsize=1)
def session() -> boto3.session.Session:
    """Return the session of this process; its credentials are those of the function's role."""
    return boto3.session.Session()


@overload
def client(service: Literal["dynamodb"]) -> "DynamoDBClient": ...
@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["sns"]) -> "SNSClient": ...
@overload
def client(service: Literal["sqs"]) -> "SQSClient": ...
@overload
def client(service: Literal["sts"]) -> "STSClient": ...
def client(service: _Service) -> object:
    """Return the process's one client for a service; locked, since boto3 does not create clients safely in threads."""
    with _lock:
        return _client(service)


@lru_cache(maxsize=8)
def _client(service: _Service) -> object:
    config = _CONFIG.merge(Config(signature_version="s3v4")) if service == "s3" else _CONFIG
    return session().client(service, config=config)


def forget() -> None:
    """Forget the session and the clients, so that the next call reads the environment again (for tests)."""
    session.cache_clear()
    _client.cache_clear()


def error_code(error: ClientError) -> str:
    """Return the code of an AWS error, e.g. "ConditionalCheckFailedException"."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def translate_errors(what: str) -> Iterator[None]:
    """Turn the errors of AWS into errors that a client may see; the cause goes to the log only.

    Raises:
        OutOfTime: the deadline has passed; the call was not begun.
        Unavailable: throttling or a transport error; the same call may succeed later.
        Internal: anything else, e.g. a permission that the role lacks.
    """
    deadline.check()
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in PASSING_FAULTS:
            logger.warning("AWS is not available", extra={"what": what, "aws_code": code})
            raise Unavailable(f"{what} is not available right now, try again") from error
        logger.error("AWS refused a call", extra={"what": what, "aws_code": code}, exc_info=error)
        raise Internal(f"{what} failed") from error
    except BotoCoreError as error:
        logger.warning("AWS can't be reached", extra={"what": what, "cause": type(error).__name__}, exc_info=error)
        raise Unavailable(f"{what} can't be reached right now, try again") from error
