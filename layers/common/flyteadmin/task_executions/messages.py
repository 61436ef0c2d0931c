"""Task executions as clients read them, from decoded rows; pure."""

from flyteidl.admin.task_execution_pb2 import TaskExecution

from flyteadmin.task_executions.repository import Attempt


def task_execution(attempt: Attempt, *, is_parent: bool) -> TaskExecution:
    """Return a task execution whole; lists show its full error too (GET-17, LST-24)."""
    return TaskExecution(
        id=attempt.identifier, input_uri=attempt.row.input_uri or "", closure=attempt.closure, is_parent=is_parent
    )
