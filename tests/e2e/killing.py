"""kill -9, as a test deals it out: to workers of deployed functions, and to the bridge."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from local.bridge import RunningBridge
from local.callers import STACK
from tests.e2e.waiting import eventually

_LOOK_SECONDS = 0.05
_LONGEST_LIFE_SECONDS = 3.0


@dataclass
class Killed:
    """Counts of killed workers by function, and the number that is wanted."""

    wanted: Mapping[str, int]
    count: Counter[str] = field(default_factory=Counter)

    def has_enough(self, function: str) -> bool:
        return self.count[function] >= self.wanted[function]

    def is_done(self) -> bool:
        return all(map(self.has_enough, self.wanted))


@contextmanager
def killing(wanted: Mapping[str, int], seed: int) -> Iterator[Killed]:
    """Until the end of the block, kill workers of functions with SIGKILL, so many of each function.

    Those that are there at the beginning idle: they are killed at once and don't count. One that comes up later does so
    for a call, and lives for up to three seconds: it dies while it starts, at its work, or soon after it, as the seed
    has it.
    """
    killed, stopped, chance = Killed(wanted), threading.Event(), random.Random(seed)
    for worker, _ in workers(wanted):
        kill(worker)

    def kill_each() -> None:
        known: set[int] = set()
        while not stopped.wait(_LOOK_SECONDS):
            for worker, function in workers(wanted, known):
                known.add(worker.pid)
                if not killed.has_enough(function):
                    stopped.wait(chance.uniform(0, _LONGEST_LIFE_SECONDS))
                    killed.count[function] += kill(worker)

    thread = threading.Thread(target=kill_each, name="killing")
    thread.start()
    try:
        yield killed
    finally:
        stopped.set()
        thread.join()


def workers(functions: Collection[str], but: Collection[int] = ()) -> Iterator[tuple[psutil.Process, str]]:
    """Yield the processes that run these functions, without those of some ids, each with its function's name."""
    by_name = {f"{STACK}-{function.replace('_', '-')}": function for function in functions}
    for process in psutil.Process().children(recursive=True):
        if process.pid in but:
            continue
        with suppress(psutil.Error):  # it has ended
            function = by_name.get(process.environ().get("AWS_LAMBDA_FUNCTION_NAME", ""))
            if function:
                yield process, function


def kill(process: psutil.Process) -> bool:
    """Kill a process; whether there was one."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def end_bridge(bridge: RunningBridge, how: signal.Signals) -> None:
    """Send the bridge a signal, and wait until it is started anew."""
    killed = bridge.pid
    os.kill(killed, how)
    eventually(lambda: bridge.pid != killed or None, "the bridge, started again")
