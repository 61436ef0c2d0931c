"""Maps kinds of nodes to the modules that run them."""

from collections.abc import Mapping

from local.engine.nodes.array import array
from local.engine.nodes.branch import branch
from local.engine.nodes.end import end
from local.engine.nodes.gate import gate
from local.engine.nodes.task import task
from local.engine.nodes.workflow import workflow
from local.engine.walk import Handler

HANDLERS: Mapping[str, Handler] = {
    "task": task,
    "branch": branch,
    "workflow": workflow,
    "gate": gate,
    "array": array,
    "end": end,
}
