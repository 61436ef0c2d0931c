"""Lambda invocations: a record of each one, and, if asked for, a sudden end half way through some of them."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

from local.aws.patches.wrapping import around


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation that has ended; of its `records`, `again` were delivered before."""

    function: str
    seconds: float
    records: int
    again: int
    error: str
    was_killed: bool

    @property
    def has_failed(self) -> bool:
        return bool(self.error)


def invocations(file: Path) -> Iterator[Invocation]:
    """Yield the invocations recorded in a file, in the order of their ends."""
    with file.open() as lines:
        for line in lines:
            yield Invocation(**json.loads(line))


@dataclass
class Fate:
    """Kills of invocations: a share of each function's, on workers that are warm already."""

    shares: Mapping[str, float]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: Counter[str] = field(default_factory=Counter)
    _chosen: Counter[str] = field(default_factory=Counter)
    _usual_seconds: dict[str, float] = field(default_factory=dict)

    def seconds_left(self, function: str, *, is_warm: bool) -> float | None:
        """After how long an invocation that begins now is to end; None if it may go on.

        Each moment of the usual time is as likely. One that ends before is chosen for nothing, see `spared`.
        """
        with self._lock:
            self._begun[function] += 1
            share, usual = self.shares.get(function, 0.0), self._usual_seconds.get(function)
            if usual is None or not is_warm or self._chosen[function] >= share * self._begun[function]:
                return None
            self._chosen[function] += 1
            return random.uniform(0, usual)

    def ended(self, function: str, seconds: float, *, spared: bool) -> None:
        """Note one that ran to its end on a warm worker; `spared` if it should not have."""
        with self._lock:
            usual = self._usual_seconds.get(function, seconds)
            self._usual_seconds[function] = 0.9 * usual + 0.1 * seconds
            self._chosen[function] -= spared


def record_invocations(file: Path, killed: Mapping[str, float]) -> None:
    """From now on, append each invocation to `file`, and kill a share of some functions'; call it in the server."""
    fate = Fate(killed)
    lock = threading.Lock()

    def invoke(original: Any, worker: Any, event: Any, *rest: Any, **named: Any) -> Any:
        function, began = worker.func_name, time.monotonic()
        process = worker._proc
        is_warm = process is not None and process.poll() is None
        left = fate.seconds_left(function, is_warm=is_warm)
        death = threading.Timer(left, process.kill) if left is not None else None
        if death:
            death.start()
        result = original(worker, event, *rest, **named)
        if death:
            death.cancel()
        error = str(result.get("error") or "no reason given") if result.get("status") == "error" else ""
        was_killed = bool(death and error)
        seconds = time.monotonic() - began
        if is_warm and not error:  # a start takes many times as long as what comes after it
            fate.ended(function, seconds, spared=death is not None)
        with lock, file.open("a") as lines:
            lines.write(json.dumps(asdict(_invocation(function, seconds, event, error, was_killed))) + "\n")
        return result

    around(lambda_runtime.Worker, "invoke", invoke)


def _invocation(function: str, seconds: float, event: Any, error: str, was_killed: bool) -> Invocation:  # noqa: FBT001
    records = event.get("Records", []) if isinstance(event, dict) else []
    receives = [int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)) for record in records]
    again = sum(count > 1 for count in receives)
    return Invocation(function, round(seconds, 4), len(records), again, error[:500], was_killed)
