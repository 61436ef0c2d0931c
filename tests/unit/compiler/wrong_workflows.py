"""Workflows that must not compile, by what is wrong with them, and what upstream's compiler says of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flyteidl.core import types_pb2
from flyteidl.core.condition_pb2 import Operand
from flyteidl.core.interface_pb2 import Parameter, Variable
from flyteidl.core.literals_pb2 import Binding, BindingData, Scalar, Void
from flyteidl.core.types_pb2 import LiteralType
from flyteidl.core.workflow_pb2 import (
    Alias,
    ApproveCondition,
    ArrayNode,
    GateNode,
    IfBlock,
    IfElseBlock,
    Node,
    SignalCondition,
    TaskNode,
    WorkflowNode,
    WorkflowTemplate,
)

from flyteadmin.compiler.admin import LaunchPlanInterface
from tests.unit.compiler.builders import (
    FLOAT,
    INTEGER,
    STRING,
    a_list,
    a_map,
    bind,
    branch_node,
    case,
    enum,
    launch_plan,
    launch_plan_id,
    list_of,
    map_of,
    number,
    promise,
    task,
    task_id,
    task_node,
    text,
    union,
    workflow,
    workflow_id,
    workflow_node,
)

TASK = 'resource_type:TASK project:"p" domain:"d" name:"task" version:"v"'
PLAN = 'resource_type:LAUNCH_PLAN project:"p" domain:"d" name:"lp" version:"v"'
WORKFLOW = 'resource_type:WORKFLOW project:"p" domain:"d" name:"wf" version:"v"'
SUB = 'resource_type:WORKFLOW project:"p" domain:"d" name:"sub" version:"v"'
NOTHING = task("nothing", inputs={}, outputs={})
GENERAL = (
    task(),
    NOTHING,
    task("text", inputs={"s": STRING}, outputs={"o0": STRING}),
    task("color", inputs={"c": enum("red", "green")}, outputs={}),
    task("many", inputs={"l": list_of(INTEGER), "m": map_of(INTEGER)}, outputs={"o0": list_of(INTEGER)}),
    task("either", inputs={"u": union(list_of(INTEGER), list_of(FLOAT), STRING)}, outputs={}),
    task("wide", inputs={"u": union(list_of(INTEGER), list_of(union(INTEGER, STRING)))}, outputs={}),
    task(
        "struct",
        inputs={},
        outputs={
            "o0": LiteralType(
                simple=types_pb2.STRUCT,
                structure=types_pb2.TypeStructure(dataclass_type={"b": STRING, "a": INTEGER}),
            )
        },
    ),
)
BOUND = promise("x")
_STRUCT = (
    "simple: STRUCT structure{dataclass_type:{key:a value:{simple:INTEGER},"
    " dataclass_type:{key:b value:{simple:STRING}}"
)
_NONE = Scalar(none_type=Void())


@dataclass(frozen=True)
class Wrong:
    """A workflow that must not compile, and what to say about it: (code, node id, description)."""

    template: WorkflowTemplate
    errors: Sequence[tuple[str, str, str]]
    sub_workflows: Sequence[WorkflowTemplate] = ()
    launch_plans: Sequence[LaunchPlanInterface] = field(default_factory=lambda: (launch_plan(),))


def _default_fail(*blocks: IfBlock) -> IfElseBlock:
    return IfElseBlock(case=blocks[0], other=blocks[1:], error=types_pb2.Error(message="no case"))


def _gate(**condition: ApproveCondition | SignalCondition) -> Node:
    return Node(id="gate", gate_node=GateNode(**condition))  # type: ignore[arg-type]  # one of the conditions


def _aliased(*aliases: tuple[str, str]) -> Node:
    node = task_node("a", x=BOUND)
    node.output_aliases.extend(Alias(var=var, alias=alias) for var, alias in aliases)
    return node


def _after(node: Node, *upstream: str) -> Node:
    node.upstream_node_ids.extend(upstream)
    return node


def _named(node: Node, name: str) -> Node:
    node.metadata.name = name
    return node


def _condition(block: IfBlock, left: Operand | None, right: Operand | None) -> IfBlock:
    comparison = block.condition.comparison
    comparison.Clear()
    comparison.SetInParent()
    if left is not None:
        comparison.left_value.CopyFrom(left)
    if right is not None:
        comparison.right_value.CopyFrom(right)
    return block


def _untyped() -> WorkflowTemplate:
    template = workflow(task_node(x=BOUND))
    template.interface.inputs.variables["y"].description = "no type"
    return template


def _branch(if_else: IfElseBlock) -> Node:
    return branch_node("b", if_else, x=BOUND)


def _value(name: str) -> Operand:
    return Operand(var=name)


WRONG: dict[str, Wrong] = {
    "no nodes": Wrong(workflow(), [("NoNodesFound", WORKFLOW, f"Can't find any nodes in workflow [{WORKFLOW}].")]),
    "an unknown task": Wrong(
        workflow(task_node("n", "gone", x=BOUND)),
        [("TaskReferenceNotFound", "start-node", f"Referenced Task [{TASK.replace('task', 'gone')}] not found.")],
    ),
    "an unknown launch plan": Wrong(
        workflow(workflow_node("n", launch_plan_id("gone"))),
        [("WorkflowReferenceNotFound", "start-node", f"Referenced Workflow [{PLAN.replace('lp', 'gone')}] not found.")],
    ),
    "an unknown sub-workflow": Wrong(
        workflow(workflow_node("n", workflow_id("sub"))),
        [("WorkflowReferenceNotFound", "n", f"Referenced Workflow [{SUB}] not found.")],
    ),
    "a sub-workflow given twice": Wrong(
        workflow(workflow_node("n", workflow_id("sub"))),
        [("DuplicateId", SUB, "Trying to insert two nodes with the same id.")],
        [workflow(task_node(x=BOUND), name="sub"), workflow(task_node(x=BOUND), name="sub")],
    ),
    "a sub-workflow that contains itself": Wrong(
        workflow(workflow_node("n", workflow_id("sub"), x=BOUND)),
        [("CycleDetected", "start-node", "A cycle has been detected while traversing the Workflow [sub>sub].")],
        [workflow(workflow_node("n", workflow_id("sub"), x=BOUND), name="sub")],
    ),
    "an error in a sub-workflow": Wrong(
        workflow(workflow_node("n", workflow_id("sub"), x=BOUND)),
        [("ParameterNotBound", "inner", "Parameter not bound [x].")],
        [workflow(task_node("inner"), name="sub")],
    ),
    "a workflow node without a reference": Wrong(
        workflow(Node(id="n", workflow_node=WorkflowNode())),
        [("WorkflowReferenceNotFound", "n", "Referenced Workflow [<nil>/<nil>] not found.")],
    ),
    "a launch plan without expected inputs and outputs": Wrong(
        workflow(workflow_node("n", launch_plan_id())),
        [
            ("ValueRequired", "n", "Value required [WorkflowNode.ExpectedInputs]."),
            ("ValueRequired", "n", "Value required [WorkflowNode.ExpectedOutputs]."),
        ],
        launch_plans=[LaunchPlanInterface(launch_plan_id(), None, None)],
    ),
    "a launch plan's required input left out": Wrong(
        workflow(workflow_node("n", launch_plan_id())),
        [("ParameterNotBound", "n", "Parameter not bound [x].")],
        launch_plans=[launch_plan(parameters={"x": Parameter(var=Variable(type=INTEGER), required=True)})],
    ),
    "a sub-workflow without an interface": Wrong(
        workflow(workflow_node("n", workflow_id("sub"))),
        [
            ("ParameterNotBound", "inner", "Parameter not bound [x]."),
            ("ValueRequired", "n", "Value required [WorkflowNode.Template.Interface]."),
        ],
        [WorkflowTemplate(id=workflow_id("sub"), nodes=[task_node("inner")])],
    ),
    "a variable without a type": Wrong(_untyped(), [("ValueRequired", "start-node", "Value required [param.Type].")]),
    "a broken interface, which hides what is wrong in sub-workflows": Wrong(
        workflow(workflow_node("n", workflow_id("sub"), x=BOUND), inputs={"x": INTEGER, "": INTEGER}),
        [("ValueRequired", "start-node", "Value required [paramName].")],
        [workflow(task_node("inner"), name="sub")],
    ),
    "a variable without a name": Wrong(
        workflow(task_node(x=BOUND), inputs={"x": INTEGER, "": INTEGER}),
        [("ValueRequired", "start-node", "Value required [paramName].")],
    ),
    "a node without an id": Wrong(
        workflow(Node(task_node=TaskNode(reference_id=task_id("nothing")))),
        [("ValueRequired", "<node>", "Value required [Id].")],
    ),
    "a node without a target": Wrong(workflow(Node(id="n")), [("ValueRequired", "n", "Value required [Target].")]),
    "a task node without a reference": Wrong(
        workflow(Node(id="n", task_node=TaskNode())),
        [("ValueRequired", "n", "Value required [TaskNode.ReferenceId].")],
    ),
    "an input left unbound": Wrong(workflow(task_node()), [("ParameterNotBound", "n", "Parameter not bound [x].")]),
    "an output left unbound": Wrong(
        workflow(task_node(x=BOUND), outputs={"o": INTEGER}),
        [("ParameterNotBound", "end-node", "Parameter not bound [o].")],
    ),
    "an input bound twice": Wrong(
        workflow(Node(id="n", task_node=TaskNode(reference_id=task_id()), inputs=bind(x=BOUND) + bind(x=BOUND))),
        [("ParameterBoundMoreThanOnce", "n", "Input [x] is bound more than once.")],
    ),
    "an input that the task doesn't have": Wrong(
        workflow(task_node(x=BOUND, y=number(1))),
        [("VariableNameNotFound", "n", "Variable [y] not found on node [n].")],
    ),
    "a binding without data": Wrong(
        workflow(Node(id="n", task_node=TaskNode(reference_id=task_id()), inputs=[Binding(var="x")])),
        [
            ("ParameterNotBound", "n", "Parameter not bound [x]."),
            ("ValueRequired", "n", "Value required [Binding]."),
        ],
    ),
    "a promise of an unknown node": Wrong(
        workflow(task_node(x=promise("o0", "gone"))),
        [
            ("NodeReferenceNotFound", "gone", "Referenced node [gone] not found."),
            ("ParameterNotBound", "n", "Parameter not bound [x]."),
        ],
    ),
    "a promise of an unknown output": Wrong(
        workflow(task_node("a", x=BOUND), task_node("n", x=promise("o1", "a"))),
        [
            ("ParameterNotBound", "n", "Parameter not bound [x]."),
            ("VariableNameNotFound", "a", "Variable [o1] not found on node [a]."),
        ],
    ),
    "a promise whose name is no name": Wrong(
        workflow(task_node("a", x=BOUND), task_node("n", x=promise("o-0", "a"))),
        [("SyntaxError", "n", "Failed to parse element [o-0].")],
    ),
    "a promise of another type": Wrong(
        workflow(
            _named(task_node("a", x=BOUND), "first"), _named(task_node("n", "text", s=promise("o0", "a")), "last")
        ),
        [
            (
                "MismatchingTypes",
                "n",
                "The output variable 'first.o0' has type [simple:INTEGER], but it's assigned to the input variable"
                " 'last.s' which has type type [simple:STRING].",
            )
        ],
    ),
    "an index into what is no list": Wrong(
        workflow(task_node("a", x=BOUND), task_node("n", x=promise("[0].o0", "a"))),
        [
            (
                "MismatchingTypes",
                "n",
                "The output variable '[0].o0' has type [simple:INTEGER], but it's assigned to the input variable"
                " 'x' which has type type [simple:INTEGER].",
            )
        ],
    ),
    "an attribute that the dataclass doesn't have": Wrong(
        workflow(task_node("a", "struct"), task_node("n", x=promise("o0", "a", "c"))),
        [
            (
                "FieldNotFound",
                "n",
                'Variable [o0] (type [simple:STRUCT structure:{dataclass_type:{key:"a" value:{simple:INTEGER}}'
                ' dataclass_type:{key:"b" value:{simple:STRING}}}]) doesn\'t have field [c].',
            )
        ],
    ),
    "an attribute of another type": Wrong(
        workflow(task_node("a", "struct"), task_node("n", x=promise("o0", "a", "b"))),
        [
            (
                "MismatchingTypes",
                "n",
                "The output variable 'o0' has type [simple:STRING], but it's assigned to the input variable 'x'"
                " which has type type [simple:INTEGER].",
            )
        ],
    ),
    "a whole dataclass for a number": Wrong(
        workflow(task_node("a", "struct"), task_node("n", x=promise("o0", "a"))),
        [
            (
                "MismatchingTypes",
                "n",
                "The output variable 'o0' has type [simple: STRUCT structure{dataclass_type:{key:a"
                " value:{simple:INTEGER}, dataclass_type:{key:b value:{simple:STRING}}], but it's assigned to the"
                " input variable 'x' which has type type [simple:INTEGER].",
            )
        ],
    ),
    "a value of another type": Wrong(
        workflow(task_node(x=text("one"))),
        [
            (
                "MismatchingTypes",
                "n",
                "Variable [x] (type [simple:STRING]) doesn't match expected type [simple:INTEGER].",
            )
        ],
    ),
    "a value without a type": Wrong(
        workflow(task_node(x=BindingData(scalar=Scalar(blob={})))),
        [("UnrecognizedValue", "n", "Unrecognized value [*core.Scalar_Blob].")],
    ),
    "a value that the enum doesn't have": Wrong(
        workflow(task_node("n", "color", c=text("blue"))),
        [
            (
                "IllegalEnumValue",
                "n",
                "Input [c] on node [n] is an Enum and expects value to be one of [[red green]].  Received [blue]",
            )
        ],
    ),
    "a list for a number": Wrong(
        workflow(task_node(x=a_list(number(1)))),
        [
            (
                "MismatchingBindings",
                "n",
                "Input [x] on node [n] expects bindings of type [simple:INTEGER]."
                "  Received [bindings:{scalar:{primitive:{integer:1}}}]",
            )
        ],
    ),
    "a map for a number": Wrong(
        workflow(task_node(x=a_map(b=number(2), a=number(1)))),
        [
            (
                "MismatchingBindings",
                "n",
                "Input [x] on node [n] expects bindings of type [simple:INTEGER].  Received"
                ' [bindings:{key:"a" value:{scalar:{primitive:{integer:1}}}}'
                ' bindings:{key:"b" value:{scalar:{primitive:{integer:2}}}}]',
            )
        ],
    ),
    "binding data without a value": Wrong(
        workflow(task_node(x=BindingData())),
        [
            (
                "MismatchingBindings",
                "n",
                "Input [x] on node [n] expects bindings of type [simple:INTEGER].  Received []",
            )
        ],
    ),
    "an offloaded value for a number": Wrong(
        workflow(task_node(x=BindingData(offloaded_metadata={"uri": "s3://bucket/value"}))),
        [
            (
                "MismatchingBindings",
                "n",
                "Input [x] on node [n] expects bindings of type [simple:INTEGER]."
                "  Received [*core.BindingData_OffloadedMetadata]",
            )
        ],
    ),
    "elements of another type": Wrong(
        workflow(task_node("n", "many", l=a_list(number(1), text("two")), m=a_map(k=text("v")))),
        [
            (
                "MismatchingTypes",
                "n",
                "Variable [l] (type [simple:STRING]) doesn't match expected type [simple:INTEGER].",
            ),
            (
                "MismatchingTypes",
                "n",
                "Variable [m] (type [simple:STRING]) doesn't match expected type [simple:INTEGER].",
            ),
        ],
    ),
    "a list that fits two variants": Wrong(
        workflow(task_node("n", "wide", u=a_list(number(1)))),
        [
            (
                "AmbiguousBindingUnionValue",
                "n",
                "Input [u] on node [n] expects bindings of union type [union_type:{variants:{collection_type:"
                "{simple:INTEGER}} variants:{collection_type:{union_type:{variants:{simple:INTEGER}"
                " variants:{simple:STRING}}}}}].  Received [collection:{bindings:{scalar:{primitive:{integer:1}}}}]"
                " which is ambiguous as both variants [collection_type:{simple:INTEGER}] and"
                " [collection_type:{union_type:{variants:{simple:INTEGER} variants:{simple:STRING}}}] match.",
            )
        ],
    ),
    "a list that fits no variant": Wrong(
        workflow(task_node("n", "either", u=a_list(text("a")))),
        [
            (
                "IncompatibleBindingUnionValue",
                "n",
                "Input [u] on node [n] expects bindings of union type [union_type:{variants:{collection_type:"
                "{simple:INTEGER}} variants:{collection_type:{simple:FLOAT}} variants:{simple:STRING}}]."
                '  Received [collection:{bindings:{scalar:{primitive:{string_value:"a"}}}}] which does not match'
                " any of the variants.",
            )
        ],
    ),
    "an alias used twice": Wrong(
        workflow(_aliased(("o0", "one"), ("o0", "two"))),
        [
            (
                "DuplicateAlias",
                "a",
                "Duplicate alias [two] found. An output alias can only be used once in the Workflow.",
            )
        ],
    ),
    "an alias of what isn't there": Wrong(
        workflow(_aliased(("o1", "one"))), [("ParameterNotBound", "a", "Parameter not bound [one].")]
    ),
    "an output under the name that its alias replaced": Wrong(
        workflow(_aliased(("o0", "one")), task_node("n", x=promise("o0", "a"))),
        [
            ("ParameterNotBound", "n", "Parameter not bound [x]."),
            ("VariableNameNotFound", "a", "Variable [o0] not found on node [a]."),
        ],
    ),
    "a cycle": Wrong(
        workflow(
            task_node("a", x=promise("o0", "b")),
            task_node("b", x=promise("o0", "c")),
            _after(task_node("c", x=promise("o0", "a")), "start-node"),
        ),
        [
            (
                "CycleDetected",
                "start-node",
                "A cycle has been detected while traversing the Workflow [start-node>c>b>a>c].",
            )
        ],
    ),
    "a cycle apart from the start": Wrong(
        workflow(task_node("a", x=promise("o0", "b")), task_node("b", x=promise("o0", "a")), task_node("n", x=BOUND)),
        [("UnreachableNodes", "start-node", "The Workflow contain unreachable nodes [a,b].")],
    ),
    "a gate without a condition": Wrong(
        workflow(_gate()), [("NoConditionFound", "gate", "Can't find any condition in gate node [gate].")]
    ),
    "a signal without a type": Wrong(
        workflow(_gate(signal=SignalCondition(signal_id="s", output_variable_name="o0"))),
        [("ValueRequired", "gate", "Value required [GateNode.Signal.Type].")],
    ),
    "a signal without an output": Wrong(
        workflow(_gate(signal=SignalCondition(signal_id="s", type=INTEGER))),
        [("ValueRequired", "gate", "Value required [GateNode.Signal.OutputVariableName].")],
    ),
    "an array node over nothing": Wrong(
        workflow(Node(id="n", array_node=ArrayNode(node=Node(id="inner")))),
        [("ValueRequired", "inner", "Value required [Target].")],
    ),
    "a branch without cases": Wrong(
        workflow(Node(id="b", branch_node={})),
        [
            ("BranchNodeHasNoCondition", "b", "One of the branches on the node doesn't have a condition."),
            ("BranchNodeHasNoDefault", "b", "Branch Node must have either the else case set or a default error."),
            ("ValueRequired", "b", "Value required [Branch.IfElse]."),
        ],
    ),
    "a branch without a first case": Wrong(
        workflow(_branch(IfElseBlock(else_node=task_node("n", "nothing")))),
        [
            ("BranchNodeHasNoCondition", "b", "One of the branches on the node doesn't have a condition."),
            ("ValueRequired", "b", "Value required [Branch.IfElse.Case]."),
        ],
    ),
    "a branch whose first case runs nothing": Wrong(
        workflow(_branch(_default_fail(case(None)))),
        [
            ("BranchNodeIdNotFound", "b", "BranchNode not assigned"),
            ("ValueRequired", "b", "Value required [Branch.IfElse.Case.ThenNode]."),
            ("ValueRequired", "b", "Value required [x]."),
        ],
    ),
    "a branch whose second case runs nothing": Wrong(
        workflow(_branch(_default_fail(case(task_node("n", "nothing")), case(None)))),
        [
            ("BranchNodeIdNotFound", "b", "BranchNode not assigned"),
            ("UnreachableNodes", "start-node", "The Workflow contain unreachable nodes [b]."),
            ("ValueRequired", "b", "Value required [IfElse.Case.ThenNode]."),
            ("ValueRequired", "b", "Value required [x]."),
        ],
    ),
    "a branch without a default": Wrong(
        workflow(_branch(IfElseBlock(case=case(task_node("n", "nothing"))))),
        [("BranchNodeHasNoDefault", "b", "Branch Node must have either the else case set or a default error.")],
    ),
    "a case without a condition": Wrong(
        workflow(_branch(_default_fail(IfBlock(then_node=task_node("n", "nothing"))))),
        [("BranchNodeHasNoCondition", "b", "One of the branches on the node doesn't have a condition.")],
    ),
    "a condition that compares nothing": Wrong(
        workflow(_branch(_default_fail(IfBlock(condition={}, then_node=task_node("n", "nothing"))))),
        [("ValueRequired", "b", "Value required [Expr].")],
    ),
    "half a conjunction": Wrong(
        workflow(
            _branch(
                _default_fail(
                    IfBlock(
                        condition={"conjunction": {"left_expression": case(None).condition}},
                        then_node=task_node("n", "nothing"),
                    )
                )
            )
        ),
        [("BranchNodeHasNoCondition", "b", "One of the branches on the node doesn't have a condition.")],
    ),
    "a comparison without operands": Wrong(
        workflow(_branch(_default_fail(_condition(case(task_node("n", "nothing")), None, None)))),
        [
            ("ValueRequired", "b", "Value required [LeftValue]."),
            ("ValueRequired", "b", "Value required [RightValue]."),
        ],
    ),
    "a comparison with an empty operand": Wrong(
        workflow(_branch(_default_fail(_condition(case(task_node("n", "nothing")), _value("x"), Operand())))),
        [("ValueRequired", "b", "Value required [RightValue.Val].")],
    ),
    "a condition that compares with None": Wrong(
        workflow(
            _branch(_default_fail(_condition(case(task_node("n", "nothing")), _value("x"), Operand(scalar=_NONE))))
        ),
        [
            (
                "ValueRequired",
                "b",
                "Value required [RightValue.Val]. Comparison with None is not supported: a condition compares booleans,"
                " numbers, strings, dates and durations. Instead of is_none(), compare a boolean that a task returns.",
            )
        ],
    ),
    "an attribute of another type than it is compared with": Wrong(
        workflow(
            task_node("s", "struct"),
            branch_node("b", _default_fail(case(task_node("n", "nothing"))), x=promise("o0", "s", "b")),
        ),
        [
            (
                "MismatchingTypes",
                "b",
                "Variable [RightValue] (type [simple:INTEGER]) doesn't match expected type [simple:STRING].",
            )
        ],
    ),
    "two conditions on an attribute, which may be two attributes": Wrong(
        workflow(
            task_node("s", "struct"),
            branch_node(
                "b",
                _default_fail(case(task_node("n", "nothing")), case(task_node("m", "nothing"))),
                x=promise("o0", "s", "a"),
            ),
        ),
        [
            (
                "MismatchingTypes",
                "b",
                "Input [x] is bound to an attribute and compared more than once: flytekit binds one attribute of an"
                " output for all conditions. Return each attribute from a task of its own, and compare those.",
            ),
            (
                "MismatchingTypes",
                "b",
                "The output variable 'o0' has type [simple:INTEGER], but it's assigned to the input variable 'x' which"
                f" has type type [{_STRUCT}].",
            ),
            (
                "MismatchingTypes",
                "b",
                f"Variable [RightValue] (type [simple:INTEGER]) doesn't match expected type [{_STRUCT}].",
            ),
            ("UnreachableNodes", "start-node", "The Workflow contain unreachable nodes [b]."),
        ],
    ),
    "a condition over what isn't bound": Wrong(
        workflow(_branch(_default_fail(case(task_node("n", "nothing"), "y")))),
        [("VariableNameNotFound", "b", "Variable [y] not found on node [b].")],
    ),
    "a comparison of two types": Wrong(
        workflow(
            branch_node("b", _default_fail(case(task_node("n", "nothing"))), x=promise("s")), inputs={"s": STRING}
        ),
        [
            (
                "MismatchingTypes",
                "b",
                "Variable [RightValue] (type [simple:INTEGER]) doesn't match expected type [simple:STRING].",
            )
        ],
    ),
    "cases that give different types": Wrong(
        workflow(_branch(_default_fail(case(task_node("n0", x=BOUND)), case(task_node("n1", "text", s=text("a")))))),
        [
            (
                "MismatchingTypes",
                "b-n1",
                "Variable [o0] (type [simple:INTEGER]) doesn't match expected type [simple:STRING].",
            ),
            ("UnreachableNodes", "start-node", "The Workflow contain unreachable nodes [b]."),
            ("ValueRequired", "b", "Value required [x]."),
        ],
    ),
    "an output that not all cases give": Wrong(
        workflow(
            _branch(_default_fail(case(task_node("n0", x=BOUND)), case(task_node("n1", "nothing")))),
            outputs={"o": INTEGER},
            results=bind(o=promise("o0", "b")),
        ),
        [
            ("ParameterNotBound", "end-node", "Parameter not bound [o]."),
            ("VariableNameNotFound", "b", "Variable [o0] not found on node [b]."),
        ],
    ),
    "a branch over a node that comes later": Wrong(
        workflow(
            branch_node("b", _default_fail(case(task_node("n", "nothing"))), x=promise("o0", "late")),
            task_node("late", x=BOUND),
        ),
        [
            ("NodeReferenceNotFound", "late", "Referenced node [late] not found."),
            ("ParameterNotBound", "b", "Parameter not bound [x]."),
            ("ValueRequired", "b", "Value required [x]."),
        ],
    ),
    "an unbound input inside a branch": Wrong(
        workflow(_branch(_default_fail(case(task_node("n"))))),
        [("ParameterNotBound", "b-n", "Parameter not bound [x].")],
    ),
    "two faults in one workflow": Wrong(
        workflow(task_node("a"), task_node("b", x=text("one"))),
        [
            (
                "MismatchingTypes",
                "b",
                "Variable [x] (type [simple:STRING]) doesn't match expected type [simple:INTEGER].",
            ),
            ("ParameterNotBound", "a", "Parameter not bound [x]."),
        ],
    ),
}
