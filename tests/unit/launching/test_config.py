"""The resolution of an execution's configuration, compared with a plain resolver of upstream's rules."""

from dataclasses import dataclass
from typing import Any

import pytest
from flyteidl.admin.common_pb2 import Annotations, AuthRole, Envs, Labels, RawOutputDataConfig
from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import Auth, LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig
from flyteidl.core.literals_pb2 import KeyValuePair
from flyteidl.core.security_pb2 import Identity, Secret, SecurityContext
from google.protobuf.wrappers_pb2 import BoolValue
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.attributes.matching import MatchingAttributesRows, ScopeAttributes
from flyteadmin.launching.config import Level, resolve
from flyteadmin.settings import FlyteAdminSection

SCOPES = ("p:d:w:l", "p:d:w:", "p:d::", "p:::")
NAMES = {"p:d:w:": "workflow attributes", "p:d::": "project-domain attributes", "p:::": "project attributes"}

type Plain = dict[str, Any]
"""One level in plain values: only what it sets, though perhaps to nothing; roles are (IAM role, account, identity)."""

words = st.sampled_from(["", "a", "b"])
maps = st.dictionaries(st.sampled_from("ab"), words, max_size=2)
roles = st.tuples(words, words)
levels = st.fixed_dictionaries(
    {},
    optional={
        "max_parallelism": st.integers(-1, 3),
        "security_context": st.tuples(words, words, words, st.lists(words, max_size=1)),
        "raw_output_data_config": words,
        "labels": maps,
        "annotations": maps,
        "interruptible": st.booleans(),
        "overwrite_cache": st.booleans(),
        "envs": maps,
    },
)
applications = st.fixed_dictionaries(
    {"max_parallelism": st.integers(0, 3)},
    optional={
        "security_context": roles.map(lambda role: (*role, "", [])),
        "raw_output_data_config": words,
        "labels": maps,
        "annotations": maps,
        "interruptible": st.booleans(),
        "overwrite_cache": st.booleans(),
        "envs": maps,
    },
)


@dataclass
class Case:
    """The values of all levels; of legacy roles `auth_role` of request and launch plan, and its older fields."""

    request: Plain
    launch_plan: Plain
    rows: dict[str, Plain | None]
    application: Plain
    request_role: tuple[str, str] | None = None
    plan_role: tuple[str, str] | None = None
    plan_auth: tuple[str, str] | None = None
    plan_old_role: str = ""
    merged: bool = True


cases = st.builds(
    Case,
    request=levels,
    launch_plan=levels,
    rows=st.dictionaries(st.sampled_from(SCOPES), st.none() | levels),
    application=applications,
    request_role=st.none() | roles,
    plan_role=st.none() | roles,
    plan_auth=st.none() | roles,
    plan_old_role=words,
    merged=st.booleans(),
)


def reference(case: Case) -> dict[str, tuple[str, Any]]:
    """Go through the levels in order and keep of each field the first value that is one, and the level's name."""
    scopes = [scope for scope in SCOPES[1:] if scope in case.rows]
    if not case.merged and scopes:
        scopes = [scopes[0]] if scopes[0] == "p:::" or "p:::" not in scopes else [scopes[0], "p:::"]
    role = case.plan_old_role, ""
    for other in (case.plan_auth, case.plan_role, case.request_role):
        role = other if other is not None else role
    ordered: list[tuple[str, Plain]] = [("request", case.request), ("launch plan", case.launch_plan)]
    ordered += [(NAMES[scope], case.rows[scope] or {}) for scope in scopes]
    ordered += [("legacy role", {"security_context": (*role, "", [])})]
    application = dict(case.application)
    if not application.get("interruptible"):
        application.pop("interruptible", None)
    ordered += [("application", application)]
    result: dict[str, tuple[str, Any]] = {}
    for name, values in ordered:
        for key, value in values.items():
            if key not in result and is_value(key, value):
                result[key] = (name, value)
    return result


