"""An execution's own additions to its resource, as in flyteadmin's PrepareFlyteWorkflow."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from flyteidl.admin.common_pb2 import RawOutputDataConfig
from flyteidl.admin.matchable_resource_pb2 import PluginOverride
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.security_pb2 import Identity, Secret, SecurityContext
from flyteidl.core.tasks_pb2 import TaskTemplate
from pydantic import JsonValue

from flyteadmin.flyteworkflow import crd
from flyteadmin.flyteworkflow.prepare import ExecutionParameters, prepare_flyteworkflow

ACCEPTED = datetime(2024, 5, 1, 14, 30, 15, 999_000, tzinfo=timezone(timedelta(hours=2)))
UNSET = {"CPU": "0", "Memory": "0", "EphemeralStorage": "0", "Storage": "0", "GPU": "0"}


def built() -> crd.FlyteWorkflow:
    return crd.FlyteWorkflow(
        metadata=crd.ObjectMeta(
            name="run",
            namespace="p-d",
            labels={"project": "p", "domain": "d", "execution-id": "run", "shard-key": "6"},
        ),
        spec=crd.WorkflowSpec(id="p:d:wf", nodes={}, connections={}, edges=crd.Edges(downstream={}, upstream={})),
        tasks={"t": TaskTemplate(type="python-task")},
    )


def prepared(**fields: object) -> dict[str, JsonValue]:
    data = ExecutionParameters(accepted_at=ACCEPTED, **fields)  # type: ignore[arg-type]  # what each test is about
    return prepare_flyteworkflow(built(), data).to_json_object()


def test_the_least_that_every_execution_has() -> None:
    body = prepared()

    assert body["executionId"] == {"project": "p", "domain": "d", "name": "run"}
    assert body["acceptedAt"] == "2024-05-01T12:30:15Z"
    assert body["workflowMeta"] == {"eventVersion": 2}
    assert body["metadata"] == {
        "name": "run",
        "namespace": "p-d",
        "labels": {"project": "p", "domain": "d", "execution-id": "run", "shard-key": "6"},
        "finalizers": ["flyte.org/finalizer"],
    }
    assert body["executionConfig"] == {
        "TaskPluginImpls": {},
        "MaxParallelism": 0,
        "RecoveryExecution": {},
        "TaskResources": {"Requests": UNSET, "Limits": UNSET},
        "Interruptible": None,
        "OverwriteCache": False,
        "EnvironmentVariables": None,
    }
    assert (body["securityContext"], body["rawOutputDataConfig"]) == ({}, {})
    assert "serviceAccountName" not in body
    assert "consoleUrl" not in body


def test_labels_of_the_request_win() -> None:
    metadata = prepared(labels={"shard-key": "mine", "team": "a"}, annotations={"note": "n"})["metadata"]

    assert isinstance(metadata, dict)
    assert metadata["labels"] == {
        "project": "p",
        "domain": "d",
        "execution-id": "run",
        "shard-key": "mine",
        "team": "a",
    }
    assert metadata["annotations"] == {"note": "n"}


def test_permissions_go_to_the_security_context_the_service_account_and_the_role_annotation() -> None:
    run_as = Identity(iam_role="role", k8s_service_account="account")
    context = SecurityContext(run_as=run_as, secrets=[Secret(key="k", mount_requirement=Secret.FILE)])

    body = prepared(security_context=context, role_name_key="iam.amazonaws.com/role", annotations={"note": "n"})

    assert body["securityContext"] == {
        "run_as": {"iam_role": "role", "k8s_service_account": "account"},
        "secrets": [{"key": "k", "mount_requirement": 2}],
    }
    assert body["serviceAccountName"] == "account"
    assert body["metadata"]["annotations"] == {  # type: ignore[index, call-overload]  # JSON
        "iam.amazonaws.com/role": "role",
        "note": "n",
    }


def test_a_security_context_without_identity_is_left_out() -> None:
    assert prepared(security_context=SecurityContext(secrets=[Secret(key="k")]))["securityContext"] == {}


def test_overrides_of_the_execution() -> None:
    override = PluginOverride(
        task_type="spark", plugin_id=["a", "b"], missing_plugin_behavior=PluginOverride.USE_DEFAULT
    )

    body = prepared(
        plugin_overrides=[override, PluginOverride(task_type="none")],
        max_parallelism=25,
        recovery_execution=WorkflowExecutionIdentifier(project="p", domain="d", name="before"),
        interruptible=False,
        overwrite_cache=True,
        environment_variables={},
        raw_output_data_config=RawOutputDataConfig(output_location_prefix="s3://bucket/raw"),
        console_url="https://console.example",
        event_version=1,
        task_resources=crd.TaskResources(
            requests=crd.TaskResourceSpec(cpu="0.5", memory="1.5Gi", ephemeral_storage="", gpu="none"),
            limits=crd.TaskResourceSpec(cpu="2000m", ephemeral_storage="10Gi", storage="1Gi", gpu="1"),
        ),
    )

    assert body["executionConfig"] == {
        "TaskPluginImpls": {
            "spark": {"PluginIDs": ["a", "b"], "MissingPluginBehavior": 1},
            "none": {"PluginIDs": None, "MissingPluginBehavior": 0},
        },
        "MaxParallelism": 25,
        "RecoveryExecution": {"project": "p", "domain": "d", "name": "before"},
        "TaskResources": {
            "Requests": UNSET | {"CPU": "500m", "Memory": "1536Mi"},
            "Limits": UNSET | {"CPU": "2", "EphemeralStorage": "10Gi", "GPU": "1"},
        },
        "Interruptible": False,
        "OverwriteCache": True,
        "EnvironmentVariables": {},
    }
    assert body["rawOutputDataConfig"] == {"output_location_prefix": "s3://bucket/raw"}
    assert body["consoleUrl"] == "https://console.example"
    assert body["workflowMeta"] == {"eventVersion": 1}


@pytest.mark.parametrize("event_version", [0])
def test_event_version_zero_is_left_out(event_version: int) -> None:
    assert prepared(event_version=event_version)["workflowMeta"] == {}


def test_preparing_leaves_the_built_resource_as_it_was() -> None:
    workflow = built()

    prepare_flyteworkflow(workflow, ExecutionParameters(accepted_at=ACCEPTED, labels={"a": "b"}))

    assert workflow == built()


def test_a_prepared_resource_is_read_back_as_it_was() -> None:
    body = prepared(security_context=SecurityContext(run_as=Identity(iam_role="r")), environment_variables={"A": "b"})

    read = crd.FlyteWorkflow.model_validate(body)

    assert read.to_json_object() == body
    assert read.accepted_at == datetime(2024, 5, 1, 12, 30, 15, tzinfo=UTC)
    assert read.security_context.run_as.iam_role == "r"


def test_what_the_api_server_adds_to_metadata_is_kept() -> None:
    body = prepared() | {"status": {"phase": 2, "nodeStatus": {}}, "unknown": 1}
    body["metadata"] = {"name": "run", "resourceVersion": "7", "labels": {}}

    read = crd.FlyteWorkflow.model_validate(body).to_json_object()

    assert read["metadata"] == {"name": "run", "resourceVersion": "7"}
    assert read["status"] == {"phase": 2, "nodeStatus": {}}
