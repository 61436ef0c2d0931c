"""What happens when tasks are read."""

from flyteidl.admin.common_pb2 import ObjectGetRequest, ResourceListRequest
from flyteidl.admin.task_pb2 import Task, TaskList
from flyteidl.core.identifier_pb2 import TASK

from flyteadmin.named_entities.reading import asked, next_token
from flyteadmin.named_entities.repository import versions
from flyteadmin.named_entities.validation import missing_entity, validate_identifier, with_type
from flyteadmin.tasks import repository
from flyteadmin.tasks.models import TaskRow


def get(request: ObjectGetRequest) -> Task:
    """GetTask.

    Raises:
        InvalidArgument: the identifier is not whole, or not a task's.
        NotFound: there is no such version.
    """
    identifier = validate_identifier(with_type(request.id if request.HasField("id") else None, TASK), TASK)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return repository.message(row)


def list_tasks(request: ResourceListRequest) -> TaskList:
    """ListTasks: versions of one name, or of a project and domain, the newest first.

    Raises:
        InvalidArgument: a field is missing, the token is not ours, or a filter or sort key is asked for that is not
            supported yet.
    """
    wanted = asked(request, "ListTasks")
    rows = versions(TaskRow, wanted.partition, wanted.index, wanted.start, wanted.limit, ascending=wanted.ascending)
    return TaskList(tasks=[repository.message(row) for row in rows], token=next_token(wanted, rows))
