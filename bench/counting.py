"""Counts what goes over the wire: each request to AWS and to a cluster, with its time span and consumed capacity."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationModel
from kubernetes.client.rest import RESTClientObject

from flyteadmin.clients import aws

_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})


@dataclass(frozen=True)
class Call:
    """One request: when it left and when its answer was there (seconds), what it consumed and looked at."""

    operation: str
    started: float
    ended: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    examined: int = 0


def stages(calls: Sequence[Call]) -> int:
    """Count the sequential stages of calls: the longest chain of calls that ran one after another."""
    count, free_from = 0, float("-inf")
    for call in sorted(calls, key=lambda call: call.ended):
        if call.started >= free_from:
            count, free_from = count + 1, call.ended
    return count


def tally(calls: Sequence[Call]) -> str:
    """Count the calls by operation, e.g. "BatchWriteItem 1 · UpdateItem 10"."""
    counted = Counter(call.operation for call in calls)
    return " · ".join(f"{operation} {count}" for operation, count in counted.items())


def read_units(calls: Sequence[Call]) -> float:
    """DynamoDB read units."""
    return sum(call.read_units for call in calls)


def write_units(calls: Sequence[Call]) -> float:
    """DynamoDB write units, indexes included."""
    return sum(call.write_units for call in calls)


def rows_examined(calls: Sequence[Call]) -> int:
    """Return the rows that queries looked at and that batches read whole."""
    return sum(call.examined for call in calls)


@dataclass
class Recorder:
    """Writes down the requests of this process's tuned clients while `recording`.

    `hold` delays each request, so that what the code starts at once is seen to overlap however fast the answers are.
    """

    calls: list[Call] = field(default_factory=list)
    hold: float = 0.0
    _open: threading.local = field(default_factory=threading.local)

    def attach(self) -> None:
        """Listen on the session that the tuned clients are made from; before the first client."""
        events = aws.session().events
        events.register("before-parameter-build.dynamodb", _ask_for_capacity)
        events.register("before-send", self._sent)
        events.register("after-call", self._answered)
        events.register("after-call-error", self._failed)

    @contextmanager
    def recording(self, *, hold: float = 0.0) -> Iterator[list[Call]]:
        """Record the requests of the block, in the order of their answers."""
        self.calls, self.hold = [], hold
        try:
            yield self.calls
        finally:
            self.calls, self.hold = [], 0.0

    @contextmanager
    def counting_cluster(self) -> Iterator[None]:
        """Write down requests to Kubernetes too."""
        original = RESTClientObject.request

        def request(client: Any, method: str, *arguments: Any, **named: Any) -> object:
            started = self._begin()
            try:
                return original(client, method, *arguments, **named)
            finally:
                self.calls.append(Call(f"Kubernetes {method}", started, time.monotonic()))

        RESTClientObject.request = request
        try:
            yield
        finally:
            RESTClientObject.request = original

    def _begin(self) -> float:
        started = time.monotonic()
        time.sleep(self.hold)
        return started

    def _sent(self, event_name: str, **_: object) -> None:
        self._finish()  # one of these per attempt: a retry is a request too
        self._open.operation, self._open.started = event_name.rsplit(".", 1)[1], self._begin()

    def _answered(self, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
        units = _units(parsed)
        if model.name in _WRITES:
            self._finish(write_units=units)
        else:
            self._finish(read_units=units, examined=_examined(parsed))

    def _failed(self, **_: object) -> None:
        self._finish()

    def _finish(self, *, read_units: float = 0.0, write_units: float = 0.0, examined: int = 0) -> None:
        operation = getattr(self._open, "operation", "")
        if operation:
            ended = time.monotonic()
            self.calls.append(Call(operation, self._open.started, ended, read_units, write_units, examined))
        self._open.operation = ""


def _ask_for_capacity(params: dict[str, Any], model: OperationModel, **_: object) -> None:
    if model.input_shape is not None and "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "INDEXES"


def _units(parsed: dict[str, Any]) -> float:
    consumed = parsed.get("ConsumedCapacity", [])
    tables = consumed if isinstance(consumed, list) else [consumed]
    return sum(float(table["CapacityUnits"]) for table in tables)


def _examined(parsed: dict[str, Any]) -> int:
    """Return the rows that a query examined, or that a batch read."""
    return int(parsed.get("ScannedCount", sum(map(len, parsed.get("Responses", {}).values()))))
