"""The demo's table of an execution, where nobody looks at it live."""

from io import StringIO
from typing import cast

from flyteidl.admin.execution_pb2 import Execution, ExecutionClosure
from flyteidl.admin.node_execution_pb2 import NodeExecutionList
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from rich.console import Console

from local.admin import Admin
from local.demo.following import follow


class _Ended:
    """An API that knows one execution, which has ended."""

    def call(self, _rpc: str, _request: object, of: type[object]) -> object:
        if of is Execution:
            return Execution(closure=ExecutionClosure(phase=WorkflowExecution.SUCCEEDED))
        return NodeExecutionList()


def test_what_follows_the_table_begins_a_line_in_a_file_too() -> None:
    written = StringIO()
    console = Console(file=written)
    follow(cast("Admin", _Ended()), WorkflowExecutionIdentifier(), console)
    console.print("next")
    assert "\nnext\n" in written.getvalue()
