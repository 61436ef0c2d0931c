"""Section "bridge": events over gRPC from callers at once; requests counted, latencies for information."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from flyteidl.admin.event_pb2 import NodeExecutionEventRequest

from bench import traffic
from bench.account import data_account
from bench.counting import Call, Recorder, tally
from bench.report import Row, Section, progress
from bridge.settings import Settings
from flyteadmin.executions.models import ExecutionState
from tests.builders import node_event
from tests.grpc_stack import bridge

_METHOD = "/flyteidl.service.AdminService/CreateNodeEvent"
_CHANNELS = 20
_QUEUE_SECONDS = 0.01
_NOTES = (
    f"Each request to AWS is held for {_QUEUE_SECONDS * 1000:.0f} ms, as a region's takes; callers, bridge and the"
    " embedded AWS share this machine, so latencies are upper bounds.",
)


@dataclass(frozen=True)
class _Run:
    """A run of concurrent callers, each with an execution of its own and waiting for each answer."""

    callers: int
    seconds: float
    latencies: Sequence[float]
    calls: Sequence[Call]

    def rows(self) -> list[Row]:
        """Return the figures per event; reads and sends have budgets for one caller and for ten."""
        events = len(self.latencies)
        counted = Counter(call.operation for call in self.calls)
        sends = counted["SendMessageBatch"] / events
        budget = {1: 1.0, 10: 0.2}.get(self.callers)
        who = f"{self.callers} callers at once" if self.callers > 1 else "one caller"
        ordered = sorted(self.latencies)
        return [
            Row(f"{who}: reads per event", counted["GetItem"] / events, 0.2 if budget else None),
            Row(f"{who}: sends per event", sends, budget, reason=tally(self.calls)),
            Row(f"{who}: p50", ordered[events // 2] * 1000, unit="ms"),
            Row(f"{who}: p99", ordered[int(events * 0.99)] * 1000, unit="ms"),
            Row(f"{who}: events per second", events / self.seconds),
        ]


def report() -> Section:
    """Send events through a bridge in this process."""
    with data_account():
        recorder = Recorder()
        recorder.attach()
        settings = Settings(api_url="http://127.0.0.1:9", listen="127.0.0.1:0", drain_seconds=1)
        rows: list[Row] = []
        with bridge(settings) as address:
            for callers, events in ((1, 100), (10, 50), (200, 10)):
                progress(f"events of {callers} callers through the bridge")
                executions = [traffic.execution() for _ in range(callers)]
                with recorder.recording(hold=_QUEUE_SECONDS) as calls:
                    started = time.monotonic()
                    latencies = asyncio.run(_send(address, executions, events))
                    seconds = time.monotonic() - started
                    rows += _Run(callers, seconds, latencies, list(calls)).rows()
    return Section("The bridge: node events over gRPC", tuple(rows), _NOTES)


async def _send(address: str, executions: Sequence[ExecutionState], events: int) -> list[float]:
    """Return the seconds that each event took."""
    # Else all channels of a process share one connection.
    own = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, own) for _ in range(min(_CHANNELS, len(executions)))]
    try:
        callers = [
            _caller(channels[number % len(channels)], execution, events) for number, execution in enumerate(executions)
        ]
        return [latency for latencies in await asyncio.gather(*callers) for latency in latencies]
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


async def _caller(channel: grpc.aio.Channel, execution: ExecutionState, events: int) -> list[float]:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_METHOD)
    name = execution.execution.rpartition(":")[2]
    latencies = []
    for second in range(events):
        request = NodeExecutionEventRequest(event=node_event("RUNNING", second, execution=name)).SerializeToString()
        began = time.monotonic()
        await call(request, timeout=30)
        latencies.append(time.monotonic() - began)
    return latencies
