"""`flyteadmin-ops explain-config`: what an execution got, and what a create would get now, with the levels."""

from typing import Any

import pytest
from flyteidl.admin.launch_plan_pb2 import ACTIVE
from flyteidl.admin.matchable_resource_pb2 import (
    ExecutionClusterLabel,
    ExecutionQueueAttributes,
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
    TaskResourceAttributes,
    TaskResourceSpec,
    WorkflowExecutionConfig,
)
from flyteidl.core.execution_pb2 import QualityOfService
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK
from google.protobuf.duration_pb2 import Duration

from flyteadmin.clients import configuration
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from tests import register_calls
from tests.attribute_rows import put_attributes
from tests.builders import DOMAIN, PROJECT, stored_execution
from tests.configuration import configure
from tests.entities import identifier, integer, launch_plan_request, resources, task_request, workflow_request
from tests.execution_client import create, request
from tests.operating import Operator, name_stack

OF_THE_STACK = ("explain-config", "--stack", "explained", "--project", PROJECT, "--domain", DOMAIN)


@pytest.fixture
def operator(aws: Aws, admin: Admin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An operator of a stack with a launch plan and attributes at each scope, and a file."""
    assert admin
    name_stack(aws, "explained", "flyteadmin.yaml")
    configure(
        aws,
        monkeypatch,
        "{flyteadmin: {annotations: {from: file}}, queues: {executionQueues: [{dynamic: q, attributes: [t]}]}}",
    )
    greedy = task_request()
    greedy.spec.template.container.resources.CopyFrom(resources({"MEMORY": "512Mi"}))
    register_calls.registered(greedy, workflow_request(), launch_plan_request())
    assert register_calls.change_state("v1", ACTIVE).status == 200
    limits = TaskResourceAttributes(limits=TaskResourceSpec(memory="256Mi"), defaults=TaskResourceSpec(cpu="1"))
    overrides = PluginOverrides(overrides=[PluginOverride(task_type="python-task", plugin_id=["mine"])])
    put_attributes(
        MatchingAttributes(workflow_execution_config=WorkflowExecutionConfig(max_parallelism=7)),
        MatchingAttributes(plugin_overrides=overrides),
        workflow="doubling",
    )
    config = WorkflowExecutionConfig(max_parallelism=8)
    config.security_context.run_as.k8s_service_account = "of-the-domain"
    put_attributes(
        MatchingAttributes(workflow_execution_config=config), MatchingAttributes(task_resource_attributes=limits)
    )
    put_attributes(MatchingAttributes(execution_queue_attributes=ExecutionQueueAttributes(tags=["t"])), domain="")
    return Operator(capsys)


def explained(operator: Operator, *arguments: str) -> dict[str, tuple[Any, str]]:
    done = operator(*OF_THE_STACK, *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    return {record["field"]: (record["value"], record["level"]) for record in done.records()}


def common(found: dict[str, tuple[Any, str]]) -> None:
    """Check what both an execution and a create get."""
    assert found["max_parallelism"] == (7, "workflow attributes")
    assert found["security_context"][1] == "project-domain attributes"
    assert found["security_context"][0]["run_as"]["k8s_service_account"] == "of-the-domain"
    assert found["annotations"] == ({"from": "file"}, "application")
    assert found["queue"] == ("q", "project attributes")
    assert found["plugin_overrides"][1] == "workflow attributes"
    assert found["plugin_overrides"][0] == [{"task_type": "python-task", "plugin_id": ["mine"]}]
    assert found["task_resources.defaults"] == ({"cpu": "1"}, "project-domain attributes")
    assert found["task_resources.limits"] == ({"memory": "256Mi"}, "project-domain attributes")
    assert found["resources of double"] == (
        {"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
        "task",
    )
    assert found["envs"] == ({}, "")


@pytest.mark.conformance("KD-24")
def test_a_create_of_the_active_launch_plan(operator: Operator) -> None:
    found = explained(operator, "--launch-plan", "doubling")
    common(found)
    assert found["labels"] == ({}, "")
    assert found == explained(operator, "--launch-plan", "doubling", "--version", "v1")
    text = operator(*OF_THE_STACK, "--launch-plan", "doubling").out.splitlines()
    assert text[0].split() == ["max_parallelism", "workflow", "attributes", "7"]
    [adjusted] = [line for line in text if line.startswith("resources of double")]
    assert adjusted.endswith("(adjusted by task_resources of the level project-domain attributes)")
    [quality] = [line for line in text if line.startswith("quality_of_service")]
    assert quality.endswith("(nothing acts on it: propeller reads no queueing budget)")


@pytest.mark.conformance("KD-29", "ATT-13")
def test_an_execution_keeps_what_it_got(
    operator: Operator, admin: Admin, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = request(identifier(LAUNCH_PLAN, "doubling"))
    message.ClearField("inputs")
    message.inputs.literals["x"].CopyFrom(integer(1))
    message.spec.labels.values["mine"] = "yes"
    budget = QualityOfService(spec={"queueing_budget": Duration(seconds=60)})
    message.spec.quality_of_service.CopyFrom(budget)
    create(admin, message)
    put_attributes(workflow="doubling")
    put_attributes()
    put_attributes(domain="")
    configure(aws, monkeypatch, "")
    found = explained(operator, "--execution", "run")
    common(found)
    assert found["labels"] == ({"mine": "yes"}, "request")
    assert found["quality_of_service"] == ({"spec": {"queueing_budget": "60s"}}, "request")
    assert explained(operator, "--launch-plan", "doubling")["max_parallelism"] == (25, "application")


def test_a_task_by_itself_has_neither_a_launch_plan_nor_a_workflow(operator: Operator) -> None:
    found = explained(operator, "--task", "double", "--version", "v1")
    assert found["max_parallelism"] == (8, "project-domain attributes")
    assert found["plugin_overrides"] == ([], "")
    assert identifier(TASK, "double").name == "double"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--launch-plan", "nobody"), "launch plan nobody has no active version; name one with --version"),
        (("--launch-plan", "doubling", "--version", "v9"), "NOT_FOUND: missing entity of type LAUNCH_PLAN"),
        (("--execution", "nobody"), f"execution {PROJECT}:{DOMAIN}:nobody does not exist"),
        (("--execution", "old"), "is from before levels were kept"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(operator: Operator, arguments: tuple[str, ...], says: str) -> None:
    stored_execution("old")
    done = operator(*OF_THE_STACK, *arguments)
    assert (done.code, done.out, says in done.err) == (1, "", True), done.err


@pytest.mark.parametrize("wanted", ["", "team"])
def test_the_cluster_of_the_stacks_parameters_may_be_one_of_the_file(
    operator: Operator, aws: Aws, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """The entry of its name takes endpoint and authority from the stack, so the file alone is incomplete."""
    name_stack(aws, "clustered", "flyteadmin.yaml", cluster="east")
    clusters = "clusterConfigs: [{name: east, enabled: true}], labelClusterMap: {team: [{id: east, weight: 1}]}"
    configure(aws, monkeypatch, f"clusters: {{{clusters}}}")
    if wanted:
        put_attributes(MatchingAttributes(execution_cluster_label=ExecutionClusterLabel(value=wanted)))
    arguments = ("--project", PROJECT, "--domain", DOMAIN, "--launch-plan", "doubling", "--json")
    done = operator("explain-config", "--stack", "clustered", *arguments)
    assert done.code == 0, done.err
    [label] = [record for record in done.records() if record["field"] == "execution_cluster_label"]
    assert (label["value"], label["level"]) == (wanted, "project-domain attributes" if wanted else "")


def test_a_wrong_file_without_an_older_right_version_is_told_with_its_key(
    operator: Operator, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws, monkeypatch, "flyteadmin: {maxParallelism: many}")
    assert explained(operator, "--launch-plan", "doubling")["max_parallelism"] == (7, "workflow attributes")
    s3, bucket = aws.client("s3"), aws.resources["Bucket"]
    for before in s3.list_object_versions(Bucket=bucket, Prefix="flyteadmin.yaml")["Versions"][1:]:
        s3.delete_object(Bucket=bucket, Key=before["Key"], VersionId=before["VersionId"])
    configuration.forget()
    done = operator(*OF_THE_STACK, "--launch-plan", "doubling")
    assert (done.code, "max_parallelism" in done.err, done.err.count("\n")) == (1, True, 1), done.err


@pytest.mark.parametrize("arguments", [(), ("--launch-plan", "a", "--execution", "b"), ("--task", "a")])
def test_one_thing_is_explained(operator: Operator, arguments: tuple[str, ...]) -> None:
    assert operator(*OF_THE_STACK, *arguments).code == 2
