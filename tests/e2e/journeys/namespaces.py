"""Namespaces: of a new project, after a change of a template, and of an execution that finds none."""

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse, ExecutionSpec
from flyteidl.admin.matchable_resource_pb2 import ClusterResourceAttributes, MatchableResource, MatchingAttributes
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, ProjectRegisterResponse

from local import namespaces as local_namespaces
from local.callers import ACCOUNT, TEMPLATES_PREFIX
from local.stack import DOMAIN
from tests.attribute_calls import delete, update
from tests.e2e.journeys.traveller import Traveller
from tests.flytekit_registration import register
from tests.workflows import REPORT

_TEMPLATE = (
    "apiVersion: v1\nkind: Namespace\nmetadata: {{name: '{{{{ namespace }}}}', labels: {{version: {version}}}}}\n"
)


def namespaces(traveller: Traveller, version: str) -> None:
    admin, project = traveller.admin, f"n-{version}"
    name = f"{project}-{DOMAIN}"
    admin.call(
        "RegisterProject", ProjectRegisterRequest(project=Project(id=project, name=project)), ProjectRegisterResponse
    )
    _wait_for(traveller, name)
    scope = (project, DOMAIN)
    attributes = ClusterResourceAttributes(attributes={"quota": "1"})
    update(admin, scope, MatchingAttributes(cluster_resource_attributes=attributes))
    bucket, s3 = traveller.stack.outputs["Bucket"], traveller.stack.endpoint.client("s3", ACCOUNT)
    s3.put_object(Bucket=bucket, Key=f"{TEMPLATES_PREFIX}aa_namespace.yaml", Body=_TEMPLATE.format(version=version))
    assert _sweep(traveller) > 0
    _settle(traveller)
    delete(admin, scope, MatchableResource.CLUSTER_RESOURCE)
    _settle(traveller)
    local_namespaces.remove(traveller.stack.cluster, name)
    launch_plan = register(admin, REPORT, project, DOMAIN, version).launch_plan
    request = ExecutionCreateRequest(project=project, domain=DOMAIN, spec=ExecutionSpec(launch_plan=launch_plan))
    request.inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    admin.call("CreateExecution", request, ExecutionCreateResponse)
    _wait_for(traveller, name)


def _wait_for(traveller: Traveller, name: str) -> None:
    cluster = traveller.stack.cluster
    traveller.eventually(lambda: True if local_namespaces.is_there(cluster, name) else None, f"namespace {name}")


def _settle(traveller: Traveller) -> None:
    traveller.eventually(lambda: True if _sweep(traveller) == 0 else None, "a sweep that finds nothing due")


def _sweep(traveller: Traveller) -> int:
    try:
        return local_namespaces.sweep(traveller.stack.endpoint, traveller.stack.outputs)
    except SystemExit as failed:
        raise AssertionError(str(failed)) from None
