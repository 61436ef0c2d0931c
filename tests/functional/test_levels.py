"""The levels of configuration at the real handler: every field, every pair of levels, merged by field and as a row."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Literal

import pytest
from flyteidl.admin.common_pb2 import Annotations, AuthRole, Envs, Labels, RawOutputDataConfig
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import Auth, LaunchPlanCreateRequest, LaunchPlanCreateResponse, LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import MatchingAttributes, WorkflowExecutionConfig
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import KeyValuePair
from flyteidl.core.security_pb2 import Identity, Secret, SecurityContext
from google.protobuf.wrappers_pb2 import BoolValue

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients.dynamodb.keys import AnyKey
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.launching import reading
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.attribute_rows import put_attributes
from tests.aws_events import PRINCIPAL_ARN
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.entities import integer, launch_plan_request, task_request, workflow_request
from tests.execution_client import create, get, refused, resources
from tests.faults import unavailable

type Merge = Literal["fields", "row"]

LEVELS = ("request", "launch_plan", "workflow", "project_domain", "project", "application")
FIELDS = {
    "max_parallelism",
    "security_context",
    "raw_output_data_config",
    "labels",
    "annotations",
    "interruptible",
    "overwrite_cache",
    "envs",
}
UNSET: dict[str, object] = {
    "max_parallelism": 25,
    "security_context": Identity(),
    "raw_output_data_config": "",
    "labels": {},
    "annotations": {},
    "interruptible": None,
    "overwrite_cache": False,
    "envs": {},
}


def values_of(level: str) -> dict[str, Any]:
    """A value of each field that no other level has; of lists and objects other parts too."""
    number = LEVELS.index(level) + 1
    role = Identity(iam_role=f"role-{level}") if number % 2 else Identity(k8s_service_account=f"account-{level}")
    return {
        "max_parallelism": number,
        "security_context": SecurityContext(run_as=role),
        "raw_output_data_config": RawOutputDataConfig(output_location_prefix=f"s3://raw/{level}"),
        "labels": Labels(values={f"of-{level}".replace("_", "-"): "yes"}),
        "annotations": Annotations(values={f"of-{level}": "yes"}),
        "interruptible": BoolValue(value=number % 2 == 0),
        "overwrite_cache": True,
        "envs": Envs(values=[KeyValuePair(key=f"OF_{level}", value="yes")]),
    }


def set_on(level: str, fields: Iterable[str]) -> dict[str, Any]:
    """The fields of a message with the values of a level."""
    return {name: value for name, value in values_of(level).items() if name in fields}


def expected(level: str, field: str) -> object:
    value = values_of(level)[field]
    match field:
        case "security_context":
            return value.run_as
        case "raw_output_data_config":
            return value.output_location_prefix
        case "labels" | "annotations":
            return dict(value.values)
        case "interruptible":
            return value.value
        case "envs":
            return {pair.key: pair.value for pair in value.values}
        case _:
            return value


@pytest.fixture
def workflow(admin: Admin) -> Identifier:
    """A registered workflow, whose launch plans the tests register."""
    task, made = task_request(), workflow_request()
    admin.call("CreateTask", task, TaskCreateResponse)
    admin.call("CreateWorkflow", made, WorkflowCreateResponse)
    return made.id


def registered(admin: Admin, version: str = "v1", **fields: Any) -> Identifier:
    request: LaunchPlanCreateRequest = launch_plan_request(version=version)
    request.spec.MergeFrom(LaunchPlanSpec(**fields))
    admin.call("CreateLaunchPlan", request, LaunchPlanCreateResponse)
    return request.id


def request(launch_plan: Identifier, name: str = "run", **fields: Any) -> ExecutionCreateRequest:
    spec = ExecutionSpec(launch_plan=launch_plan, **fields)
    message = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name, spec=spec)
    message.inputs.literals["x"].CopyFrom(integer(1))
    return message


def config(**fields: Any) -> MatchingAttributes:
    return MatchingAttributes(workflow_execution_config=WorkflowExecutionConfig(**fields))


def application(fields: Iterable[str], merge: Merge) -> str:
    """A flyteadmin.yaml that sets these fields; its level has no security context that names an identity."""
    texts = {
        "max_parallelism": "maxParallelism: 6",
        "security_context": "k8sServiceAccount: account-application",
        "raw_output_data_config": "outputLocationPrefix: s3://raw/application",
        "labels": "labels: [{of-application: 'yes'}]",
        "annotations": "annotations: {of-application: 'yes'}",
        "interruptible": "interruptible: true",
        "overwrite_cache": "overwriteCache: true",
        "envs": "envs: [{OF_application: 'yes'}]",
    }
    section = [f"  {text}" for field, text in texts.items() if field in fields]
    return "\n".join(["flyteadmin:", f"  attributesMerge: {merge}", *section])


def got(admin: Admin, cluster: ClusterServer, name: str) -> dict[str, object]:
    """The values that an execution got, of its resource and, without the caller's identity, of its spec."""
    [resource] = [each for each in resources(cluster) if each.metadata.name == name]
    labels, annotations = resource.metadata.labels or {}, resource.metadata.annotations or {}
    run_as = get(admin, name).spec.security_context.run_as
    assert run_as.execution_identity == PRINCIPAL_ARN
    run_as.execution_identity = ""
    assert resource.service_account_name == run_as.k8s_service_account
    return {
        "max_parallelism": resource.execution_config.max_parallelism,
        "security_context": run_as,
        "raw_output_data_config": resource.raw_output_data_config.output_location_prefix,
        "labels": {key: value for key, value in labels.items() if key.startswith("of-")},
        "annotations": {key: value for key, value in annotations.items() if key.startswith("of-")},
        "interruptible": resource.execution_config.interruptible,
        "overwrite_cache": resource.execution_config.overwrite_cache,
        "envs": resource.execution_config.environment_variables or {},
    }


