"""The compile errors: upstream's codes and sentences, and the collector that turns them into one client error."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flyteidl.core.literals_pb2 import Scalar

from flyteadmin.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class CompileError:
    """One finding: upstream's error code, the node it belongs to and its description."""

    code: str
    node_id: str
    description: str

    def __str__(self) -> str:
        return f"Code: {self.code}, Node Id: {self.node_id}, Description: {self.description}"


class CompileErrors(InvalidArgument):
    """All findings of one compilation, sorted by code and text, duplicates merged (`errors/sets.go`)."""

    def __init__(self, errors: Iterable[CompileError]) -> None:
        """Sort and merge the findings; the message is upstream's text of them."""
        self.errors: Sequence[CompileError] = sorted(set(errors), key=lambda error: (error.code, str(error)))
        super().__init__(_text(self.errors))


class ErrorCollector:
    """Gathers findings while validation goes on; a scope is the length at its beginning (`errors/error.go`)."""

    def __init__(self) -> None:
        """Begin with no finding."""
        self._errors: list[CompileError] = []

    def collect(self, *errors: CompileError) -> None:
        """Add findings; duplicates are merged when the client error is built."""
        self._errors.extend(errors)

    def mark(self) -> int:
        """Begin a scope for `clean_since` and `since`."""
        return len(self._errors)

    def clean_since(self, mark: int) -> bool:
        """Return whether nothing was found in the scope that began at `mark`."""
        return len(self._errors) == mark

    def since(self, mark: int) -> tuple[CompileError, ...]:
        """Return the findings of the scope that began at `mark`."""
        return tuple(self._errors[mark:])

    def failure(self) -> CompileErrors:
        """Return the client error of everything found so far."""
        return CompileErrors(self._errors)

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            CompileErrors: there is at least one finding.
        """
        if self._errors:
            raise self.failure()


def _text(errors: Sequence[CompileError]) -> str:
    lines = [f"Collected Errors: {len(errors)}\n"]
    lines.extend(f"\tError {index}: {error}\n" for index, error in enumerate(errors))
    return "".join(lines)


def branch_node_not_specified(node_id: str) -> CompileError:
    return CompileError("BranchNodeIdNotFound", node_id, "BranchNode not assigned")


def branch_node_has_no_condition(node_id: str) -> CompileError:
    description = "One of the branches on the node doesn't have a condition."
    return CompileError("BranchNodeHasNoCondition", node_id, description)


def attribute_compared_twice(node_id: str, name: str) -> CompileError:
    description = (
        f"Input [{name}] is bound to an attribute and compared more than once: flytekit binds one attribute of an"
        " output for all conditions. Return each attribute from a task of its own, and compare those."
    )
    return CompileError("MismatchingTypes", node_id, description)


def comparison_not_supported(node_id: str, operand: str, scalar: Scalar) -> CompileError:
    kind = "None" if scalar.WhichOneof("value") == "none_type" else f"a {scalar.WhichOneof('value') or 'scalar'}"
    description = (
        f"Value required [{operand}.Val]. Comparison with {kind} is not supported: a condition compares booleans,"
        " numbers, strings, dates and durations. Instead of is_none(), compare a boolean that a task returns."
    )
    return CompileError("ValueRequired", node_id, description)


def branch_node_has_no_default(node_id: str) -> CompileError:
    description = "Branch Node must have either the else case set or a default error."
    return CompileError("BranchNodeHasNoDefault", node_id, description)


def value_required(node_id: str, name: str) -> CompileError:
    return CompileError("ValueRequired", node_id, f"Value required [{name}].")


def invalid_value(node_id: str, name: str) -> CompileError:
    return CompileError("InvalidValue", node_id, f"Invalid value [{name}].")


def parameter_not_bound(node_id: str, name: str) -> CompileError:
    return CompileError("ParameterNotBound", node_id, f"Parameter not bound [{name}].")


def node_reference_not_found(node_id: str, reference: str) -> CompileError:
    return CompileError("NodeReferenceNotFound", node_id, f"Referenced node [{reference}] not found.")


def workflow_reference_not_found(node_id: str, reference: str) -> CompileError:
    return CompileError("WorkflowReferenceNotFound", node_id, f"Referenced Workflow [{reference}] not found.")


def task_reference_not_found(node_id: str, reference: str) -> CompileError:
    return CompileError("TaskReferenceNotFound", node_id, f"Referenced Task [{reference}] not found.")


def variable_name_not_found(node_id: str, reference: str, variable: str) -> CompileError:
    return CompileError("VariableNameNotFound", node_id, f"Variable [{variable}] not found on node [{reference}].")


def parameter_bound_more_than_once(node_id: str, name: str) -> CompileError:
    return CompileError("ParameterBoundMoreThanOnce", node_id, f"Input [{name}] is bound more than once.")


def duplicate_alias(node_id: str, alias: str) -> CompileError:
    description = f"Duplicate alias [{alias}] found. An output alias can only be used once in the Workflow."
    return CompileError("DuplicateAlias", node_id, description)


def duplicate_id(node_id: str) -> CompileError:
    return CompileError("DuplicateId", node_id, "Trying to insert two nodes with the same id.")


def mismatching_types(node_id: str, variable: str, received: str, expected: str) -> CompileError:
    description = f"Variable [{variable}] (type [{received}]) doesn't match expected type [{expected}]."
    return CompileError("MismatchingTypes", node_id, description)


def mismatching_variables(node_id: str, output: str, output_type: str, into: str, into_type: str) -> CompileError:
    description = (
        f"The output variable '{output}' has type [{output_type}], but it's assigned to the input variable"
        f" '{into}' which has type type [{into_type}]."
    )
    return CompileError("MismatchingTypes", node_id, description)


def invalid_literal_type(node_id: str, name: str, cause: str) -> CompileError:
    description = f"Failed to validate literal type for [{name}] with err: {cause}"
    return CompileError("InvalidLiteralType", node_id, description)


def mismatching_bindings(node_id: str, name: str, expected: str, received: str) -> CompileError:
    description = f"Input [{name}] on node [{node_id}] expects bindings of type [{expected}].  Received [{received}]"
    return CompileError("MismatchingBindings", node_id, description)


def field_not_found(node_id: str, variable: str, variable_type: str, field: str) -> CompileError:
    description = f"Variable [{variable}] (type [{variable_type}]) doesn't have field [{field}]."
    return CompileError("FieldNotFound", node_id, description)


def illegal_enum_value(node_id: str, name: str, received: str, expected: Sequence[str]) -> CompileError:
    description = (
        f"Input [{name}] on node [{node_id}] is an Enum and expects value to be one of [[{' '.join(expected)}]]."
        f"  Received [{received}]"
    )
    return CompileError("IllegalEnumValue", node_id, description)


def no_entry_node(workflow: str) -> CompileError:
    description = f"Can't find a node to start executing Workflow [{workflow}]."
    return CompileError("NoEntryNodeFound", workflow, description)


def cycle_detected(node_id: str, cycle: str) -> CompileError:
    description = f"A cycle has been detected while traversing the Workflow [{cycle}]."
    return CompileError("CycleDetected", node_id, description)


def unreachable_nodes(node_id: str, nodes: str) -> CompileError:
    return CompileError("UnreachableNodes", node_id, f"The Workflow contain unreachable nodes [{nodes}].")


def unrecognized_value(node_id: str, value: str) -> CompileError:
    return CompileError("UnrecognizedValue", node_id, f"Unrecognized value [{value}].")


def workflow_build_error(cause: str) -> CompileError:
    return CompileError("WorkflowBuildError", "", cause)


def value_collision(node_id: str, what: str, value: str) -> CompileError:
    return CompileError("ValueCollision", node_id, f"{what} is expected to be unique. {value} already exists.")


def syntax_error(node_id: str, element: str) -> CompileError:
    return CompileError("SyntaxError", node_id, f"Failed to parse element [{element}].")


def no_nodes_found(workflow: str) -> CompileError:
    return CompileError("NoNodesFound", workflow, f"Can't find any nodes in workflow [{workflow}].")


def ambiguous_binding_union_value(
    node_id: str, name: str, *, expected: str, binding: str, matches: tuple[str, str]
) -> CompileError:
    description = (
        f"Input [{name}] on node [{node_id}] expects bindings of union type [{expected}].  Received [{binding}]"
        f" which is ambiguous as both variants [{matches[0]}] and [{matches[1]}] match."
    )
    return CompileError("AmbiguousBindingUnionValue", node_id, description)


def incompatible_binding_union_value(node_id: str, name: str, expected: str, binding: str) -> CompileError:
    description = (
        f"Input [{name}] on node [{node_id}] expects bindings of union type [{expected}].  Received [{binding}]"
        " which does not match any of the variants."
    )
    return CompileError("IncompatibleBindingUnionValue", node_id, description)


def no_condition_found(node_id: str) -> CompileError:
    return CompileError("NoConditionFound", node_id, f"Can't find any condition in gate node [{node_id}].")
