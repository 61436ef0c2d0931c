"""Blobs that somebody replaced: their keys hold the digest of what was written, and nothing else is used."""

import pytest
from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.execution_pb2 import WorkflowExecutionGetDataRequest, WorkflowExecutionGetDataResponse
from flyteidl.admin.workflow_pb2 import Workflow
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier

from flyteadmin.clients import storage
from flyteadmin.errors import Code
from flyteadmin.remote_data import remote_data
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.builders import DOMAIN, PROJECT
from tests.execution_client import create, literals, refused, request, resources
from tests.flytekit_registration import register
from tests.workflows import REPORT

EVIL = "evil.example/own:latest"


@pytest.fixture
def launch_plan(admin: Admin) -> Identifier:
    return register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan


def written(aws: Aws, prefix: str) -> list[str]:
    listed = aws.client("s3").list_objects_v2(Bucket=aws.resources["Bucket"], Prefix=prefix)
    return [storage.uri(each["Key"]) for each in listed.get("Contents", ())]


def test_a_closure_with_an_image_of_somebody_else_s_never_runs(
    admin: Admin, launch_plan: Identifier, aws: Aws, cluster: ClusterServer
) -> None:
    [uri] = written(aws, f"metadata/admin/{PROJECT}/{DOMAIN}/{launch_plan.name}/")
    closure = CompiledWorkflowClosure.FromString(storage.read(uri))
    for task in closure.tasks:
        task.template.container.image = EVIL
    storage.write(closure.SerializeToString(), uri)
    storage.read_immutable.cache_clear()
    assert refused(admin, request(launch_plan)).code == Code.INTERNAL
    assert resources(cluster) == []
    workflow = Identifier(
        resource_type=WORKFLOW, project=PROJECT, domain=DOMAIN, name=launch_plan.name, version=launch_plan.version
    )
    with pytest.raises(CallFailed) as failure:
        admin.call("GetWorkflow", ObjectGetRequest(id=workflow), Workflow)
    assert failure.value.code == Code.INTERNAL


def test_inputs_that_were_replaced_are_not_shown(
    admin: Admin, launch_plan: Identifier, aws: Aws, cluster: ClusterServer
) -> None:
    identifier = create(admin, request(launch_plan))
    [uri] = written(aws, f"metadata/{PROJECT}/{DOMAIN}/run/inputs-")
    storage.write(literals(symbol="EVIL").SerializeToString(), uri)
    with pytest.raises(CallFailed) as failure:
        admin.call("GetExecutionData", WorkflowExecutionGetDataRequest(id=identifier), WorkflowExecutionGetDataResponse)
    assert failure.value.code == Code.INTERNAL


def test_what_propeller_wrote_may_have_any_name(aws: Aws) -> None:
    mine = storage.uri("metadata", "propeller", "run", f"outputs-{'0123456789abcdef' * 2}")
    storage.write(literals(price=7).SerializeToString(), mine)
    assert remote_data(mine).literals == literals(price=7)
