"""Workflows of flytekit compile to the resources that were reviewed against upstream's code.

A golden under `fixtures/` is written anew with UPDATE_GOLDENS=1; read its difference against upstream's code then.
"""

import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflowClosure
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier, WorkflowExecutionIdentifier
from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.literals_pb2 import Literal, LiteralMap
from flyteidl.core.workflow_pb2 import WorkflowTemplate
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.core.context_manager import ExecutionState, FlyteContextManager
from flytekit.models.admin.workflow import WorkflowSpec
from flytekit.models.launch_plan import LaunchPlan
from flytekit.models.task import TaskSpec
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict
from pydantic import JsonValue

from flyteadmin.compiler.admin import LaunchPlanInterface
from flyteadmin.compiler.requirements import get_requirements
from flyteadmin.compiler.task_compiler import compile_task
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow, NodeSpec
from tests.unit.compiler.fixtures import workflows

FIXTURES = Path(workflows.__file__).parent
SETTINGS = SerializationSettings(
    image_config=ImageConfig.auto(img_name="registry.example/default:v1"),
    project="flytesnacks",
    domain="development",
    version="v1",
    env={},
)
EXECUTION = WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name="run")


@dataclass(frozen=True)
class Registered:
    """The requests by which flytekit registers one workflow."""

    template: WorkflowTemplate
    sub_workflows: list[WorkflowTemplate]
    tasks: list[CompiledTask]
    launch_plans: list[LaunchPlanInterface]


def _registered(name: str) -> Registered:
    entities: OrderedDict[object, object] = OrderedDict()
    specification = get_serializable(entities, SETTINGS, workflows.ALL[name]).to_flyte_idl()
    tasks = [entity.to_flyte_idl().template for entity in entities.values() if isinstance(entity, TaskSpec)]
    written = [entity.to_flyte_idl() for entity in entities.values() if isinstance(entity, WorkflowSpec)]
    outputs = {workflow.template.id.name: workflow.template.interface.outputs for workflow in written}
    plans = [entity.to_flyte_idl() for entity in entities.values() if isinstance(entity, LaunchPlan)]
    return Registered(
        specification.template,
        list(specification.sub_workflows),
        [compile_task(task) for task in tasks],
        [LaunchPlanInterface(p.id, p.spec.default_inputs, outputs[p.spec.workflow_id.name]) for p in plans],
    )


def _compiled(name: str) -> CompiledWorkflowClosure:
    given = _registered(name)
    return compile_workflow(given.template, given.sub_workflows, given.tasks, given.launch_plans)


def _resource(name: str) -> FlyteWorkflow:
    closure = _compiled(name)
    variables = closure.primary.template.interface.inputs.variables
    inputs = {key: _literal(key) for key in variables}
    return build_flyteworkflow(closure, LiteralMap(literals=inputs), EXECUTION, "flytesnacks-development")


def _literal(name: str) -> Literal:
    one, text = Literal(), Literal()
    one.scalar.primitive.integer = 1
    text.scalar.primitive.string_value = "red"
    numbers = Literal()
    numbers.collection.literals.append(one)
    return {"numbers": numbers, "color": text}.get(name, one)


def _nodes(name: str) -> dict[str, NodeSpec]:
    spec = _resource(name).spec
    assert spec is not None
    return spec.nodes


@pytest.mark.parametrize("name", workflows.ALL)
def test_flytekit_workflow_compiles_to_its_golden(name: str) -> None:
    compiled = MessageToDict(_compiled(name))

    assert compiled == _golden(f"{name}.closure.json", compiled)


@pytest.mark.parametrize("name", workflows.ALL)
def test_flytekit_workflow_comes_out_as_its_golden(name: str) -> None:
    built = _resource(name).to_json_object()

    assert built == _golden(f"{name}.json", built)


def _golden(name: str, found: dict[str, JsonValue]) -> dict[str, JsonValue]:
    golden = FIXTURES / name
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    read: dict[str, JsonValue] = json.loads(golden.read_text())
    return read


@pytest.mark.parametrize("name", workflows.ALL)
def test_compiling_leaves_what_was_given_as_it_was(name: str) -> None:
    given, untouched = _registered(name), _registered(name)

    compile_workflow(given.template, given.sub_workflows, given.tasks, given.launch_plans)

    assert given == untouched


@pytest.mark.parametrize("name", workflows.ALL)
def test_building_leaves_the_closure_as_it_was(name: str) -> None:
    closure, untouched = _compiled(name), _compiled(name)

    inputs = {key: _literal(key) for key in closure.primary.template.interface.inputs.variables}
    build_flyteworkflow(closure, LiteralMap(literals=inputs), EXECUTION, "flytesnacks-development")

    assert closure == untouched


def test_requirements_reach_through_three_sub_workflows() -> None:
    given = _registered("sub_workflows_three_deep")

    required = get_requirements(given.template, given.sub_workflows)

    assert [identifier.name.rsplit(".", 1)[-1] for identifier in required.task_ids] == ["double"]


def test_every_sub_workflow_of_the_closure_is_compiled() -> None:
    closure = _compiled("sub_workflows_three_deep")

    assert len(closure.sub_workflows) == 3
    assert all(sub.template.nodes[0].id == "start-node" for sub in closure.sub_workflows)
    assert all("start-node" in sub.connections.downstream for sub in closure.sub_workflows)
    resource = _resource("sub_workflows_three_deep")
    assert {"level_one", "level_two", "level_three"} == {
        spec.id.rsplit(".", 1)[-1] for spec in (resource.sub_workflows or {}).values()
    }


