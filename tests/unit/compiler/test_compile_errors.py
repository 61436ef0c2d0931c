"""Every compile error: its code, the node it names and the sentence that a flytekit user reads, as upstream's."""

import pytest
from flyteidl.core.workflow_pb2 import (
    WorkflowTemplate,
)

from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.requirements import get_requirements
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.errors import InvalidArgument
from tests.unit.compiler.builders import (
    task,
    task_node,
    workflow,
)
from tests.unit.compiler.wrong_workflows import BOUND, GENERAL, WRONG, Wrong


def _fail(wrong: Wrong) -> CompileErrors:
    with pytest.raises(CompileErrors) as raised:
        compile_workflow(wrong.template, wrong.sub_workflows, GENERAL, wrong.launch_plans)
    return raised.value


@pytest.mark.conformance("REG-08")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_workflow_says_what_is_wrong(wrong: Wrong) -> None:
    errors = _fail(wrong)

    assert [(error.code, error.node_id, error.description) for error in errors.errors] == list(wrong.errors)


def test_every_code_that_compiling_a_workflow_gives_has_its_row() -> None:
    """InvalidValue is test_task_compiler's; what building gives (InvalidLiteralType and so on) is test_builder's."""
    assert len(WRONG) >= 30
    assert {code for wrong in WRONG.values() for code, _, _ in wrong.errors} == {
        "AmbiguousBindingUnionValue",
        "BranchNodeHasNoCondition",
        "BranchNodeHasNoDefault",
        "BranchNodeIdNotFound",
        "CycleDetected",
        "DuplicateAlias",
        "DuplicateId",
        "FieldNotFound",
        "IllegalEnumValue",
        "IncompatibleBindingUnionValue",
        "MismatchingBindings",
        "MismatchingTypes",
        "NoConditionFound",
        "NoNodesFound",
        "NodeReferenceNotFound",
        "ParameterBoundMoreThanOnce",
        "ParameterNotBound",
        "SyntaxError",
        "TaskReferenceNotFound",
        "UnreachableNodes",
        "UnrecognizedValue",
        "ValueRequired",
        "VariableNameNotFound",
        "WorkflowReferenceNotFound",
    }


def test_errors_are_collected_in_one_text() -> None:
    errors = _fail(WRONG["two faults in one workflow"])

    assert isinstance(errors, InvalidArgument)
    assert errors.message == (
        "Collected Errors: 2\n"
        "\tError 0: Code: MismatchingTypes, Node Id: b, Description: Variable [x] (type [simple:STRING]) doesn't match"
        " expected type [simple:INTEGER].\n"
        "\tError 1: Code: ParameterNotBound, Node Id: a, Description: Parameter not bound [x].\n"
    )


def test_a_fault_in_the_failure_node_is_found() -> None:
    template = workflow(task_node(x=BOUND))
    template.failure_node.CopyFrom(task_node("cleanup"))

    errors = _fail(Wrong(template, []))

    assert [str(error) for error in errors.errors] == [
        "Code: ParameterNotBound, Node Id: cleanup, Description: Parameter not bound [x]."
    ]


def test_a_task_without_an_id_is_an_error() -> None:
    nameless = task()
    nameless.template.ClearField("id")

    with pytest.raises(CompileErrors) as raised:
        compile_workflow(workflow(task_node(x=BOUND)), [], [nameless], [])

    assert [str(error) for error in raised.value.errors] == [
        "Code: ValueRequired, Node Id: task, Description: Value required [Template.Id]."
    ]


def test_requirements_refuse_a_sub_workflow_given_twice() -> None:
    sub_workflow = workflow(task_node(x=BOUND), name="sub")

    with pytest.raises(CompileErrors, match="DuplicateId"):
        get_requirements(workflow(), [sub_workflow, sub_workflow])


def test_requirements_refuse_a_sub_workflow_without_an_id() -> None:
    with pytest.raises(CompileErrors, match=r"Value required \[Template.Id\]"):
        get_requirements(workflow(), [WorkflowTemplate(nodes=[task_node()])])
