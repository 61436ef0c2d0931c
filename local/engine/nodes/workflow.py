"""A workflow node: a sub-workflow runs inside it, a launch plan beside it."""

from flyteidl.core.literals_pb2 import LiteralMap

from local.engine.graph import END_NODE, Graph
from local.engine.nodes.launch_plan import launch_plan
from local.engine.outcome import Outcome
from local.engine.places import Place
from local.engine.walk import Walk

ABORTED = "subworkflow failed"


async def workflow(walk: Walk, graph: Graph, place: Place, inputs: LiteralMap) -> Outcome:
    """Run what the node refers to."""
    assert place.node.workflow is not None
    reference = place.node.workflow.sub_workflow_ref
    if not reference:
        return await launch_plan(walk, place, inputs)
    spec = graph.library.sub_workflows[reference]
    inside = Graph(spec, graph.library, place.output_directory, place.as_parent())
    walk.running_with_child(place)
    await walk.start(inside, inputs)
    error = await walk.nodes(inside, ABORTED)
    if error:
        return Outcome(error=await walk.on_failure(inside, error))
    if not spec.output_bindings:
        return Outcome()
    outputs = inside.outputs[END_NODE]
    await walk.hands.write(place.outputs_uri, outputs)
    return Outcome(outputs, place.outputs_uri)
