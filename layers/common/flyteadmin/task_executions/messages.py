"""A task execution as clients read it, from its row with its parts decoded; pure."""

from flyteidl.admin.task_execution_pb2 import TaskExecution

from flyteadmin.task_executions.repository import Attempt


def task_execution(attempt: Attempt, *, is_parent: bool) -> TaskExecution:
    """A task execution whole, its error unabridged in lists too (GET-17, LST-24)."""
    return TaskExecution(
        id=attempt.identifier, input_uri=attempt.row.input_uri or "", closure=attempt.closure, is_parent=is_parent
    )
