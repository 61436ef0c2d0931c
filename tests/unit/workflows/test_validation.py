"""How many nodes a workflow may have."""

import pytest
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW

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


def test_start_and_end_are_not_counted() -> None:
    validate_compiled(identifier(WORKFLOW, "doubling"), compiled(3), Registration(max_workflow_nodes=3))


def test_one_node_too_many_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidArgument, match=r"number of nodes in workflow \[.*\] exceeds limit \(4 > 3\)"):
        validate_compiled(identifier(WORKFLOW, "doubling"), compiled(4), Registration(max_workflow_nodes=3))


def test_a_limit_of_zero_is_none() -> None:
    validate_compiled(identifier(WORKFLOW, "doubling"), compiled(4), Registration(max_workflow_nodes=0))
