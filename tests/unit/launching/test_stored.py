"""A stored execution is planned again from its rows: the same resource, and clients see what upstream shows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flyteidl.admin.common_pb2 import Annotations, Envs, Labels, RawOutputDataConfig
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionMetadata, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlan, LaunchPlanClosure, LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig
from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.core.interface_pb2 import Parameter, ParameterMap
from flyteidl.core.literals_pb2 import KeyValuePair, LiteralMap
from flyteidl.core.security_pb2 import Identity, SecurityContext
from flyteidl.core.types_pb2 import INTEGER
from google.protobuf.wrappers_pb2 import BoolValue
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.attributes.matching import MatchingAttributesRows, ScopeAttributes
from flyteadmin.executions.messages import shown_spec
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState, StoredExecution
from flyteadmin.executions.phases import LaunchState
from flyteadmin.launching import single_tasks
from flyteadmin.launching.context import LaunchContext
from flyteadmin.launching.decisions import decide
from flyteadmin.launching.parents import inherited
from flyteadmin.launching.planning import PlannedExecution, plan_execution
from flyteadmin.launching.stored import LAUNCH_WITHIN, decisions_of, may_launch, request_of
from flyteadmin.launching.storing import Blobs, build_body, build_rows
from flyteadmin.settings import Configuration
from flyteadmin.timestamps import from_datetime
from tests.builders import DOMAIN, PROJECT, execution_id
from tests.entities import identifier, integer, task_request, variables

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, UTC)
CALLER = "arn:aws:iam::123456789012:user/ada"
RUN = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name="run")
EXPECTED = ParameterMap(
    parameters={"a": Parameter(var=variables(a=INTEGER).variables["a"], default=integer(7))},
)

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
word_maps = st.dictionaries(words, words, max_size=3)
contexts = st.builds(
    lambda role, account, identity: SecurityContext(
        run_as=Identity(iam_role=role, k8s_service_account=account, execution_identity=identity)
    ),
    st.sampled_from(["", "a-role"]),
    st.sampled_from(["", "an-account"]),
    st.sampled_from(["", "somebody"]),
)


@st.composite
def configs(draw: st.DrawFn) -> WorkflowExecutionConfig:
    """A level of configuration: a request's, a launch plan's or a matchable row's."""
    config = WorkflowExecutionConfig(max_parallelism=draw(st.integers(0, 3)), overwrite_cache=draw(st.booleans()))
    if draw(st.booleans()):
        config.labels.CopyFrom(Labels(values=draw(word_maps)))
    if draw(st.booleans()):
        config.annotations.CopyFrom(Annotations(values=draw(word_maps)))
    if draw(st.booleans()):
        config.envs.CopyFrom(Envs(values=[KeyValuePair(key=key, value=draw(words)) for key in draw(word_maps)]))
    if draw(st.booleans()):
        config.interruptible.CopyFrom(BoolValue(value=draw(st.booleans())))
    if draw(st.booleans()):
        config.raw_output_data_config.CopyFrom(RawOutputDataConfig(output_location_prefix=draw(words)))
    if draw(st.booleans()):
        config.security_context.CopyFrom(draw(contexts))
    return config


FIELDS = ("labels", "annotations", "envs", "interruptible", "raw_output_data_config", "security_context")


def apply[Level: (ExecutionSpec, LaunchPlanSpec)](level: Level, config: WorkflowExecutionConfig) -> Level:
    """Set on a spec what a level of configuration sets."""
    level.max_parallelism, level.overwrite_cache = config.max_parallelism, config.overwrite_cache
    for field in FIELDS:
        if config.HasField(field):
            getattr(level, field).CopyFrom(getattr(config, field))
    return level


@st.composite
def requests(draw: st.DrawFn, *, is_task: bool) -> ExecutionCreateRequest:
    """A request with inputs where new or old clients send them, of a person or of a node."""
    kind = TASK if is_task else LAUNCH_PLAN
    spec = apply(ExecutionSpec(launch_plan=identifier(kind, "double")), draw(configs()))
    if draw(st.booleans()):
        spec.metadata.CopyFrom(
            ExecutionMetadata(mode=draw(st.sampled_from(["MANUAL", "CHILD_WORKFLOW"])), nesting=draw(st.integers(0, 2)))
        )
        spec.metadata.artifact_ids.add(version="v1")
    if draw(st.booleans()):
        node = NodeExecutionIdentifier(node_id="n0", execution_id=execution_id("parent"))
        spec.metadata.parent_node_execution.CopyFrom(node)
    if draw(st.booleans()):
        spec.execution_cluster_label.value = draw(st.sampled_from(["", "west"]))
    spec.disable_all = draw(st.booleans())
    spec.tags.extend(draw(st.lists(words, max_size=2)))
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=draw(st.sampled_from(["", "run"])), spec=spec)
    given_inputs = LiteralMap(literals=draw(st.sampled_from([{}, {"a": integer(1)}])))
    (request.inputs if draw(st.booleans()) else request.spec.inputs).CopyFrom(given_inputs)
    return request


