"""Rules of creates hold at the real handler; the tests beside the rules have all their cases."""

import pytest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import KeyValuePair, Literal, LiteralOffloadedMetadata
from flyteidl.core.tasks_pb2 import Container
from flyteidl.core.types_pb2 import INTEGER, STRING, LiteralType

from flyteadmin.errors import Code
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.entities import integer, task_request
from tests.entities import resources as asked
from tests.execution_client import create, refused, resources


def registered(admin: Admin, name: str = "double") -> Identifier:
    request = task_request(name)
    admin.call("CreateTask", request, TaskCreateResponse)
    return request.id


def request(task: Identifier, name: str = "run", a: Literal | None = None) -> ExecutionCreateRequest:
    made = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name)
    made.spec.launch_plan.CopyFrom(task)
    made.inputs.literals["a"].CopyFrom(a or integer(5))
    return made


def container(cluster: ClusterServer) -> Container:
    """The container of the one task of the one execution, as it is in the cluster."""
    [resource] = resources(cluster)
    assert resource.tasks is not None
    [task] = resource.tasks.values()
    found: Container = task.container
    return found


@pytest.mark.conformance("RES-01")
def test_the_platforms_defaults_and_limits(admin: Admin, cluster: ClusterServer) -> None:
    for number, above in enumerate(({"CPU": "3"}, {"MEMORY": "2Gi"}, {"GPU": "2"})):
        greedy = task_request(version=f"greedy{number}")
        greedy.spec.template.container.resources.CopyFrom(asked(above))
        with pytest.raises(CallFailed, match="greater than current limit set in the platform configuration"):
            admin.call("CreateTask", greedy, TaskCreateResponse)
    most: TaskCreateRequest = task_request(version="most")
    most.spec.template.container.resources.CopyFrom(asked({"CPU": "2", "MEMORY": "1Gi", "EPHEMERAL_STORAGE": "9Ti"}))
    admin.call("CreateTask", most, TaskCreateResponse)
    create(admin, request(registered(admin)))
    assert container(cluster).resources == asked({"CPU": "2", "MEMORY": "200Mi"}, {"CPU": "2", "MEMORY": "200Mi"})


QUEUES = "queues: {{executionQueues: [{{dynamic: fast, attributes: [critical]}}], workflowConfigs: [{}]}}"


@pytest.mark.conformance("QUE-02")
@pytest.mark.parametrize(
    ("workflow_configs", "queue"),
    [
        (f"{{domain: {DOMAIN}, tags: [critical]}}, {{tags: [default]}}", "fast"),
        ("{domain: production, tags: [default]}, {tags: [critical]}", "fast"),
        ("{domain: production, tags: [critical]}", ""),
    ],
)
def test_the_domain_has_queue_tags_else_all_domains(
    admin: Admin, cluster: ClusterServer, aws: Aws, monkeypatch: pytest.MonkeyPatch, workflow_configs: str, queue: str
) -> None:
    configure(aws, monkeypatch, QUEUES.format(workflow_configs))
    create(admin, request(registered(admin)))
    assert list(container(cluster).config) == [KeyValuePair(key="child_queue", value=queue)] * bool(queue)


@pytest.mark.conformance("QUE-04")
def test_without_a_queue_a_task_is_as_it_was_registered(admin: Admin, cluster: ClusterServer) -> None:
    create(admin, request(registered(admin)))
    assert list(container(cluster).config) == []


@pytest.mark.conformance("KD-22")
@pytest.mark.parametrize("name", ["_", "core.._", "start-node", "end-node"])
def test_a_generated_node_has_a_name_of_its_own(admin: Admin, cluster: ClusterServer, name: str) -> None:
    create(admin, request(registered(admin, name)))
    [resource] = resources(cluster)
    assert resource.spec is not None
    [node] = resource.spec.nodes.keys() - {"start-node", "end-node"}
    assert node


@pytest.mark.conformance("CRE-18")
def test_an_offloaded_input_has_the_type_that_was_inferred_for_it(admin: Admin) -> None:
    def offloaded(kind: LiteralType | None) -> Literal:
        return Literal(offloaded_metadata=LiteralOffloadedMetadata(uri="s3://b/k", size_bytes=1, inferred_type=kind))

    task = registered(admin)
    wrong = refused(admin, request(task, a=offloaded(LiteralType(simple=STRING))))
    assert (wrong.code, "invalid a input wrong type" in wrong.status.message) == (Code.INVALID_ARGUMENT, True)
    unknown = refused(admin, request(task, a=offloaded(None)))
    assert unknown.code is Code.INVALID_ARGUMENT
    assert unknown.status.message.startswith("failed to validate literal type for a")
    create(admin, request(task, a=offloaded(LiteralType(simple=INTEGER))))
