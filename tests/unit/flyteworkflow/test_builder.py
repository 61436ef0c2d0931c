"""A closure becomes the resource that propeller runs, or the compile errors that say why not."""

from collections.abc import Callable

import pytest
from flyteidl.core import types_pb2
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.interface_pb2 import TypedInterface, Variable
from flyteidl.core.literals_pb2 import Literal, LiteralMap, RetryStrategy
from flyteidl.core.tasks_pb2 import Resources
from flyteidl.core.types_pb2 import Error, LiteralType, StructuredDatasetType, TypeAnnotation, TypeStructure
from flyteidl.core.workflow_pb2 import Alias, ArrayNode, GateNode, IfElseBlock, Node, WorkflowMetadata, WorkflowNode
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pydantic import JsonValue

from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.flyteworkflow.builder import build_flyteworkflow, sanitize_label_value, shard_key
from flyteadmin.flyteworkflow.crd import FlyteWorkflow, NodeSpec
from flyteadmin.flyteworkflow.interface import strip_interface
from tests.unit.compiler.builders import (
    INTEGER,
    STRING,
    STRUCT,
    bind,
    branch_node,
    case,
    interface,
    launch_plan,
    list_of,
    map_of,
    promise,
    task,
    task_node,
    union,
    variables,
    workflow,
    workflow_id,
    workflow_node,
)

EXECUTION = WorkflowExecutionIdentifier(project="p", domain="d", name="run")
TASK = 'resource_type:TASK project:"p" domain:"d" name:"task" version:"v"'
X = promise("x")


def one() -> Literal:
    return ParseDict({"scalar": {"primitive": {"integer": "1"}}}, Literal())


def given(**literals: Literal) -> LiteralMap:
    return LiteralMap(literals=literals)


def closure(*nodes: Node) -> CompiledWorkflowClosure:
    return compile_workflow(workflow(*nodes), [], [task()], [launch_plan()])


def built(*nodes: Node) -> FlyteWorkflow:
    return build_flyteworkflow(closure(*nodes), given(x=one()), EXECUTION, "p-d")


def built_node(node: Node) -> NodeSpec:
    spec = built(node).spec
    assert spec is not None
    return spec.nodes[node.id]


def shown(node: NodeSpec) -> dict[str, JsonValue]:
    return node.model_dump(by_alias=True)


def failing(change: Callable[[CompiledWorkflowClosure], object], inputs: LiteralMap | None = None) -> list[str]:
    wrong = closure(task_node("n", x=X))
    change(wrong)
    with pytest.raises(CompileErrors) as raised:
        build_flyteworkflow(wrong, inputs or given(x=one()), EXECUTION, "p-d")
    return [str(error) for error in raised.value.errors]


def test_metadata_names_the_execution() -> None:
    body = built(task_node("n", x=X)).to_json_object()

    assert (body["kind"], body["apiVersion"]) == ("FlyteWorkflow", "flyte.lyft.com/v1alpha1")
    assert body["metadata"] == {
        "name": "run",
        "namespace": "p-d",
        "labels": {
            "domain": "d",
            "execution-id": "run",
            "project": "p",
            "shard-key": str(shard_key("run")),
            "workflow-name": "wf",
        },
    }


@pytest.mark.parametrize(("name", "key"), [("name", 6), ("", 0x811C9DC5 % 32), ("a", 0xE40C292C % 32)])
def test_shard_key_is_fnv_1a(name: str, key: int) -> None:
    assert shard_key(name) == key


@pytest.mark.parametrize(
    ("name", "label"), [("My.Work_Flow", "my-work-flow"), ("..a..", "a"), ("a" * 80, "a" * 63), ("é", "")]
)
def test_workflow_names_become_label_values(name: str, label: str) -> None:
    assert sanitize_label_value(name) == label


def test_a_task_node() -> None:
    assert shown(built_node(task_node("n", x=X))) == {
        "id": "n",
        "resources": {},
        "kind": "task",
        "task": TASK,
        "inputBindings": [{"var": "x", "binding": {"promise": {"nodeId": "start-node", "var": "x"}}}],
    }


