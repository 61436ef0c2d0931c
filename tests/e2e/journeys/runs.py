"""Executions to each of their ends, and what is read of them."""

from flyteidl.admin.common_pb2 import (
    ResourceListRequest,
)
from flyteidl.admin.execution_pb2 import (
    EXECUTION_ARCHIVED,
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionList,
    ExecutionRelaunchRequest,
    ExecutionSpec,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
    ExecutionUpdateRequest,
    ExecutionUpdateResponse,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
)
from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
    NodeExecutionList,
    NodeExecutionListRequest,
)
from flyteidl.admin.signal_pb2 import (
    Signal,
    SignalGetOrCreateRequest,
    SignalList,
    SignalListRequest,
    SignalSetRequest,
    SignalSetResponse,
)
from flyteidl.admin.task_execution_pb2 import (
    TaskExecution,
    TaskExecutionGetDataRequest,
    TaskExecutionGetDataResponse,
    TaskExecutionGetRequest,
    TaskExecutionList,
    TaskExecutionListRequest,
)
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import (
    LAUNCH_PLAN,
    TASK,
    Identifier,
    SignalIdentifier,
    WorkflowExecutionIdentifier,
)
from flyteidl.core.literals_pb2 import Literal, Primitive, Scalar
from flyteidl.core.types_pb2 import INTEGER, LiteralType

from local.admin import Admin
from local.cluster.faults import Fault
from local.cluster.process import RunningCluster
from local.stack import DOMAIN, PROJECT
from tests.e2e.journeys.traveller import Traveller, create, ended, get, notified
from tests.workflows import FAILURE


def a_run(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    execution = ended(traveller, create(traveller, "tests.workflows.echoed_report", version))
    assert execution.closure.phase == WorkflowExecution.SUCCEEDED
    assert notified(traveller, execution).phase == "SUCCEEDED"
    data = WorkflowExecutionGetDataRequest(id=execution.id)
    assert admin.call("GetExecutionData", data, WorkflowExecutionGetDataResponse).full_outputs.literals
    archiving(admin, execution)
    nodes = admin.call(
        "ListNodeExecutions", NodeExecutionListRequest(workflow_execution_id=execution.id, limit=20), NodeExecutionList
    )
    by_id = {node.id.node_id: node for node in nodes.node_executions}
    assert {"n0", "n1", "n2"} <= set(by_id)
    node = by_id["n0"].id
    assert admin.call("GetNodeExecution", NodeExecutionGetRequest(id=node), NodeExecution).closure.output_uri
    of_node = NodeExecutionGetDataRequest(id=node)
    assert admin.call("GetNodeExecutionData", of_node, NodeExecutionGetDataResponse).full_inputs.literals
    attempts = admin.call(
        "ListTaskExecutions", TaskExecutionListRequest(node_execution_id=node, limit=5), TaskExecutionList
    )
    [attempt] = attempts.task_executions
    assert (
        admin.call("GetTaskExecution", TaskExecutionGetRequest(id=attempt.id), TaskExecution).closure.logs is not None
    )
    of_task = TaskExecutionGetDataRequest(id=attempt.id)
    assert admin.call("GetTaskExecutionData", of_task, TaskExecutionGetDataResponse).full_outputs.literals


def archiving(admin: Admin, execution: Execution) -> None:
    """Lists show it, by its name too, until it is archived."""
    for name in (execution.id.name, ""):
        request = ResourceListRequest(id={"project": PROJECT, "domain": DOMAIN, "name": name}, limit=5)
        assert execution.id in [each.id for each in admin.call("ListExecutions", request, ExecutionList).executions]
    archived = ExecutionUpdateRequest(id=execution.id, state=EXECUTION_ARCHIVED)
    admin.call("UpdateExecution", archived, ExecutionUpdateResponse)
    assert execution.id not in [each.id for each in admin.call("ListExecutions", request, ExecutionList).executions]


def a_failing_run(traveller: Traveller, version: str) -> None:
    execution = ended(traveller, create(traveller, "tests.workflows.broken_report", version))
    assert (execution.closure.phase, FAILURE in execution.closure.error.message) == (WorkflowExecution.FAILED, True)
    notification = notified(traveller, execution)
    assert notification.error is not None
    assert FAILURE in notification.error.message


def a_relaunch(traveller: Traveller, version: str) -> None:
    """Of an execution whose spec is too large for its row."""
    name = "tests.workflows.echoed_report"
    launch_plan = Identifier(resource_type=LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=name, version=version)
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=launch_plan))
    request.spec.annotations.values["notes"] = "x" * 40_000
    request.inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    original = traveller.admin.call("CreateExecution", request, ExecutionCreateResponse).id
    again = traveller.admin.call("RelaunchExecution", ExecutionRelaunchRequest(id=original), ExecutionCreateResponse).id
    execution = ended(traveller, again)
    assert execution.closure.phase == WorkflowExecution.SUCCEEDED
    assert execution.spec.annotations.values["notes"] == "x" * 40_000
    assert execution.spec.metadata.reference_execution == original