SCOPES: dict[str, dict[str, str]] = {
    "workflow": {"workflow": "doubling"},
    "project_domain": {},
    "project": {"domain": ""},
}


def set_levels(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, setting: Mapping[str, Iterable[str]], merge: Merge = "fields"
) -> None:
    """Let exactly these levels, of those that an operator has, set these fields."""
    for scope, names in SCOPES.items():
        put_attributes(*([config(**set_on(scope, setting[scope]))] if scope in setting else []), **names)
    configure(aws, monkeypatch, application(setting.get("application", ()), merge))


@pytest.mark.conformance(
    "CFG-01", "CFG-02", "CFG-03", "CFG-10", "CFG-11", "CFG-12", "CFG-13", "CFG-14", "CFG-23", "KD-25"
)
@pytest.mark.conformance("CFG-04", "CFG-08")
@pytest.mark.parametrize("merge", ["fields", "row"])
@pytest.mark.parametrize("field", sorted(FIELDS))
def test_each_field_comes_from_the_first_level_that_sets_it(
    admin: Admin,
    cluster: ClusterServer,
    workflow: Identifier,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    merge: Merge,
) -> None:
    """The upper level sets all fields but this one, the lower one all; what the upper one sets never mixes."""
    assert workflow.name == SCOPES["workflow"]["workflow"]
    others = FIELDS - {field}
    plans = {
        "": registered(admin, "none"),
        "upper": registered(admin, "upper", **set_on("launch_plan", others)),
        "lower": registered(admin, "lower", **set_on("launch_plan", FIELDS)),
    }
    for upper, lower in combinations(LEVELS, 2):
        setting = {upper: others, lower: FIELDS}
        set_levels(aws, monkeypatch, setting, merge)
        name = f"{upper}-{lower}".replace("_", "-")
        plan = plans[{upper: "upper", lower: "lower"}.get("launch_plan", "")]
        create(admin, request(plan, name, **set_on("request", setting.get("request", ()))))
        found = got(admin, cluster, name)
        assert {each: found[each] for each in others} == {each: expected(upper, each) for each in others}, name
        hidden = merge == "row" and (upper, lower) == ("workflow", "project_domain")
        assert found[field] == (UNSET[field] if hidden else expected(lower, field)), name


