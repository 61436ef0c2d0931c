"""What happens when workflows are read."""

from flyteidl.admin.common_pb2 import ObjectGetRequest, ResourceListRequest
from flyteidl.admin.workflow_pb2 import Workflow, WorkflowList
from flyteidl.core.identifier_pb2 import WORKFLOW

from flyteadmin.named_entities.reading import asked, next_token
from flyteadmin.named_entities.repository import versions
from flyteadmin.named_entities.validation import missing_entity, validate_identifier, with_type
from flyteadmin.workflows import repository
from flyteadmin.workflows.models import WorkflowRow


def get(request: ObjectGetRequest) -> Workflow:
    """GetWorkflow.

    Raises:
        InvalidArgument: the identifier is not whole, or not a workflow's.
        NotFound: there is no such version.
    """
    identifier = validate_identifier(with_type(request.id if request.HasField("id") else None, WORKFLOW), WORKFLOW)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return repository.message(row)


def list_workflows(request: ResourceListRequest) -> WorkflowList:
    """ListWorkflows: versions of one name, or of a project and domain, the newest first.

    Raises:
        InvalidArgument: a field is missing, the token is not ours, or a filter or sort key is asked for that is not
            supported yet.
    """
    wanted = asked(request, "ListWorkflows")
    rows = versions(WorkflowRow, wanted.partition, wanted.index, wanted.start, wanted.limit, ascending=wanted.ascending)
    return WorkflowList(workflows=[repository.listed(row) for row in rows], token=next_token(wanted, rows))
