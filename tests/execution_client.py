"""Executions as a client creates and reads them, and what lies in the cluster then."""

import pytest
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionMetadata,
    ExecutionSpec,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.identifier_pb2 import Identifier, NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import cluster as cluster_client
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from flyteadmin.settings import environment
from local.admin import Admin, CallFailed
from local.cluster.server import ClusterServer
from tests.builders import DOMAIN, PROJECT, execution_id

NAMESPACE = f"{PROJECT}-{DOMAIN}"


def literals(**values: object) -> LiteralMap:
    made = LiteralMap()
    for name, value in values.items():
        if isinstance(value, int):
            made.literals[name].scalar.primitive.integer = value
        else:
            made.literals[name].scalar.primitive.string_value = str(value)
    return made


def request(launch_plan: Identifier, name: str = "run", **inputs: object) -> ExecutionCreateRequest:
    return ExecutionCreateRequest(
        project=PROJECT,
        domain=DOMAIN,
        name=name,
        spec=ExecutionSpec(launch_plan=launch_plan),
        inputs=literals(**({"symbol": "ACME"} | inputs)),
    )


def child_of(parent: str, launch_plan: Identifier, name: str = "child") -> ExecutionCreateRequest:
    message = request(launch_plan, name)
    message.spec.metadata.mode = ExecutionMetadata.CHILD_WORKFLOW
    node = NodeExecutionIdentifier(node_id="n0", execution_id=execution_id(parent))
    message.spec.metadata.parent_node_execution.CopyFrom(node)
    return message


def create(admin: Admin, message: ExecutionCreateRequest) -> WorkflowExecutionIdentifier:
    return admin.call("CreateExecution", message, ExecutionCreateResponse).id


def refused(admin: Admin, message: ExecutionCreateRequest) -> CallFailed:
    with pytest.raises(CallFailed) as failure:
        create(admin, message)
    return failure.value


def get(admin: Admin, name: str = "run") -> Execution:
    identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)
    return admin.call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)


def resources(cluster: ClusterServer) -> list[FlyteWorkflow]:
    listed = cluster_client._api(environment().cluster).list_namespaced_custom_object(
        cluster_client.GROUP, cluster_client.VERSION, NAMESPACE, cluster_client.PLURAL
    )
    return [FlyteWorkflow.model_validate(item) for item in listed["items"]]
