"""A gate node: it waits for time to pass, a value, or a yes (nodes/gate/handler.go)."""

from flyteidl.admin.signal_pb2 import Signal, SignalGetOrCreateRequest
from flyteidl.core.identifier_pb2 import SignalIdentifier
from flyteidl.core.literals_pb2 import Literal, LiteralMap
from flyteidl.core.types_pb2 import LiteralType, SimpleType

from flyteadmin.flyteworkflow.encoding import NANOSECONDS, duration_nanoseconds
from local.engine.faults import system_error, user_error
from local.engine.graph import Graph
from local.engine.outcome import Outcome
from local.engine.places import Place
from local.engine.walk import Walk

POLL_SECONDS = 0.5
_BOOLEAN = LiteralType(simple=SimpleType.BOOLEAN)


async def gate(walk: Walk, _: Graph, place: Place, inputs: LiteralMap) -> Outcome:
    """Wait for what the gate says."""
    condition = place.node.gate
    if condition and condition.sleep:
        await walk.running(place)
        await walk.hands.sleep(duration_nanoseconds(condition.sleep.duration) / NANOSECONDS)
        return Outcome()
    if condition and condition.signal:
        value = await _signal(walk, place, condition.signal.signal_id, condition.signal.type)
        return await _given(walk, place, LiteralMap(literals={condition.signal.output_variable_name: value}))
    if condition and condition.approve:
        value = await _signal(walk, place, condition.approve.signal_id, _BOOLEAN)
        if value.scalar.primitive.boolean:
            return await _given(walk, place, inputs)
        why = "received a reject signal to disapprove the node input values"
        return Outcome(error=user_error("ReceivedRejectSignal", why))
    return Outcome(
        error=system_error("BadSpecificationError", "gateNode does not have a supported condition reference")
    )


async def _signal(walk: Walk, place: Place, signal_id: str, of: LiteralType) -> Literal:
    """Return the signal's value once it is set; the node is RUNNING while it is not."""
    identifier = SignalIdentifier(signal_id=signal_id, execution_id=walk.events.execution_id)
    request = SignalGetOrCreateRequest(id=identifier, type=of)
    is_running = False
    while True:
        signal = await walk.insist("GetOrCreateSignal", request, Signal)
        if signal.value.WhichOneof("value"):
            return signal.value
        if not is_running:
            await walk.running(place)
            is_running = True
        await walk.hands.sleep(POLL_SECONDS)


async def _given(walk: Walk, place: Place, outputs: LiteralMap) -> Outcome:
    await walk.hands.write(place.outputs_uri, outputs)
    return Outcome(outputs, place.outputs_uri)