@st.composite
def launches(draw: st.DrawFn) -> LaunchContext:
    """The context that a create plans from: of a launch plan or a task, for a person or a node."""
    is_task = draw(st.booleans())
    request = draw(requests(is_task=is_task))
    task = task_request("double")
    template = task.spec.template
    template.id.CopyFrom(task.id)
    closure = single_tasks.closure(CompiledTask(template=template))
    plan_spec = apply(LaunchPlanSpec(workflow_id=closure.primary.template.id), draw(configs()))
    launch_plan = LaunchPlan(
        id=identifier(LAUNCH_PLAN, "double"), spec=plan_spec, closure=LaunchPlanClosure(expected_inputs=EXPECTED)
    )
    parent = None
    if request.spec.metadata.HasField("parent_node_execution"):
        label = draw(st.sampled_from(["", "east"]))
        parent = ExecutionSpecification(principal="grandmother", nesting=1, cluster_label=label)
    matching = MatchingAttributes(workflow_execution_config=draw(configs())).SerializeToString()
    row = ScopeAttributes(f"{PROJECT}:{DOMAIN}::", {MatchableResource.WORKFLOW_EXECUTION_CONFIG: matching})
    return LaunchContext(
        execution=RUN,
        request=request,
        inherited=inherited(request, CALLER, parent, is_engine=True),
        launch_plan=launch_plan,
        workflow_id=closure.primary.template.id,
        task_id=task.id if is_task else None,
        is_first_launch=False,
        closure=closure,
        project_labels=draw(word_maps),
        attributes=(attributes := MatchingAttributesRows(draw(st.sampled_from([(), (row,)])))),
        workflow_attributes=attributes,
        configuration=Configuration(),
        cluster="east",
        namespace=f"{PROJECT}-{DOMAIN}",
        caller=CALLER,
        accepted_at=NOW,
    )


def body(context: LaunchContext, planned: PlannedExecution, inputs_uri: str) -> str:
    """The resource as JSON; the order of a map's keys has no meaning, in protobuf and in Kubernetes."""
    return json.dumps(build_body(context, planned, inputs_uri, Blobs(RUN)), sort_keys=True)


def stored_and_body(context: LaunchContext) -> tuple[StoredExecution, LiteralMap, ExecutionSpec, str]:
    """Rows of a planned execution, its user inputs, its resolved spec, and its resource."""
    planned, blobs = plan_execution(context), Blobs(RUN)
    state, specification = build_rows(context, planned, None, blobs)
    user_inputs = LiteralMap.FromString(blobs.unwritten[specification.user_inputs_uri])
    stored = StoredExecution(state, specification)
    return stored, user_inputs, planned.resolved, body(context, planned, specification.inputs_uri)


@given(launches())
def test_the_resource_planned_again_from_the_rows_equals_the_first(context: LaunchContext) -> None:
    stored, user_inputs, _, first = stored_and_body(context)
    spec = ExecutionSpec.FromString(stored.specification.spec)
    request = request_of(stored, spec, user_inputs)
    assert spec == context.request.spec
    assert (request.project, request.domain, request.name) == (PROJECT, DOMAIN, "run")
    again, _, _, second = stored_and_body(replace(context, request=request, caller=stored.specification.caller))
    assert second == first
    assert again.specification.attribute_values == stored.specification.attribute_values


@given(launches())
def test_what_was_decided_is_read_back_from_the_rows(context: LaunchContext) -> None:
    stored, _, resolved, _ = stored_and_body(context)
    decided, found = decide(context), decisions_of(stored, context.request.spec, resolved)
    assert found is not None
    assert found.platform.to_message() == decided.platform.to_message()
    assert list(found.plugin_overrides) == list(decided.plugin_overrides)
    assert replace(found, platform=decided.platform, plugin_overrides=decided.plugin_overrides) == decided


@pytest.mark.conformance("CRE-24", "CRE-26", "CRE-48", "HIE-03", "HIE-04")
@given(launches())
def test_clients_see_the_requested_spec_under_the_resolved_values(context: LaunchContext) -> None:
    """Upstream stores the spec changed in place (execution_manager.go launchExecution)."""
    stored, _, resolved, _ = stored_and_body(context)
    expected = ExecutionSpec()
    expected.CopyFrom(context.request.spec)
    expected.metadata.principal = context.inherited.principal
    expected.metadata.system_metadata.execution_cluster = "east"
    expected.metadata.system_metadata.namespace = f"{PROJECT}-{DOMAIN}"
    expected.security_context.CopyFrom(resolved.security_context)
    if expected.metadata.HasField("parent_node_execution"):
        expected.metadata.nesting = 2
        if context.inherited.cluster_label:
            expected.execution_cluster_label.value = context.inherited.cluster_label
    if context.task_id is None:
        expected.max_parallelism = resolved.max_parallelism
        del expected.metadata.artifact_ids[:]
    shown = shown_spec(stored, context.request.spec, resolved)
    assert shown.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
    assert shown.security_context.run_as.execution_identity


@pytest.mark.parametrize(
    ("phase", "launch", "age", "may"),
    [
        ("UNDEFINED", LaunchState.LAUNCHING, timedelta(0), True),
        ("UNDEFINED", LaunchState.LAUNCHING, LAUNCH_WITHIN, False),
        ("UNDEFINED", LaunchState.LAUNCHED, timedelta(0), False),
        ("QUEUED", LaunchState.LAUNCHED, timedelta(0), False),
        ("ABORTING", LaunchState.LAUNCHING, timedelta(0), False),
        ("FAILED", LaunchState.REFUSED, timedelta(0), False),
    ],
)
def test_a_row_may_launch_while_nothing_happened_to_it(
    phase: str, launch: LaunchState, age: timedelta, *, may: bool
) -> None:
    row = ExecutionState(phase=phase, launch=launch.value, created_at=from_datetime(NOW - age))
    assert may_launch(row, NOW) is may
