"""Takes over what a node has done in a recovered execution (flytepropeller nodes/executor.go, attemptRecovery).

Left out: a dynamic task that failed below itself starts anew, and a checkpoint of a failed task is not passed on.
"""

from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import NodeExecution as NodePhase
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, WorkflowExecutionIdentifier

from flyteadmin.errors import Code
from local.engine.bridge import Refused
from local.engine.hands import Hands
from local.engine.outcome import Outcome
from local.engine.places import Place

_TAKEN_OVER = {NodePhase.SUCCEEDED, NodePhase.RECOVERED}


async def recovered(hands: Hands, original: WorkflowExecutionIdentifier, place: Place) -> Outcome | None:
    """Return the outcome of the same node in the original execution, its outputs copied; None if it runs anew.

    Raises:
        Refused: FlyteAdmin answered another error than that there is no such node.
    """
    if not original.name:
        return None
    identifier = NodeExecutionIdentifier(execution_id=original, node_id=place.unique_id)
    try:
        node = await hands.call("GetNodeExecution", NodeExecutionGetRequest(id=identifier), NodeExecution)
        if node.closure.phase not in _TAKEN_OVER:
            return None
        request = NodeExecutionGetDataRequest(id=identifier)
        data = await hands.call("GetNodeExecutionData", request, NodeExecutionGetDataResponse)
    except Refused as refused:
        if refused.code == Code.NOT_FOUND:
            return None
        raise
    await hands.write(place.outputs_uri, data.full_outputs)
    deck_uri = node.closure.deck_uri
    return Outcome(data.full_outputs, place.outputs_uri, deck_uri, is_recovered=True)
