"""One structured log and one place for metrics; no secret and no input value ever goes into either."""

from aws_lambda_powertools import Logger

logger = Logger(service="flyteadmin", use_rfc3339=True, utc=True)
"""Bind what a line is about with `logger.append_keys(execution=…)`; the handlers clear the keys per invocation."""
