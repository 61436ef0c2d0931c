"""An execution planned again from what the tables and the bucket hold of it: the resource that its create made."""

import json
from collections.abc import Callable

import pytest
from flyteidl.admin.common_pb2 import EmailNotification, Notification
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.admin.matchable_resource_pb2 import (
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
    TaskResourceAttributes,
    TaskResourceSpec,
    WorkflowExecutionConfig,
)
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier
from flyteidl.core.literals_pb2 import KeyValuePair, LiteralMap
from flyteidl.core.security_pb2 import Identity, Secret, SecurityContext

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.clusters.targets import Cluster
from flyteadmin.executions import messages, repository
from flyteadmin.executions.models import StoredExecution
from flyteadmin.launching import reading
from flyteadmin.launching.idempotency import Call
from flyteadmin.launching.planning import plan_execution
from flyteadmin.launching.stored import request_of
from flyteadmin.launching.storing import Blobs, Body, build_body
from flyteadmin.launching.validation import validate_launch
from flyteadmin.timestamps import to_datetime
from local.admin import Admin
from tests.aws_events import PRINCIPAL_ARN
from tests.builders import DOMAIN, PROJECT, execution_id, stored_execution
from tests.entities import integer, task_request
from tests.execution_client import NAMESPACE, create, get, request
from tests.flytekit_registration import register
from tests.workflows import REPORT

LARGE = "x" * 40_000


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Body]:
    """The resources that the cluster's client is given."""
    original, bodies = cluster_client.create, list[Body]()

    def create_and_keep(cluster: Cluster, namespace: str, body: Body) -> None:
        bodies.append(body)
        original(cluster, namespace, body)

    monkeypatch.setattr(cluster_client, "create", create_and_keep)
    return bodies


def stored() -> StoredExecution:
    found = repository.read(f"{PROJECT}:{DOMAIN}:run")
    assert found is not None
    return found


def body_planned_again(execution: StoredExecution) -> Body:
    user_inputs = LiteralMap.FromString(storage.read(execution.specification.user_inputs_uri))
    message = request_of(execution, messages.requested_spec(execution), user_inputs)
    call = Call(message, execution.specification.caller, "", to_datetime(execution.state.created_at))
    rows = reading.read_named_rows(call)
    validate_launch(call, rows)
    context = reading.read_context(call, rows)
    assert (context.cluster, context.namespace) == (execution.state.cluster, execution.state.namespace)
    return build_body(context, plan_execution(context), execution.specification.inputs_uri, Blobs(call.execution))


def of_a_launch_plan(admin: Admin) -> ExecutionCreateRequest:
    return request(register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan)


def of_a_task(admin: Admin) -> ExecutionCreateRequest:
    task = task_request("core.double")
    admin.call("CreateTask", task, TaskCreateResponse)
    message = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name="run")
    message.spec.launch_plan.CopyFrom(task.id)
    message.spec.security_context.CopyFrom(SecurityContext(run_as=Identity(iam_role="first")))
    message.inputs.literals["a"].CopyFrom(integer(3))
    return message


def of_a_node(admin: Admin) -> ExecutionCreateRequest:
    stored_execution("parent", principal="alice")
    message = of_a_launch_plan(admin)
    node = NodeExecutionIdentifier(node_id="n0", execution_id=execution_id("parent"))
    message.spec.metadata.parent_node_execution.CopyFrom(node)
    return message


def with_all_that_a_request_may_set(admin: Admin) -> ExecutionCreateRequest:
    message = of_a_launch_plan(admin)
    message.spec.labels.values.update(team="mine", b="2", a="1")
    message.spec.annotations.values["why"] = "a test"
    message.spec.envs.values.append(KeyValuePair(key="LOG_LEVEL", value="20"))
    message.spec.max_parallelism, message.spec.overwrite_cache = 3, True
    message.spec.interruptible.value = False
    email = Notification(phases=["FAILED"], email=EmailNotification(recipients_email=["a@b.example"]))
    message.spec.notifications.notifications.append(email)
    return message


def under_matchable_attributes(admin: Admin) -> ExecutionCreateRequest:
    config = WorkflowExecutionConfig(max_parallelism=4)
    config.raw_output_data_config.output_location_prefix = "s3://raw/here"
    resources = TaskResourceAttributes(defaults=TaskResourceSpec(cpu="1"), limits=TaskResourceSpec(cpu="2"))
    override = PluginOverride(task_type="python-task", plugin_id=["mine"])
    row = AttributesRow(
        scope=scope_key(PROJECT, DOMAIN, "", ""),
        listing="WORKFLOW_EXECUTION_CONFIG",
        updated_at=0,
        workflow_execution_config=MatchingAttributes(workflow_execution_config=config).SerializeToString(),
        task_resource=MatchingAttributes(task_resource_attributes=resources).SerializeToString(),
        plugin_override=MatchingAttributes(plugin_overrides=PluginOverrides(overrides=[override])).SerializeToString(),
    )
    write(Put(row))
    return of_a_launch_plan(admin)


def with_a_large_spec(admin: Admin) -> ExecutionCreateRequest:
    """Both the requested spec and the resolved security context are too large for a row."""
    message = of_a_launch_plan(admin)
    message.spec.security_context.CopyFrom(SecurityContext(secrets=[Secret(group="g", key=LARGE)]))
    message.spec.security_context.run_as.iam_role = "a-role"
    return message


@pytest.mark.parametrize(
    "made",
    [
        of_a_launch_plan,
        of_a_task,
        of_a_node,
        with_all_that_a_request_may_set,
        under_matchable_attributes,
        with_a_large_spec,
    ],
)
def test_the_resource_planned_again_equals_the_first(
    admin: Admin, sent: list[Body], made: Callable[[Admin], ExecutionCreateRequest]
) -> None:
    message = made(admin)
    create(admin, message)
    [first] = sent
    assert json.dumps(body_planned_again(stored()), sort_keys=True) == json.dumps(first, sort_keys=True)
    assert messages.requested_spec(stored()) == message.spec


def test_a_large_spec_is_shown_as_any_other(admin: Admin) -> None:
    message = with_a_large_spec(admin)
    create(admin, message)
    row = stored().specification
    assert len(json.dumps(row.to_dynamodb_dict())) < 4_000
    spec = get(admin).spec
    assert spec.security_context.secrets[0].key == LARGE
    assert spec.security_context.run_as == Identity(iam_role="a-role", execution_identity=PRINCIPAL_ARN)
    assert (spec.metadata.system_metadata.namespace, spec.max_parallelism) == (NAMESPACE, 25)
