"""Builds a task as clients read it from its row; a large closure is read from S3."""

from flyteidl.admin.task_pb2 import Task, TaskClosure
from flyteidl.core.identifier_pb2 import TASK

from flyteadmin.identifiers import entity_identifier
from flyteadmin.tasks import repository
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import to_timestamp


def task(row: TaskRow) -> Task:
    """Return the task with its closure."""
    return Task(
        id=entity_identifier(TASK, row.name, row.version),
        closure=TaskClosure(compiled_task=repository.compiled(row), created_at=to_timestamp(row.created_at)),
        short_description=row.short_description,
    )
