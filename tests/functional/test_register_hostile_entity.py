"""Entities that are made to break the control plane are refused in words, and nothing that others see is broken."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifier, ResourceListRequest
from flyteidl.admin.task_pb2 import TaskCreateResponse, TaskList
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest, WorkflowCreateResponse, WorkflowList
from flyteidl.core.identifier_pb2 import WORKFLOW
from flyteidl.core.types_pb2 import INTEGER, LiteralType
from flyteidl.core.workflow_pb2 import WorkflowNode
from google.protobuf.message import Message

from flyteadmin.errors import Code
from local.admin import Admin, CallFailed
from tests import in_process
from tests.builders import DOMAIN, PROJECT
from tests.entities import identifier, resources, task_request, workflow_request

pytestmark = pytest.mark.usefixtures("aws")

DEEPEST_READ = 93
"""Lists within lists that a request can hold still, and a list of entities no more."""


def refusal(admin: Admin, rpc: str, request: Message) -> str:
    answers = {"CreateTask": TaskCreateResponse, "CreateWorkflow": WorkflowCreateResponse}
    with pytest.raises(CallFailed) as failure:
        admin.call(rpc, request, answers[rpc])
    assert failure.value.code is Code.INVALID_ARGUMENT
    return str(failure.value.status.message)


def listed[M: Message](admin: Admin, rpc: str, of: type[M]) -> M:
    scope = NamedEntityIdentifier(project=PROJECT, domain=DOMAIN)
    return admin.call(rpc, ResourceListRequest(id=scope, limit=10), of)


def deep(depth: int) -> LiteralType:
    kind = LiteralType(simple=INTEGER)
    for _ in range(depth):
        kind = LiteralType(collection_type=kind)
    return kind


def test_what_no_list_could_show_is_refused_and_lists_stay_readable() -> None:
    admin = in_process.admin()
    admin.call("CreateTask", task_request(), TaskCreateResponse)
    admin.call("CreateWorkflow", workflow_request(), WorkflowCreateResponse)
    task, workflow = task_request("deep"), workflow_request("deep")
    task.spec.template.interface.inputs.variables["a"].type.CopyFrom(deep(DEEPEST_READ))
    workflow.spec.template.interface.inputs.variables["unused"].type.CopyFrom(deep(DEEPEST_READ))

    refusals = [refusal(admin, "CreateTask", task), refusal(admin, "CreateWorkflow", workflow)]

    assert all("nested too deep" in message for message in refusals)
    assert len(listed(admin, "ListTasks", TaskList).tasks) == 1
    assert len(listed(admin, "ListWorkflows", WorkflowList).workflows) == 1


@pytest.mark.conformance("REG-08")
def test_sub_workflows_that_contain_each_other_are_a_cycle() -> None:
    admin = in_process.admin()
    first, second = _runs("second"), _runs("first")
    first.spec.template.id.CopyFrom(identifier(WORKFLOW, "first"))
    second.spec.template.id.CopyFrom(identifier(WORKFLOW, "second"))
    request = _runs("first")
    request.spec.sub_workflows.extend([first.spec.template, second.spec.template])

    message = refusal(admin, "CreateWorkflow", request)

    assert "Collected Errors: 1\n\tError 0: Code: CycleDetected, Node Id: start-node, Description: A cycle" in message
    assert "[first>second>first]" in message


def _runs(name: str) -> WorkflowCreateRequest:
    request = workflow_request("ring")
    request.spec.template.nodes[0].workflow_node.CopyFrom(WorkflowNode(sub_workflow_ref=identifier(WORKFLOW, name)))
    return request


@pytest.mark.conformance("RES-10")
@pytest.mark.parametrize("quantity", ["1" * 5_000, "1e999", "9" * 100_000 + "Gi"])
def test_a_quantity_of_astronomical_size_is_above_the_limit(quantity: str) -> None:
    request = task_request()
    request.spec.template.container.resources.CopyFrom(resources(requests={"CPU": quantity}))

    message = refusal(in_process.admin(), "CreateTask", request)

    assert "greater than current limit set in the platform configuration [2]" in message
