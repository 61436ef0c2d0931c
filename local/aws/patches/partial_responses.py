"""Reads a handler's partial failures (`ReportBatchItemFailures`) as AWS does."""

import json
from typing import Any


def failed_identifiers(response: Any) -> list[str | None]:
    """Return the identifiers that a handler's response names; None stands for one that makes the response invalid."""
    if isinstance(response, str):
        try:
            response = json.loads(response) if response else None
        except ValueError:
            return [None]
    if not response:
        return []
    if not isinstance(response, dict):
        return [None]
    return [_identifier(failure) for failure in response.get("batchItemFailures") or []]


def _identifier(failure: Any) -> str | None:
    return (failure.get("itemIdentifier") or None) if isinstance(failure, dict) else None