def test_node_metadata_and_overrides() -> None:
    node = task_node("n", x=X)
    node.metadata.name = "first"
    node.metadata.timeout.CopyFrom(Duration(seconds=90, nanos=500_000_000))
    node.metadata.retries.CopyFrom(RetryStrategy(retries=2))
    node.metadata.interruptible = False
    overrides = node.task_node.overrides
    overrides.resources.requests.add(name=Resources.CPU, value="0.5")
    overrides.resources.requests.add(name=Resources.MEMORY, value="0")
    overrides.resources.limits.add(name=Resources.GPU, value="1")
    overrides.resources.limits.add(name=Resources.STORAGE, value="1Gi")
    overrides.container_image = "other"
    overrides.extended_resources.gpu_accelerator.device = "a100"
    overrides.pod_template.primary_container_name = "main"
    overrides.pod_template.pod_spec.update({"priority": 1})
    overrides.pod_template.metadata.labels["team"] = "a"
    node.output_aliases.append(Alias(var="o0", alias="result"))

    body = shown(built_node(node))

    assert body | {"inputBindings": []} == {
        "id": "n",
        "name": "first",
        "kind": "task",
        "task": TASK,
        "inputBindings": [],
        "resources": {"requests": {"cpu": "500m"}, "limits": {"nvidia.com/gpu": "1"}},
        "retry": {"minAttempts": 3},
        "executionDeadline": "1m30.5s",
        "activeDeadline": "3m1s",
        "interruptible": False,
        "containerImage": "other",
        "extendedResources": {"gpuAccelerator": {"device": "a100"}},
        "podTemplate": {
            "metadata": {"labels": {"team": "a"}},
            "pod_spec": {"priority": 1.0},
            "primary_container_name": "main",
        },
        "outputAlias": [{"var": "o0", "alias": "result"}],
    }


def test_a_tasks_retries_hold_where_the_node_has_none() -> None:
    retried = task()
    retried.template.metadata.retries.retries = 4

    compiled = compile_workflow(workflow(task_node("n", x=X)), [], [retried], [])
    spec = build_flyteworkflow(compiled, given(x=one()), EXECUTION, "p-d").spec

    assert spec is not None
    assert shown(spec.nodes["n"])["retry"] == {"minAttempts": 5}


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (ArrayNode(), {"Parallelism": None, "MinSuccesses": None, "MinSuccessRatio": None, "BoundInputs": None}),
        (
            ArrayNode(parallelism=0, min_successes=2, bound_inputs=["x"]),
            {"Parallelism": 0, "MinSuccesses": 2, "MinSuccessRatio": None, "BoundInputs": ["x"]},
        ),
        (
            ArrayNode(min_success_ratio=0.1),
            {"Parallelism": None, "MinSuccesses": None, "MinSuccessRatio": 0.1, "BoundInputs": None},
        ),
    ],
)
def test_an_array_node_has_go_names(array: ArrayNode, shape: dict[str, JsonValue]) -> None:
    array.node.CopyFrom(task_node("inner", x=X))

    body = shown(built_node(Node(id="n", array_node=array, inputs=bind(x=X))))["array"]

    assert isinstance(body, dict)
    assert body.pop("SubNodeSpec") == {
        "id": "inner",
        "resources": {},
        "kind": "task",
        "task": TASK,
        "inputBindings": [{"var": "x", "binding": {"promise": {"var": "x"}}}],
    }
    assert body == shape


@pytest.mark.parametrize("ratio", [float("inf"), float("nan")])
def test_a_ratio_that_is_no_number_is_refused(ratio: float) -> None:
    array = ArrayNode(node=task_node("inner", x=X), min_success_ratio=ratio)

    with pytest.raises(CompileErrors, match=r"Node Id: n, Description: Invalid value \[ArrayNode.MinSuccessRatio\]"):
        built(Node(id="n", array_node=array, inputs=bind(x=X)))


@pytest.mark.parametrize(
    ("condition", "gate"),
    [
        ({"sleep": {"duration": "90s"}}, {"kind": "sleep", "sleep": {"duration": "90s"}}),
        ({"approve": {"signalId": "s"}}, {"kind": "approve", "approve": {"signalId": "s"}}),
        (
            {"signal": {"signalId": "s", "type": {"simple": "STRING"}, "outputVariableName": "o"}},
            {
                "kind": "signal",
                "signal": {"signalId": "s", "type": {"simple": "STRING"}, "outputVariableName": "o"},
            },
        ),
    ],
)
def test_gates(condition: dict[str, JsonValue], gate: dict[str, JsonValue]) -> None:
    node = Node(id="n", gate_node=ParseDict(condition, GateNode()))

    assert shown(built_node(node)) == {"id": "n", "resources": {}, "kind": "gate", "gate": gate}


def test_a_branch_is_flattened() -> None:
    block = IfElseBlock(case=case(task_node("a", x=X)), other=[case(task_node("b", x=X), right=2)])
    block.error.CopyFrom(Error(failed_node_id="n", message="no case"))

    spec = built(branch_node("n", block, x=X)).spec

    assert spec is not None
    assert set(spec.nodes) == {"start-node", "end-node", "n", "n-a", "n-b"}
    branch = shown(spec.nodes["n"])["branch"]
    assert isinstance(branch, dict)
    assert branch["if"] == {
        "condition": {"comparison": {"leftValue": {"var": "x"}, "rightValue": {"primitive": {"integer": "1"}}}},
        "then": "n-a",
    }
    assert branch["elseFail"] == {"failed_node_id": "n", "message": "no case"}
    assert [item["then"] for item in branch["elseIf"]] == ["n-b"]  # type: ignore[union-attr, index, call-overload]
    assert "else" not in branch


