"""Builds a workflow as clients read it from its row; its closure is read from S3."""

from flyteidl.admin.workflow_pb2 import Workflow, WorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW

from flyteadmin.identifiers import entity_identifier
from flyteadmin.timestamps import to_timestamp
from flyteadmin.workflows import repository
from flyteadmin.workflows.models import WorkflowRow


def workflow(row: WorkflowRow) -> Workflow:
    """Return the workflow with its whole closure (REG-10)."""
    message = _without_closure(row)
    message.closure.compiled_workflow.CopyFrom(repository.closure(row))
    return message


def listed(row: WorkflowRow) -> Workflow:
    """Return the workflow as a list shows it: of the closure its interface only (LST-28)."""
    message = _without_closure(row)
    message.closure.compiled_workflow.primary.template.interface.CopyFrom(repository.interface(row))
    return message


def _without_closure(row: WorkflowRow) -> Workflow:
    return Workflow(
        id=entity_identifier(WORKFLOW, row.name, row.version),
        closure=WorkflowClosure(created_at=to_timestamp(row.created_at)),
        short_description=row.short_description,
    )
