"""A resource with all its parts, wherever they are kept."""

from typing import Protocol

from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow


class Blobs(Protocol):
    """Reads and writes blobs by their s3:// URI."""

    def read(self, source: str) -> bytes: ...

    def write(self, blob: bytes, target: str) -> object: ...

    def exists(self, source: str) -> bool: ...


def loaded(workflow: FlyteWorkflow, blobs: Blobs) -> tuple[FlyteWorkflow, LiteralMap]:
    """Return the resource with its spec and tasks, and the inputs.

    Raises:
        ValueError: inputs stand both in the resource and elsewhere.
        FlyteAdminError: a blob can't be read.
        BlobMissing: there is none.
        CompileErrors: the closure is not one that the compiler made.
    """
    if workflow.inputs is not None and workflow.offloaded_inputs:
        raise ValueError("cannot specify inline inputs AND offloaded inputs")
    inputs = workflow.inputs or LiteralMap()
    if workflow.offloaded_inputs:
        inputs = LiteralMap.FromString(blobs.read(workflow.offloaded_inputs))
    if not workflow.workflow_closure_reference:
        return workflow, inputs
    closure = WorkflowClosure.FromString(blobs.read(workflow.workflow_closure_reference)).compiled_workflow
    built = build_flyteworkflow(closure, inputs, workflow.execution_id, workflow.metadata.namespace)
    parts = {"spec": built.spec, "tasks": built.tasks, "sub_workflows": built.sub_workflows}
    return workflow.model_copy(update=parts), inputs