def test_sub_workflows_and_policies() -> None:
    sub_workflow = workflow(task_node("a", x=X), name="sub")
    sub_workflow.metadata.on_failure = WorkflowMetadata.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE
    template = workflow(workflow_node("n", workflow_id("sub"), x=X))
    template.metadata_defaults.interruptible = True

    compiled = compile_workflow(template, [sub_workflow], [task()], [])
    body = build_flyteworkflow(compiled, given(x=one()), EXECUTION, "p-d").to_json_object()

    sub = body["subWorkflows"]
    key = 'resource_type:WORKFLOW project:"p" domain:"d" name:"sub" version:"v"'
    assert isinstance(sub, dict)
    assert sub[key]["onFailurePolicy"] == "FAIL_AFTER_EXECUTABLE_NODES_COMPLETE"  # type: ignore[index, call-overload]
    assert body["spec"]["nodes"]["n"]["workflow"] == {"subWorkflowRef": key}  # type: ignore[index, call-overload]
    assert body["node-defaults"] == {"interruptible": True}
    assert "onFailurePolicy" not in body["spec"]  # type: ignore[operator]


def test_a_workflow_without_inputs_has_none() -> None:
    nothing = task("nothing", inputs={}, outputs={})
    compiled = compile_workflow(workflow(task_node("n", "nothing"), inputs={}), [], [nothing], [])

    assert "inputs" not in build_flyteworkflow(compiled, None, EXECUTION, "p-d").to_json_object()
    assert build_flyteworkflow(compiled, LiteralMap(), EXECUTION, "p-d").to_json_object()["inputs"] == {}


@pytest.mark.conformance("CRE-17")
@pytest.mark.parametrize(
    ("inputs", "errors"),
    [
        (given(), ["Code: ParameterNotBound, Node Id: start-node, Description: Parameter not bound [x]."]),
        (
            given(x=one(), y=one()),
            ["Code: VariableNameNotFound, Node Id: start-node, Description: Variable [y] not found on node []."],
        ),
        (
            given(x=ParseDict({"scalar": {"primitive": {"stringValue": "1"}}}, Literal())),
            [
                "Code: MismatchingTypes, Node Id: start-node, Description: Variable [x] (type [simple:INTEGER])"
                " doesn't match expected type [simple:STRING].",
                "Code: ParameterNotBound, Node Id: start-node, Description: Parameter not bound [x].",
            ],
        ),
        (
            given(x=Literal()),
            [
                "Code: InvalidLiteralType, Node Id: start-node, Description: Failed to validate literal type for [x]"
                " with err: got unknown literal type: [<nil>].\nSuggested solution: Please update all your Flyte"
                " deployment images to the latest version and try again",
                "Code: ParameterNotBound, Node Id: start-node, Description: Parameter not bound [x].",
            ],
        ),
    ],
)
def test_inputs_must_fit(inputs: LiteralMap, errors: list[str]) -> None:
    with pytest.raises(CompileErrors) as raised:
        build_flyteworkflow(closure(task_node("n", x=X)), inputs, EXECUTION, "p-d")

    assert [str(error) for error in raised.value.errors] == errors


def test_inputs_must_be_given_where_there_are_any() -> None:
    with pytest.raises(CompileErrors, match=r"Node Id: root, Description: Value required \[inputs\]"):
        build_flyteworkflow(closure(task_node("n", x=X)), None, EXECUTION, "p-d")


def test_a_closure_without_an_interface_takes_no_inputs() -> None:
    assert failing(lambda c: c.primary.template.ClearField("interface")) == [
        "Code: ValueRequired, Node Id: start-node, Description: Value required [interface]."
    ]
    assert failing(lambda c: c.primary.template.interface.ClearField("inputs")) == [
        "Code: ValueRequired, Node Id: start-node, Description: Value required [interface.InputsRef]."
    ]


def test_a_missing_task_is_reported_alone_and_within_the_build_error() -> None:
    found = f"Code: TaskReferenceNotFound, Node Id: n, Description: Referenced Task [{TASK}] not found."

    assert failing(lambda c: c.ClearField("tasks")) == [
        found,
        f"Code: WorkflowBuildError, Node Id: , Description: Collected Errors: 1\n\tError 0: {found}\n",
    ]


