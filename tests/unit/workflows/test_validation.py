"""Limits of a workflow's nodes and size."""

import pytest
from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW
from pydantic import ValidationError

from flyteadmin.compiler.task_compiler import compile_task
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.errors import InvalidArgument
from flyteadmin.settings import Registration
from flyteadmin.workflows.validation import validate_compiled
from tests.entities import identifier, task_request, workflow_request


def compiled(nodes: int) -> CompiledWorkflowClosure:
    task = task_request()
    task.spec.template.id.CopyFrom(task.id)
    workflow = workflow_request(nodes=nodes)
    workflow.spec.template.id.CopyFrom(workflow.id)
    return compile_workflow(workflow.spec.template, (), [compile_task(task.spec.template)], ())


@pytest.mark.conformance("REG-09")
def test_start_and_end_are_not_counted() -> None:
    validate_compiled(identifier(WORKFLOW, "doubling"), compiled(3), Registration(max_workflow_nodes=3))


@pytest.mark.conformance("REG-09")
def test_one_node_too_many_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidArgument, match=r"number of nodes in workflow \[.*\] exceeds limit \(4 > 3\)"):
        validate_compiled(identifier(WORKFLOW, "doubling"), compiled(4), Registration(max_workflow_nodes=3))


def test_a_limit_of_zero_is_none() -> None:
    validate_compiled(identifier(WORKFLOW, "doubling"), compiled(4), Registration(max_workflow_nodes=0))


@pytest.mark.conformance("REG-09")
def test_a_closure_may_be_as_large_as_the_limit_and_no_larger() -> None:
    closure = compiled(2)
    size = WorkflowClosure(compiled_workflow=closure).ByteSize()
    validate_compiled(identifier(WORKFLOW, "doubling"), closure, Registration(workflow_size_limit=str(size)))
    validate_compiled(identifier(WORKFLOW, "doubling"), closure, Registration(workflow_size_limit="1Mi"))
    with pytest.raises(InvalidArgument, match=r"Workflow closure size exceeds max limit \[0.1Ki\]"):
        validate_compiled(identifier(WORKFLOW, "doubling"), closure, Registration(workflow_size_limit="0.1Ki"))
    with pytest.raises(InvalidArgument):
        validate_compiled(identifier(WORKFLOW, "doubling"), closure, Registration(workflow_size_limit=str(size - 1)))


@pytest.mark.parametrize("limit", ["large", "1 Mi", "-1", "1MiB"])
def test_a_limit_that_is_no_quantity_is_the_deployments_fault(limit: str) -> None:
    with pytest.raises(ValidationError):
        Registration(workflow_size_limit=limit)