def test_launch_plan_nodes_refer_to_the_plan() -> None:
    nodes = _nodes("launch_plan_nodes")

    references = [node.workflow.launch_plan_ref_id for node in nodes.values() if node.workflow]
    assert [reference.name for reference in references if reference] == ["child_plan", "child_plan"]
    assert nodes["n1"].input_bindings[0].binding.scalar.primitive.integer == 3


def test_all_three_gates() -> None:
    nodes = _nodes("gates")

    gates = {node.gate.kind: node for node in nodes.values() if node.gate}
    assert set(gates) == {"approve", "signal", "sleep"}
    body = gates["sleep"].model_dump(by_alias=True)
    assert body["gate"] == {"kind": "sleep", "sleep": {"duration": "90s"}}
    assert gates["signal"].execution_deadline == "1h0m0s"
    assert gates["approve"].active_deadline == "4h0m0s"


def test_an_array_node_keeps_its_ratio_and_concurrency() -> None:
    array = next(node for node in _nodes("array_node").values() if node.kind == "array").model_dump(by_alias=True)

    assert array["array"]["MinSuccessRatio"] == 0.8
    assert array["array"]["Parallelism"] == 3
    assert array["array"]["MinSuccesses"] is None
    assert array["array"]["SubNodeSpec"]["kind"] == "task"


def test_the_failure_node_stands_apart_and_hangs_on_the_start_node() -> None:
    spec = _resource("failure_node").spec

    assert spec is not None
    assert spec.on_failure is not None
    failure_node = spec.on_failure.id
    assert failure_node not in spec.nodes
    assert spec.edges.upstream[failure_node] == ["start-node"]
    assert all(failure_node not in following for following in spec.edges.downstream.values())


def test_overrides_of_a_node_become_canonical() -> None:
    node = _nodes("node_overrides")["n0"].model_dump(by_alias=True)

    assert node["resources"]["requests"] == {"cpu": "500m", "memory": "1536Mi"}
    assert node["resources"]["limits"] == {"cpu": "2", "ephemeral-storage": "10G"}
    assert (node["executionDeadline"], node["activeDeadline"]) == ("30s", "1m0s")
    assert node["retry"] == {"minAttempts": 4}
    assert node["interruptible"] is False
    assert node["containerImage"] == "registry.example/other:v2"


def test_nested_conditions_are_flattened_under_their_branches() -> None:
    nodes = _nodes("conditional_chain")

    branch = next(node for node in nodes.values() if node.kind == "branch" and node.id.count("-") == 0)
    inner = next(node for node in nodes.values() if node.kind == "branch" and node.id != branch.id)
    assert inner.id.startswith(f"{branch.id}-")
    assert inner.branch is not None
    assert inner.branch.if_.then in nodes
    assert inner.branch.else_fail is not None
    assert inner.branch.else_fail.message == "neither"
    assert branch.branch is not None
    assert branch.branch.else_ in nodes
    assert len(branch.branch.else_if) == 2


def test_attribute_paths_into_a_dataclass_are_kept() -> None:
    spec = _resource("attributes").spec

    assert spec is not None
    last = spec.output_bindings[2].binding.promise
    assert [part.string_value for part in last.attr_path] == ["x"]


def test_explicit_order_becomes_edges() -> None:
    spec = _resource("explicit_order").spec

    assert spec is not None
    assert spec.edges.downstream == {"start-node": ["n0"], "n0": ["n1", "n2"], "n1": ["n2"], "n2": ["end-node"]}


@pytest.mark.parametrize("name", ["grow", "grow_branches"])
def test_what_a_dynamic_task_grows_compiles_to_its_golden(name: str) -> None:
    """Propeller compiles it with the interface of the task; the control plane stores and shows the closure."""
    job, interface = _grown(getattr(workflows, name))
    identifier = Identifier(
        resource_type=WORKFLOW, project="flytesnacks", domain="development", name="n0", version="v1"
    )
    template = WorkflowTemplate(id=identifier, nodes=job.nodes, outputs=job.outputs, interface=interface)
    plan = _registered("launch_plan_nodes").launch_plans
    required = get_requirements(template, job.subworkflows)

    tasks = [compile_task(task) for task in job.tasks]
    compiled = compile_workflow(template, job.subworkflows, tasks, plan)

    assert {task.id.name for task in job.tasks} == {identifier.name for identifier in required.task_ids}
    found = MessageToDict(compiled)
    assert found == _golden(f"{name}.closure.json", found)
    built = build_flyteworkflow(compiled, LiteralMap(literals={"n": _literal("n")}), EXECUTION, "p-d").to_json_object()
    assert built == _golden(f"{name}.json", built)


def _grown(dynamic_task: Any) -> tuple[DynamicJobSpec, TypedInterface]:
    """Return what flytekit writes when the task runs with n = 3, and the task's own interface.

    flytekit compiles a workflow where it is first used, and names its nodes after the place: so that comes first.
    """
    _registered("sub_workflows_three_deep")
    context = FlyteContextManager.current_context()
    execution = context.execution_state.with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
    running = context.with_serialization_settings(SETTINGS).with_execution_state(execution)
    with FlyteContextManager.with_context(running) as here:
        job = dynamic_task.compile_into_workflow(here, dynamic_task._task_function, n=3)
    return job.to_flyte_idl(), dynamic_task.interface.to_flyte_idl()
