"""Lists of tasks: the columns that filters may name."""

from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.task_pb2 import TaskList

from flyteadmin.clients.dynamodb.pages import page_source, read_page
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Column, Columns, Kind
from flyteadmin.listing.tokens import token_of
from flyteadmin.named_entities import versions
from flyteadmin.tasks import messages, repository
from flyteadmin.tasks.models import TaskRow

COLUMNS: Columns[TaskRow] = {
    **versions.columns(Entity.TASK),
    (Entity.TASK, "type"): Column(Kind.TEXT, lambda row: row.task_type),
    (Entity.TASK, "short_description"): Column(Kind.TEXT, lambda row: row.short_description, is_projected=False),
}


def list_tasks(request: ResourceListRequest) -> TaskList:
    """ListTasks: versions of one name, or of a project and domain, the newest first unless it says otherwise.

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    query = versions.version_query(request, "ListTasks", Entity.TASK, COLUMNS)
    page = read_page(
        page_source(TaskRow, versions.index_query(query), query.conditions, blob=repository.blob), query.page_request
    )
    return TaskList(tasks=[messages.task(row) for row in page.rows], token=token_of(page.next_start))