@pytest.mark.conformance("CFG-02")
def test_upstreams_row_of_a_workflow_hides_that_of_its_project_and_domain(
    admin: Admin, cluster: ClusterServer, workflow: Identifier, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under `fields` the three rows merge; the difference is a deviation, and `row` takes it back."""
    plan = registered(admin)
    assert workflow
    for merge, level in (("fields", "project_domain"), ("row", "project")):
        setting = {"workflow": {"labels"}, "project_domain": FIELDS, "project": FIELDS, "application": FIELDS}
        set_levels(aws, monkeypatch, setting, merge)  # type: ignore[arg-type]  # one of the two
        create(admin, request(plan, merge))
        found = got(admin, cluster, merge)
        assert found["labels"] == expected("workflow", "labels")
        for field in FIELDS - {"labels"}:
            assert found[field] == expected(level, field), (merge, field)


@pytest.mark.conformance("CFG-16")
@pytest.mark.parametrize("merge", ["fields", "row"])
def test_a_row_without_a_configuration_is_ignored(
    admin: Admin, cluster: ClusterServer, workflow: Identifier, aws: Aws, monkeypatch: pytest.MonkeyPatch, merge: Merge
) -> None:
    plan = registered(admin)
    set_levels(aws, monkeypatch, {"project": FIELDS}, merge)
    empty = MatchingAttributes().SerializeToString()
    scope = scope_key(PROJECT, DOMAIN, workflow.name, "")
    write(Put(AttributesRow(scope=scope, updated_at=0, workflow_execution_config=empty)))
    create(admin, request(plan))
    assert got(admin, cluster, "run")["labels"] == expected("project", "labels")


@pytest.mark.conformance("CFG-03")
@pytest.mark.parametrize("asked", [0, -1])
def test_a_parallelism_of_zero_or_below_is_unset(
    admin: Admin, cluster: ClusterServer, workflow: Identifier, asked: int
) -> None:
    assert workflow
    create(admin, request(registered(admin, max_parallelism=7), max_parallelism=asked))
    assert got(admin, cluster, "run")["max_parallelism"] == 7


@pytest.mark.conformance("CFG-04", "CFG-05")
@pytest.mark.parametrize(
    "asked", [SecurityContext(), SecurityContext(run_as=Identity()), SecurityContext(secrets=[Secret(group="g")])]
)
def test_a_security_context_without_a_role_is_unset_with_all_it_holds(
    admin: Admin, cluster: ClusterServer, workflow: Identifier, asked: SecurityContext
) -> None:
    assert workflow
    own = SecurityContext(run_as=Identity(iam_role="role"), secrets=[Secret(group="of-the-plan")])
    create(admin, request(registered(admin, security_context=own), security_context=asked))
    assert got(admin, cluster, "run")["security_context"] == own.run_as
    assert [secret.group for secret in get(admin).spec.security_context.secrets] == ["of-the-plan"]


@pytest.mark.conformance("CFG-09", "HIE-06")
def test_an_identity_that_the_request_names_is_kept(admin: Admin, workflow: Identifier) -> None:
    """Propeller copies it, as everything that a child inherits, from the parent into the request."""
    assert workflow
    asked = SecurityContext(run_as=Identity(execution_identity="ada"))
    create(admin, request(registered(admin), security_context=asked))
    assert get(admin).spec.security_context == asked


ROLES = AuthRole(assumable_iam_role="iam", kubernetes_service_account="account")


@pytest.mark.conformance("CFG-06", "CFG-07", "CFG-08")
@pytest.mark.parametrize(
    ("asked", "plan", "role"),
    [
        ({"auth_role": ROLES}, {"role": "plan"}, ("iam", "account")),
        ({}, {"auth_role": ROLES, "auth": Auth(assumable_iam_role="auth"), "role": "plan"}, ("iam", "account")),
        ({}, {"auth": Auth(assumable_iam_role="auth"), "role": "plan"}, ("auth", "")),
        ({}, {"role": "plan"}, ("plan", "")),
        ({}, {"auth_role": AuthRole(), "role": "plan"}, ("", "account-application")),
        ({"auth_role": AuthRole()}, {"role": "plan"}, ("", "account-application")),
        ({"auth_role": ROLES}, {"security_context": values_of("request")["security_context"]}, ("role-request", "")),
    ],
)
def test_legacy_roles_come_after_all_levels_but_the_application(
    admin: Admin,
    workflow: Identifier,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, Any],
    plan: dict[str, Any],
    role: tuple[str, str],
) -> None:
    assert workflow
    set_levels(aws, monkeypatch, {"application": {"security_context"}})
    create(admin, request(registered(admin, **plan), **asked))
    run_as = get(admin).spec.security_context.run_as
    assert (run_as.iam_role, run_as.k8s_service_account) == role


@pytest.mark.conformance("CFG-15", "CFG-20", "QUE-05")
def test_attributes_that_cannot_be_read_fail_the_create(
    admin: Admin, cluster: ClusterServer, workflow: Identifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read has them all; a queue, a label or a limit that is there may not be passed over."""
    assert workflow
    plan = registered(admin)
    reads = iter((batch_get, unavailable))

    def second_fails(keys: Iterable[AnyKey]) -> object:
        return next(reads)(keys)

    monkeypatch.setattr(reading, "batch_get", second_fails)
    assert refused(admin, request(plan)).code is Code.INTERNAL
    assert resources(cluster) == []
