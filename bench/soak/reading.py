"""Compares the soak's executions with their expected final state."""

from collections.abc import Iterator
from typing import Any

from flyteidl.admin.execution_pb2 import Execution, WorkflowExecutionGetRequest
from flyteidl.admin.node_execution_pb2 import NodeExecution, NodeExecutionList, NodeExecutionListRequest
from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure
from flyteidl.core.execution_pb2 import NodeExecution as NodePhase
from flyteidl.core.execution_pb2 import TaskExecution as TaskPhase
from flyteidl.core.execution_pb2 import WorkflowExecution as ExecutionPhase
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

from bench.soak.lives import AttemptEnd, Life, NodeEnd
from local.admin import Admin
from local.callers import STACK
from local.stack import DOMAIN, PROJECT, Stack

_PAGE = 100


def differences(stack: Stack, life: Life) -> Iterator[str]:
    """Return the differences between an execution and its expected state, one line each."""
    identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=life.name)
    admin = stack.admin()
    closure = admin.call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution).closure
    said = closure.error.message if closure.HasField("error") else closure.outputs.uri
    key = f"{PROJECT}:{DOMAIN}:{life.name}"
    row = _item(stack, "executions", {"execution": {"S": key}, "part": {"S": "state"}})
    transitions = tuple(each["S"].split(" ")[0] for each in row["transitions"]["L"])
    yield from _unlike(life.name, (ExecutionPhase.Phase.Name(closure.phase), said), (life.phase, life.said))
    yield from _unlike(f"{life.name}: transitions", transitions, life.transitions)
    if "active" in row:
        yield f"{life.name}: still listed as active"
    nodes = {node.id.node_id: node for node in _nodes(admin, identifier)}
    attempts = _attempts(stack, key)
    yield from _unlike(f"{life.name}: nodes", sorted(nodes), sorted(life.nodes))
    for name in life.nodes.keys() & nodes.keys():
        yield from _unlike(f"{life.name}: {name}", _end(nodes[name], attempts.get(name, {})), life.nodes[name])


def _unlike(what: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{what}: {found}, expected {expected}"


def _nodes(admin: Admin, identifier: WorkflowExecutionIdentifier) -> Iterator[NodeExecution]:
    token = ""
    while True:
        request = NodeExecutionListRequest(workflow_execution_id=identifier, limit=_PAGE, token=token)
        page = admin.call("ListNodeExecutions", request, NodeExecutionList)
        yield from page.node_executions
        token = page.token
        if not token:
            return


def _end(node: NodeExecution, attempts: dict[int, AttemptEnd]) -> NodeEnd:
    closure = node.closure
    return NodeEnd(
        NodePhase.Phase.Name(closure.phase),
        closure.started_at.ToNanoseconds(),
        closure.duration.ToNanoseconds(),
        closure.error.message if closure.HasField("error") else closure.output_uri,
        tuple(attempts[number] for number in sorted(attempts)),
    )


def _attempts(stack: Stack, execution: str) -> dict[str, dict[int, AttemptEnd]]:
    """All task attempts of an execution, by node and number; from the table, since the API lists those of one node."""
    found: dict[str, dict[int, AttemptEnd]] = {}
    pages = stack.endpoint.client("dynamodb").get_paginator("query").paginate(
        TableName=f"{STACK}-task_executions",
        KeyConditionExpression="execution = :execution",
        ExpressionAttributeValues={":execution": {"S": execution}},
        ConsistentRead=True,
    )  # fmt: skip
    for page in pages:
        for item in page["Items"]:
            node, _, rest = item["attempt_key"]["S"].partition("#")
            found.setdefault(node, {})[int(rest.rpartition("#")[2])] = _attempt(item["closure"]["B"])
    return found


def _attempt(stored: bytes) -> AttemptEnd:
    closure = TaskExecutionClosure.FromString(stored)
    return AttemptEnd(
        TaskPhase.Phase.Name(closure.phase),
        closure.started_at.ToNanoseconds(),
        closure.duration.ToNanoseconds(),
        closure.error.message if closure.HasField("error") else closure.output_uri,
    )


def _item(stack: Stack, table: str, key: dict[str, Any]) -> dict[str, Any]:
    answer = stack.endpoint.client("dynamodb").get_item(TableName=f"{STACK}-{table}", Key=key, ConsistentRead=True)
    item: dict[str, Any] = answer["Item"]
    return item