def a_task_by_itself(traveller: Traveller, version: str) -> None:
    """Launched twice by one call that is sent again; its skeleton comes into being with it."""
    name = "tests.workflows.echo_days"
    task = Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=name, version=version)
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=task))
    request.inputs.literals["days"].scalar.primitive.integer = 3
    again = Admin(traveller.admin.api, {"idempotency-key": version})
    first, second = (again.call("CreateExecution", request, ExecutionCreateResponse).id for _ in range(2))
    assert first == second
    execution = ended(traveller, first)
    assert execution.closure.phase == WorkflowExecution.SUCCEEDED
    assert execution.closure.workflow_id.name == f".flytegen.{name}"


def signals(traveller: Traveller, name: str) -> None:
    """A gate asks twice, between which somebody sets what it waits for."""
    admin = traveller.admin
    execution = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)
    identifier = SignalIdentifier(signal_id="approve", execution_id=execution)
    asked = SignalGetOrCreateRequest(id=identifier, type=LiteralType(simple=INTEGER))
    assert not admin.call("GetOrCreateSignal", asked, Signal).HasField("value")
    value = Literal(scalar=Scalar(primitive=Primitive(integer=5)))
    admin.call("SetSignal", SignalSetRequest(id=identifier, value=value), SignalSetResponse)
    assert admin.call("GetOrCreateSignal", asked, Signal).value == value
    listed = admin.call("ListSignals", SignalListRequest(workflow_execution_id=execution, limit=5), SignalList)
    assert [each.value for each in listed.signals] == [value]


def terminate(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> None:
    request = ExecutionTerminateRequest(id=identifier, cause="no longer needed")
    traveller.admin.call("TerminateExecution", request, ExecutionTerminateResponse)


def an_abort(traveller: Traveller, version: str) -> None:
    """It waits at a gate, and nobody would come before tomorrow."""
    identifier = create(traveller, "tests.workflows.waiting_report", version)

    def look() -> Execution | None:
        execution = get(traveller, identifier)
        return execution if execution.closure.phase == WorkflowExecution.RUNNING else None

    traveller.eventually(look, f"a start of {identifier.name}")
    terminate(traveller, identifier)
    execution = ended(traveller, identifier)
    assert execution.closure.phase == WorkflowExecution.ABORTED
    assert execution.closure.abort_metadata.cause == "no longer needed"
    assert notified(traveller, execution).phase == "ABORTED"


def an_abort_of_what_never_ran(traveller: Traveller, version: str) -> None:
    """The cluster did not take it, so that no event would ever end it."""
    cluster = traveller.stack.cluster
    assert isinstance(cluster, RunningCluster)
    cluster.add_fault(Fault(verb="create", code=500))
    identifier = create(traveller, "tests.workflows.waiting_report", version)
    terminate(traveller, identifier)
    assert get(traveller, identifier).closure.phase == WorkflowExecution.ABORTED


def a_refusal(traveller: Traveller, version: str) -> None:
    cluster = traveller.stack.cluster
    assert isinstance(cluster, RunningCluster)
    cluster.add_fault(Fault(verb="create", code=403, reason="Forbidden", message="no more workflows"))
    execution = get(traveller, create(traveller, "tests.workflows.echoed_report", version))
    assert "no more workflows" in execution.closure.error.message
