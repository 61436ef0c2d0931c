"""A task node: its attempt, and what a dynamic task made of it."""

from flyteidl.core.execution_pb2 import TaskExecution
from flyteidl.core.literals_pb2 import LiteralMap

from local.engine.graph import Graph
from local.engine.nodes.dynamic import dynamic
from local.engine.outcome import Outcome
from local.engine.places import Attempt, Place
from local.engine.tasks.attempts import News
from local.engine.walk import Walk


async def task(walk: Walk, graph: Graph, place: Place, inputs: LiteralMap) -> Outcome:
    """Run the task; the node is RUNNING once its task is QUEUED."""
    attempt = Attempt(place, graph.library.tasks[place.node.task or ""])

    async def tell(news: News) -> None:
        event = walk.events.task(attempt, news.phase, reason=news.reason, log=news.log, error=news.error)
        if news.phase == TaskExecution.ABORTED:
            await walk.send_ending(event)
            return
        await walk.hands.send(event)
        if news.phase == TaskExecution.QUEUED:
            await walk.running(place)

    outcome = await walk.runner.run(attempt, inputs, tell)
    return await dynamic(walk, attempt, outcome) if outcome.is_dynamic else outcome
