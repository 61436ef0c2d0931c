"""The end node: a workflow's outputs (nodes/end/handler.go)."""

from flyteidl.core.literals_pb2 import LiteralMap

from local.engine.graph import Graph
from local.engine.outcome import Outcome
from local.engine.places import Place
from local.engine.walk import Walk


async def end(walk: Walk, _: Graph, place: Place, inputs: LiteralMap) -> Outcome:
    """Keep its inputs, which are what the workflow gives."""
    await walk.hands.write(place.outputs_uri, inputs)
    return Outcome(inputs)
