"""Collects the tasks and launch plans that a workflow needs, through its sub-workflows (`requirements.go`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from flyteidl.core.compiler_pb2 import CompiledWorkflow
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.workflow_pb2 import WorkflowTemplate

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.index import all_nodes, key, sorted_identifiers, workflow_index
from flyteadmin.pretty_print import to_text

ReferenceKind = Literal["task", "launch_plan", "sub_workflow"]


@dataclass(frozen=True, slots=True)
class Requirements:
    """The entities to load before compiling, each list sorted by identifier and without duplicates."""

    task_ids: tuple[Identifier, ...]
    launch_plan_ids: tuple[Identifier, ...]


def get_requirements(template: WorkflowTemplate, sub_workflows: Sequence[WorkflowTemplate]) -> Requirements:
    """Collect the tasks and launch plans that a workflow refers to, directly or in its sub-workflows.

    A reference to a sub-workflow that is not among `sub_workflows` is left to `compile_workflow`, as upstream does.

    Raises:
        CompileErrors: a sub-workflow is given twice or has no id.
    """
    errors = e.ErrorCollector()
    index = workflow_index((CompiledWorkflow(template=workflow) for workflow in sub_workflows), errors)
    errors.raise_if_any()
    return requirements_of(template, index, errors)


def requirements_of(
    template: WorkflowTemplate, sub_workflows: Mapping[bytes, CompiledWorkflow], errors: e.ErrorCollector
) -> Requirements:
    """As `get_requirements`, over an index; a missing sub-workflow goes to `errors`. Each one is read once."""
    found: dict[ReferenceKind, dict[bytes, Identifier]] = {"task": {}, "launch_plan": {}, "sub_workflow": {}}
    pending = [template]
    while pending:
        for kind, node_id, identifier in references(pending.pop()):
            wanted = key(identifier)
            if kind == "sub_workflow" and wanted not in sub_workflows:
                errors.collect(e.workflow_reference_not_found(node_id, to_text(identifier)))
            elif wanted not in found[kind]:
                found[kind][wanted] = identifier
                if kind == "sub_workflow":
                    pending.append(sub_workflows[wanted].template)
    return Requirements(sorted_identifiers(found["task"].values()), sorted_identifiers(found["launch_plan"].values()))


def references(
    template: WorkflowTemplate, *, inside_arrays: bool = True
) -> Iterator[tuple[ReferenceKind, str, Identifier]]:
    """Yield the references of one template's nodes, each with its node's id."""
    for node in all_nodes(template, inside_arrays=inside_arrays):
        target = node.WhichOneof("target")
        if target == "task_node" and node.task_node.HasField("reference_id"):
            yield "task", node.id, node.task_node.reference_id
        elif target == "workflow_node":
            reference = node.workflow_node.WhichOneof("reference")
            if reference == "launchplan_ref":
                yield "launch_plan", node.id, node.workflow_node.launchplan_ref
            elif reference == "sub_workflow_ref":
                yield "sub_workflow", node.id, node.workflow_node.sub_workflow_ref