def _bad_quantity(wrong: CompiledWorkflowClosure) -> None:
    overrides = wrong.primary.template.nodes[2].task_node.overrides
    overrides.resources.requests.add(name=Resources.CPU, value="much")


def _colliding(wrong: CompiledWorkflowClosure) -> None:
    wrong.primary.template.nodes.add().CopyFrom(wrong.primary.template.nodes[2])
    wrong.primary.template.nodes[3].metadata.name = "other"


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (
            lambda c: c.primary.template.nodes[2].ClearField("task_node"),
            "Code: ValueRequired, Node Id: n, Description: Value required [target].",
        ),
        (
            lambda c: c.primary.template.nodes[2].workflow_node.CopyFrom(WorkflowNode()),
            "Code: ValueRequired, Node Id: n, Description: Value required [WorkflowNode.Reference].",
        ),
        (
            lambda c: c.primary.template.nodes[2].metadata.timeout.CopyFrom(Duration(seconds=1, nanos=-1)),
            "Code: SyntaxError, Node Id: n, Description: Failed to parse element [node:metadata:timeout].",
        ),
        (
            lambda c: c.tasks.add().CopyFrom(c.tasks[0]),
            f"Code: ValueCollision, Node Id: {TASK}, Description: Id is expected to be unique. {TASK} already exists.",
        ),
        (
            _colliding,
            "Code: ValueCollision, Node Id: n, Description: Name:  != other is expected to be unique. n already"
            " exists.",
        ),
        (
            lambda c: c.primary.connections.downstream.pop("start-node"),
            "Code: NoEntryNodeFound, Node Id: "
            'resource_type:WORKFLOW project:"p" domain:"d" name:"wf" version:"v", Description: Can\'t find a node to'
            ' start executing Workflow [resource_type:WORKFLOW project:"p" domain:"d" name:"wf" version:"v"].',
        ),
        (
            lambda c: c.primary.template.nodes.pop(0),
            "Code: WorkflowBuildError, Node Id: , Description: Bad Node [start-node], is not defined in the Workflow"
            " [p:d:wf]",
        ),
        (
            _bad_quantity,
            "Code: WorkflowBuildError, Node Id: , Description: Collected Errors: 1\n\tError 0: Code:"
            " WorkflowBuildError, Node Id: , Description: Failed to parse resource as a valid quantity.: quantities"
            " must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'\n",
        ),
    ],
)
def test_what_the_compiler_did_not_make_is_refused(
    change: Callable[[CompiledWorkflowClosure], object], first: str
) -> None:
    assert failing(change)[0] == first


def test_an_interface_loses_what_propeller_does_not_need() -> None:
    noted = LiteralType()
    noted.CopyFrom(STRUCT)
    noted.metadata.update({"a": "schema"})
    noted.annotation.CopyFrom(TypeAnnotation(annotations=ParseDict({"note": "n"}, Struct())))
    noted.structure.CopyFrom(TypeStructure(tag="t", dataclass_type={"a": _noted(STRING)}))
    columns = [StructuredDatasetType.DatasetColumn(name="c", literal_type=_noted(STRING))]
    dataset = LiteralType(structured_dataset_type=StructuredDatasetType(columns=columns))
    kept = _noted(INTEGER)
    kept.annotation.annotations.update({"cache-key-metadata": {"k": "v"}})
    typed = interface(
        {"u": union(noted, _noted(INTEGER)), "l": list_of(_noted(STRING)), "m": map_of(_noted(STRING))},
        {"d": dataset, "k": kept},
    )
    typed.inputs.variables["u"].description = "long"

    strip_interface(typed)

    stripped = LiteralType(simple=types_pb2.STRUCT, structure=TypeStructure(tag="t", dataclass_type={"a": STRING}))
    bare = [StructuredDatasetType.DatasetColumn(name="c", literal_type=STRING)]
    assert typed.inputs == variables({"u": union(stripped, INTEGER), "l": list_of(STRING), "m": map_of(STRING)})
    assert typed.outputs.variables["d"].type.structured_dataset_type.columns[0] == bare[0]
    assert typed.outputs.variables["k"].type.HasField("annotation")


def _noted(kind: LiteralType) -> LiteralType:
    noted = LiteralType()
    noted.CopyFrom(kind)
    noted.metadata.update({"a": "schema"})
    noted.annotation.annotations.update({"note": "n"})
    return noted


def test_stripping_adds_nothing() -> None:
    bare, typed = TypedInterface(), TypedInterface()
    untyped = variables({})
    untyped.variables["x"].CopyFrom(Variable(description="d"))
    typed.inputs.CopyFrom(untyped)

    strip_interface(bare)
    strip_interface(typed)

    assert not bare.HasField("inputs")
    assert typed.inputs.variables["x"] == Variable()
