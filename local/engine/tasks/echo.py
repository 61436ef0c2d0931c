"""Tasks of type "echo", which propeller runs by itself (flyteplugins/go/tasks/plugins/testing/echo.go)."""

from flyteidl.core.literals_pb2 import LiteralMap

from local.engine.faults import system_error
from local.engine.hands import Hands
from local.engine.outcome import Outcome
from local.engine.places import Attempt

ECHO = "echo"


async def echoed(hands: Hands, attempt: Attempt, inputs: LiteralMap) -> Outcome:
    """Return the one input as the one output."""
    interface = attempt.template.interface
    given, wanted = list(interface.inputs.variables), list(interface.outputs.variables)
    if len(given) != len(wanted) or len(given) > 1:
        why = f"an echo task has at most one input and as many outputs, not {len(given)} and {len(wanted)}"
        return Outcome(error=system_error("RuntimeExecutionError", why))
    outputs = LiteralMap(literals={name: inputs.literals[source] for source, name in zip(given, wanted, strict=True)})
    await hands.write(attempt.place.outputs_uri, outputs)
    return Outcome(outputs, attempt.place.outputs_uri)
