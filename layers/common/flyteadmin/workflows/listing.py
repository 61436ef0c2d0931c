"""Lists of workflows: the columns that filters may name."""

from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.workflow_pb2 import WorkflowList

from flyteadmin.clients.dynamodb.pages import page_source, read_page
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Column, Columns, Kind
from flyteadmin.listing.tokens import token_of
from flyteadmin.named_entities import versions
from flyteadmin.workflows import messages, repository
from flyteadmin.workflows.models import WorkflowRow

COLUMNS: Columns[WorkflowRow] = {
    **versions.columns(Entity.WORKFLOW),
    (Entity.WORKFLOW, "short_description"): Column(Kind.TEXT, lambda row: row.short_description, is_projected=False),
}


def list_workflows(request: ResourceListRequest) -> WorkflowList:
    """ListWorkflows: versions of one name, or of a project and domain, the newest first unless it says otherwise.

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    query = versions.version_query(request, "ListWorkflows", Entity.WORKFLOW, COLUMNS)
    page = read_page(
        page_source(WorkflowRow, versions.index_query(query), query.conditions, blob=repository.blob),
        query.page_request,
    )
    return WorkflowList(workflows=[messages.listed(row) for row in page.rows], token=token_of(page.next_start))
