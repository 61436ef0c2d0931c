"""DynamoDB streams as event sources: each mapping reads on a thread of its own, and its failures are AWS's."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

from local.aws.patches.partial_responses import failed_identifiers
from local.aws.patches.wrapping import around

_PAUSE_AFTER_FAILURE_SECONDS = 0.2


def mappings() -> None:
    """All stream mappings share one thread, and a failed batch is retried without a limit, whatever the mapping says.

    AWS reads each shard on its own, retries from the first failed record of a partial response, halves a failing batch
    under `BisectBatchOnFunctionError`, and after `MaximumRetryAttempts` or `MaximumRecordAgeInSeconds` gives the batch
    up to the on-failure destination.
    """
    readers: dict[str, _Reader] = {}

    def poll(_original: Any) -> bool:
        found = False
        for account, region, mapping in lambda_svc._iter_all_esms():
            if ":dynamodb:" in mapping.get("EventSourceArn", "") and mapping.get("Enabled", True):
                reader = readers.setdefault(mapping["UUID"], _Reader(mapping, account, region))
                found = reader.start() or found
        return found

    around(lambda_svc, "_poll_dynamodb_streams", poll)


class _Reader:
    """One mapping's place in its stream, and what it has to remember between two attempts at a batch."""

    def __init__(self, mapping: Any, account: str, region: str) -> None:
        self.mapping, self.account, self.region = mapping, account, region
        self.table = mapping["EventSourceArn"].split("/")[1]
        self.attempts = 0
        self.window: int | None = None  # records per batch while a failing batch is being halved
        self.busy = False

    def start(self) -> bool:
        """Read on, on a thread of its own, if there is something new; return whether there was."""
        if self.busy:
            return False
        self._enter_scope()
        if not self._readable() or self._position() >= dynamodb.stream_end_position(self.table):
            return False
        self.busy = True
        threading.Thread(target=self._run, daemon=True, name=f"stream-{self.table}").start()
        return True

    def _run(self) -> None:
        try:
            self._enter_scope()
            self._read_batch()
        finally:
            self.busy = False
            lambda_svc._esm_wake.set()

    def _enter_scope(self) -> None:
        _request_account_id.set(self.account)
        _request_region.set(self.region)

    def _readable(self) -> bool:
        table = dynamodb._tables.get(self.table)
        return bool(table) and table.get("LatestStreamArn") == self.mapping["EventSourceArn"] and bool(self._function())

    def _function(self) -> Any:
        record, _ = lambda_svc._get_func_record_for_qualifier(
            self.mapping["FunctionName"], self.mapping.get("Qualifier")
        )
        return record

    def _position(self) -> int:
        identity, arn = self.mapping["UUID"], self.mapping["EventSourceArn"]
        lambda_svc._init_stream_position(identity, arn, self.mapping.get("StartingPosition", "LATEST"))
        position = lambda_svc._dynamodb_stream_positions.get(identity, 0)
        return int(max(position, dynamodb.stream_start_position(self.table)))

    def _advance(self, to: int) -> None:
        with lambda_svc._dynamodb_stream_positions_lock:
            lambda_svc._dynamodb_stream_positions[self.mapping["UUID"]] = to
        self.attempts, self.window = 0, None

    def _read_batch(self) -> None:
        position = self._position()
        size = self.window or self.mapping.get("BatchSize", 100)
        records = dynamodb.stream_records_since(self.table, position, size)
        wanted = lambda_svc._apply_filter_criteria(records, self.mapping)
        outcome = _Outcome(ok=True) if not wanted else self._invoke(wanted, records)
        if outcome.ok:
            self._advance(position + len(records))
        elif outcome.succeeded:
            self._advance(position + outcome.succeeded)
            time.sleep(_PAUSE_AFTER_FAILURE_SECONDS)
        else:
            self._fail(position, records, outcome)

    def _invoke(self, wanted: Sequence[Any], records: Sequence[Any]) -> "_Outcome":
        result = lambda_svc._execute_function(self._function(), {"Records": wanted})
        reports = "ReportBatchItemFailures" in (self.mapping.get("FunctionResponseTypes") or [])
        if result.get("error"):
            return _Outcome(ok=False, result=result)
        first_failed = _first_failed(result.get("body"), records) if reports else None
        return _Outcome(ok=first_failed is None, succeeded=first_failed or 0, result=result)

    def _fail(self, position: int, records: Sequence[Any], outcome: "_Outcome") -> None:
        gone = self._given_up(records)
        if gone is None and self.mapping.get("BisectBatchOnFunctionError") and len(records) > 1:
            self.window = len(records) // 2
        else:
            self.attempts += 1
            gone = gone or self._exhausted()
        if gone:
            arn = self.mapping["EventSourceArn"]
            lambda_svc._send_ddb_stream_failure_record(
                self.mapping, self._function(), records, arn, outcome.result, gone
            )
            self._advance(position + len(records))
        time.sleep(_PAUSE_AFTER_FAILURE_SECONDS)

    def _exhausted(self) -> str | None:
        limit = int(self.mapping.get("MaximumRetryAttempts", -1))
        return "RetryAttemptsExhausted" if 0 <= limit < self.attempts else None

    def _given_up(self, records: Sequence[Any]) -> str | None:
        limit = int(self.mapping.get("MaximumRecordAgeInSeconds", -1))
        age = time.time() - float(records[0]["dynamodb"].get("ApproximateCreationDateTime", time.time()))
        return "MaxRecordAgeExceeded" if 0 < limit < age else None


@dataclass(frozen=True, slots=True)
class _Outcome:
    ok: bool
    succeeded: int = 0  # records before the first failed one
    result: Any = None


def _first_failed(response: Any, records: Sequence[Any]) -> int | None:
    """Return the place of the first failed record; 0 for a response that names an unknown one, None for success."""
    places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(records)}
    return min((places.get(identifier, 0) for identifier in failed_identifiers(response)), default=None)
