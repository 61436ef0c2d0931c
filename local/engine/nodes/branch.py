"""A branch node: it runs the one node that its conditions choose (nodes/branch/handler.go)."""

from flyteidl.core.literals_pb2 import LiteralMap

from local.engine.branches import decide
from local.engine.faults import BranchFault, user_error
from local.engine.graph import Graph
from local.engine.outcome import Outcome
from local.engine.places import Place
from local.engine.walk import Walk


async def branch(walk: Walk, graph: Graph, place: Place, inputs: LiteralMap) -> Outcome:
    """Run the chosen node, and give what it gives."""
    cases = place.node.branch
    assert cases is not None
    try:
        child = graph.spec.nodes[decide(cases, inputs)]
    except BranchFault as fault:
        return Outcome(error=user_error(fault.code, str(fault)))
    inside = Graph(graph.spec, graph.library, place.output_directory, place.as_parent(), graph.outputs)
    walk.running_with_child(place)
    error = await walk.node(inside, child)
    if error:
        return Outcome(error=error)
    outputs = graph.outputs[child.id]
    await walk.hands.write(place.outputs_uri, outputs)
    return Outcome(outputs, place.outputs_uri)