def is_value(key: str, value: Any) -> bool:
    if key == "interruptible":
        return True
    if key == "max_parallelism":
        return bool(value > 0)
    if key == "security_context":
        return any(value[:3])
    return bool(value)


def message(values: Plain) -> WorkflowExecutionConfig:
    made = WorkflowExecutionConfig(max_parallelism=values.get("max_parallelism", 0))
    made.overwrite_cache = values.get("overwrite_cache", False)
    if "security_context" in values:
        iam, account, identity, secrets = values["security_context"]
        run_as = Identity(iam_role=iam, k8s_service_account=account, execution_identity=identity)
        context = SecurityContext(run_as=run_as, secrets=[Secret(group=each) for each in secrets])
        made.security_context.CopyFrom(context)
    if "raw_output_data_config" in values:
        prefix = values["raw_output_data_config"]
        made.raw_output_data_config.CopyFrom(RawOutputDataConfig(output_location_prefix=prefix))
    if "labels" in values:
        made.labels.CopyFrom(Labels(values=values["labels"]))
    if "annotations" in values:
        made.annotations.CopyFrom(Annotations(values=values["annotations"]))
    if "interruptible" in values:
        made.interruptible.CopyFrom(BoolValue(value=values["interruptible"]))
    if "envs" in values:
        made.envs.CopyFrom(Envs(values=[KeyValuePair(key=key, value=each) for key, each in values["envs"].items()]))
    return made


def spec[Spec: (ExecutionSpec, LaunchPlanSpec)](made: Spec, values: Plain) -> Spec:
    for descriptor, value in message(values).ListFields():
        if isinstance(value, int | bool):
            setattr(made, descriptor.name, value)
        else:
            getattr(made, descriptor.name).CopyFrom(value)
    return made


def auth_role(role: tuple[str, str]) -> AuthRole:
    return AuthRole(assumable_iam_role=role[0], kubernetes_service_account=role[1])


def section(values: Plain) -> FlyteAdminSection:
    renamed = {"raw_output_data_config": "output_location_prefix"}
    given_values = {renamed.get(key, key): value for key, value in values.items() if key != "security_context"}
    iam, account, _, _ = values.get("security_context", ("", "", "", []))
    return FlyteAdminSection(assumable_iam_role=iam, k8s_service_account=account, **given_values)


def row(scope: str, values: Plain | None) -> ScopeAttributes:
    made = MatchingAttributes()
    if values is not None:
        made.workflow_execution_config.CopyFrom(message(values))
    return ScopeAttributes(scope, {MatchableResource.WORKFLOW_EXECUTION_CONFIG: made.SerializeToString()})


@pytest.mark.conformance("CFG-01", "CFG-02", "CFG-06", "CFG-07", "CFG-16", "KD-25")
@given(cases)
def test_the_levels_resolve_as_a_plain_reference_does(case: Case) -> None:
    request, plan = spec(ExecutionSpec(), case.request), spec(LaunchPlanSpec(role=case.plan_old_role), case.launch_plan)
    if case.request_role is not None:
        request.auth_role.CopyFrom(auth_role(case.request_role))
    if case.plan_role is not None:
        plan.auth_role.CopyFrom(auth_role(case.plan_role))
    if case.plan_auth is not None:
        iam, account = case.plan_auth
        plan.auth.CopyFrom(Auth(assumable_iam_role=iam, kubernetes_service_account=account))
    rows = MatchingAttributesRows(tuple(row(scope, case.rows[scope]) for scope in SCOPES if scope in case.rows))
    configs = rows.workflow_execution_configs(merged=case.merged)
    resolved = resolve(request, plan, configs, section(case.application), "ada")
    wanted = reference(case)
    assert resolved.levels == {name: Level(level) for name, (level, _) in wanted.items()}
    expected = message({name: value for name, (_, value) in wanted.items()})
    expected.security_context.run_as.execution_identity = expected.security_context.run_as.execution_identity or "ada"
    assert resolved.config == expected
