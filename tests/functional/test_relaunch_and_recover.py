"""Executions that are launched again: relaunched as they were asked for, or recovered from where they failed."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionMetadata,
    ExecutionRecoverRequest,
    ExecutionRelaunchRequest,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
)
from flyteidl.core.identifier_pb2 import Identifier, NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin import settings
from flyteadmin.api.identity import ENGINE_HEADER, PRINCIPAL_HEADER
from flyteadmin.clients.dynamodb.writes import Update, write
from flyteadmin.errors import Code
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionSpecification
from flyteadmin.identifiers import execution_key
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.aws_events import PRINCIPAL_ARN
from tests.builders import DOMAIN, PROJECT, execution_id, stored_execution, workflow_event
from tests.configuration import configure
from tests.event_delivery import apply
from tests.execution_client import create, get, literals, request, resources
from tests.flytekit_registration import register
from tests.workflows import REPORT

ROLE = "arn:aws:iam::123456789012:role/engines/data-scientist"
"""The role of the session that the tests call under, with a path."""

type Again = Callable[..., WorkflowExecutionIdentifier]


@pytest.fixture
def launch_plan(admin: Admin) -> Identifier:
    return register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan


def relaunch(admin: Admin, name: str = "again", of: str = "run", **fields: object) -> WorkflowExecutionIdentifier:
    message = ExecutionRelaunchRequest(id=execution_id(of), name=name, **fields)  # type: ignore[arg-type]
    return admin.call("RelaunchExecution", message, ExecutionCreateResponse).id


def recover(admin: Admin, name: str = "again", of: str = "run", **fields: object) -> WorkflowExecutionIdentifier:
    message = ExecutionRecoverRequest(id=execution_id(of), name=name, **fields)  # type: ignore[arg-type]
    return admin.call("RecoverExecution", message, ExecutionCreateResponse).id


BOTH = pytest.mark.parametrize("again", [relaunch, recover])


def code_of(call: Callable[[], object]) -> Code:
    with pytest.raises(CallFailed) as failure:
        call()
    return failure.value.code


def failed(admin: Admin, message: ExecutionCreateRequest) -> None:
    """An execution that was created, and failed."""
    create(admin, message)
    apply(workflow_event("RUNNING", 1, execution=message.name), workflow_event("FAILED", 2, execution=message.name))


def resource(cluster: ClusterServer, name: str = "again") -> Mapping[str, Any]:
    [found] = [each.to_json_object() for each in resources(cluster) if each.metadata.name == name]
    return found


def inputs_of(admin: Admin, name: str = "again") -> LiteralMap:
    asked = WorkflowExecutionGetDataRequest(id=execution_id(name))
    return admin.call("GetExecutionData", asked, WorkflowExecutionGetDataResponse).full_inputs


@pytest.mark.conformance("REL-01", "REC-01")
@BOTH
def test_an_execution_that_is_not_there(admin: Admin, launch_plan: Identifier, again: Again) -> None:
    assert code_of(lambda: again(admin)) is Code.NOT_FOUND
    assert code_of(lambda: again(admin, of="")) is Code.INVALID_ARGUMENT


@pytest.mark.conformance("REL-02", "REC-02")
@pytest.mark.parametrize("phase", ["UNDEFINED", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"])
def test_the_phases_from_which_an_execution_is_launched_again(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, aws: Aws, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    create(admin, request(launch_plan))
    if phase != "UNDEFINED":
        apply(workflow_event(phase, 1))
    assert relaunch(admin, "relaunched") == execution_id("relaunched")
    if phase in {"FAILED", "ABORTED", "TIMED_OUT"}:
        assert recover(admin, "recovered") == execution_id("recovered")
        return
    with pytest.raises(CallFailed, match=f"execution run is {phase}: only one that ended without success"):
        recover(admin, "recovered")
    assert len(resources(cluster)) == 2
    configure(aws, monkeypatch, "flyteadmin: {recoverInAnyPhase: true}")
    assert recover(admin, "recovered") == execution_id("recovered")


@pytest.mark.conformance("REL-03", "REC-06", "REL-07", "REC-08")
@BOTH
def test_the_users_inputs_are_resolved_anew(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, again: Again
) -> None:
    failed(admin, request(launch_plan, symbol="MINE"))
    assert again(admin) == execution_id("again")
    assert inputs_of(admin) == inputs_of(admin, "run")
    assert inputs_of(admin).literals["symbol"] == literals(symbol="MINE").literals["symbol"]
    assert again(admin, name="").name not in {"", "run", "again"}
    assert code_of(lambda: again(admin, name="Not_A_Name")) is Code.INVALID_ARGUMENT
    assert code_of(lambda: again(admin)) is Code.ALREADY_EXISTS


@pytest.mark.conformance("KD-30", "REL-03")
@BOTH
def test_inputs_that_a_row_has_in_its_spec(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, again: Again
) -> None:
    message = request(launch_plan)
    message.spec.inputs.CopyFrom(literals(symbol="LEGACY"))
    message.ClearField("inputs")
    failed(admin, message)
    key = repository.specification_key(execution_key(execution_id()))
    write(Update(key, [ExecutionSpecification.user_inputs_uri.set("")]))
    again(admin)
    assert inputs_of(admin).literals["symbol"] == literals(symbol="LEGACY").literals["symbol"]


@BOTH
@pytest.mark.conformance("REL-03", "REC-06")
def test_inputs_that_are_gone(admin: Admin, launch_plan: Identifier, aws: Aws, again: Again) -> None:
    failed(admin, request(launch_plan))
    forget_inputs(aws)
    with pytest.raises(CallFailed, match="unable to read from location") as failure:
        again(admin)
    assert failure.value.code is Code.INTERNAL


def forget_inputs(aws: Aws) -> None:
    here = {"Bucket": aws.resources["Bucket"]}
    for each in aws.client("s3").list_objects_v2(**here, Prefix=f"metadata/{PROJECT}/{DOMAIN}/run/")["Contents"]:
        aws.client("s3").delete_object(**here, Key=each["Key"])


@pytest.mark.conformance("REL-04", "REL-05", "REL-08", "REC-03", "REC-07")
@pytest.mark.parametrize(
    ("again", "mode"), [(relaunch, ExecutionMetadata.RELAUNCH), (recover, ExecutionMetadata.RECOVERED)]
)
def test_the_spec_is_the_originals(
    admin: Admin,
    launch_plan: Identifier,
    cluster: ClusterServer,
    again: Again,
    mode: ExecutionMetadata.ExecutionMode,
) -> None:
    message = request(launch_plan)
    message.spec.labels.values["team"] = "a"
    message.spec.annotations.values["why"] = "b"
    message.spec.tags.append("nightly")
    message.spec.envs.values.add(key="E", value="1")
    message.spec.interruptible.value = True
    message.spec.overwrite_cache = True
    message.spec.metadata.scheduled_at.seconds = 1_700_000_000
    failed(admin, message)
    again(admin)
    before, after = get(admin).spec, get(admin, "again").spec
    assert (after.metadata.mode, after.metadata.reference_execution) == (mode, execution_id())
    assert after.overwrite_cache is (again is recover), "a relaunch says for itself"
    assert after.metadata.scheduled_at == before.metadata.scheduled_at
    for spec in (before, after):
        spec.ClearField("metadata")
        spec.ClearField("overwrite_cache")
    assert after == before
    relaunched = resource(cluster)
    assert relaunched["metadata"]["labels"]["team"] == "a"
    recovery = relaunched["executionConfig"]["RecoveryExecution"]
    assert bool(recovery) is (again is recover)


@pytest.mark.conformance("REC-03", "REC-04")
@pytest.mark.parametrize("mode", ["RECOVERED", "MANUAL"])
def test_a_create_that_says_the_same_recovers(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, mode: str
) -> None:
    message = request(launch_plan, "again")
    message.spec.metadata.MergeFrom(ExecutionMetadata(mode=mode))
    message.spec.metadata.reference_execution.CopyFrom(execution_id())
    create(admin, message)
    config = resource(cluster)["executionConfig"]
    expected = {"project": PROJECT, "domain": DOMAIN, "name": "run"} if mode == "RECOVERED" else {}
    assert {name.lower(): value for name, value in config["RecoveryExecution"].items()} == expected


@pytest.mark.conformance("KD-29", "REL-06")
@BOTH
def test_what_configuration_decides_is_decided_anew(
    admin: Admin,
    launch_plan: Identifier,
    cluster: ClusterServer,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    again: Again,
) -> None:
    configure(aws, monkeypatch, "flyteadmin: {maxParallelism: 7, k8sServiceAccount: old}")
    failed(admin, request(launch_plan))
    configure(aws, monkeypatch, "flyteadmin: {maxParallelism: 9, k8sServiceAccount: new}")
    again(admin)
    specs = [get(admin, name).spec for name in ("run", "again")]
    assert [spec.max_parallelism for spec in specs] == [7, 9]
    assert [spec.security_context.run_as.k8s_service_account for spec in specs] == ["old", "new"]


@pytest.mark.conformance("REL-09")
def test_what_a_create_refuses_is_refused_again(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> None:
    failed(admin, request(launch_plan))
    assert code_of(lambda: relaunch(admin, "x" * 64)) is Code.INVALID_ARGUMENT
    assert repository.read(f"{PROJECT}:{DOMAIN}:{'x' * 64}") is None


def child_of(parent: str) -> ExecutionMetadata:
    node = NodeExecutionIdentifier(node_id="n0", execution_id=execution_id(parent))
    return ExecutionMetadata(parent_node_execution=node, nesting=77)


def parent_of(name: str) -> str | None:
    state = repository.read_state(execution_key(execution_id(name)))
    assert state is not None
    return state.parent


@pytest.mark.conformance("REL-04", "REC-05")
@BOTH
def test_a_childs_relaunch_by_a_person_is_nobodys_child(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, again: Again
) -> None:
    stored_execution("parent", principal="alice")
    message = request(launch_plan)
    message.spec.metadata.CopyFrom(child_of("parent"))
    failed(admin, message)
    assert parent_of("run") == execution_key(execution_id("parent"))
    again(admin)
    assert parent_of("again") is None
    metadata = get(admin, "again").spec.metadata
    assert (metadata.principal, metadata.parent_node_execution.execution_id) == (PRINCIPAL_ARN, execution_id("parent"))


@pytest.fixture
def propeller(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """Propeller as it comes through the bridge."""
    monkeypatch.setenv("BRIDGE_ROLE_ARN", ROLE)
    settings.environment.cache_clear()
    return Admin(admin.api, {PRINCIPAL_HEADER: "propeller", ENGINE_HEADER: "true"})


@pytest.mark.conformance("REC-01", "REC-02", "REC-05", "REC-06")
def test_propeller_recovers_a_child_that_ended_and_launches_all_others_plainly(
    propeller: Admin, launch_plan: Identifier, cluster: ClusterServer, aws: Aws
) -> None:
    stored_execution("parent", principal="alice")
    create(propeller, request(launch_plan))
    metadata = child_of("parent")
    assert code_of(lambda: recover(propeller, metadata=metadata)) is Code.NOT_FOUND, "it has not ended"
    apply(workflow_event("SUCCEEDED", 1))
    recover(propeller, metadata=metadata)
    assert parent_of("again") == execution_key(execution_id("parent"))
    found = get(propeller, "again").spec.metadata
    assert (found.principal, found.nesting, found.mode) == ("alice", 1, ExecutionMetadata.RECOVERED)
    forget_inputs(aws)
    assert code_of(lambda: recover(propeller, "other", metadata=metadata)) is Code.NOT_FOUND, "its inputs are gone"
    assert code_of(lambda: recover(propeller, "other", of="nobody", metadata=metadata)) is Code.NOT_FOUND


@BOTH
def test_a_call_that_is_sent_again_launches_once(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, again: Again
) -> None:
    failed(admin, request(launch_plan))
    keyed = Admin(admin.api, {"idempotency-key": "k1"})
    first = again(keyed, name="")
    assert again(keyed, name="") == first
    assert len(resources(cluster)) == 2
    failed(admin, request(launch_plan, "other"))
    assert code_of(lambda: again(keyed, name="", of="other")) is Code.INVALID_ARGUMENT
    other_kind = recover if again is relaunch else relaunch
    assert code_of(lambda: other_kind(keyed, name="")) is Code.INVALID_ARGUMENT, "it looks the same on the wire"


@BOTH
def test_a_call_that_is_sent_again_is_answered_whatever_became_of_the_original(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, aws: Aws, again: Again
) -> None:
    failed(admin, request(launch_plan))
    keyed = Admin(admin.api, {"idempotency-key": "k1"})
    first = again(keyed, name="")
    forget_inputs(aws)
    assert again(keyed, name="") == first
    assert code_of(lambda: again(Admin(admin.api, {"idempotency-key": "k2"}), name="")) is Code.INTERNAL


@pytest.mark.conformance("REC-02")
def test_naming_a_parent_recovers_nothing_more(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> None:
    stored_execution("parent")
    create(admin, request(launch_plan))
    apply(workflow_event("SUCCEEDED", 1))
    assert code_of(lambda: recover(admin, metadata=child_of("parent"))) is Code.NOT_FOUND
