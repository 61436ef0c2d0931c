"""Keeps the custom resource below what etcd takes: its large, constant parts go to storage."""

import json

from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure

from flyteadmin.flyteworkflow import crd


def serialized_size(workflow: crd.FlyteWorkflow) -> int:
    """Bytes of the resource as compact JSON, which is what the API server stores."""
    return len(json.dumps(workflow.to_json_object(), separators=(",", ":"), ensure_ascii=False).encode())


def is_too_large(workflow: crd.FlyteWorkflow, limit: int) -> bool:
    """Whether the resource must be offloaded: more than `limit` bytes; 0 is no limit."""
    return 0 < limit < serialized_size(workflow)


def offloaded_closure(closure: CompiledWorkflowClosure) -> WorkflowClosure:
    """What to store at the closure reference: propeller reads the admin message, not the compiler's.

    Store the closure with the execution's own edits (default resources, queues): upstream refers to the registered one
    and loses them.
    """
    return WorkflowClosure(compiled_workflow=closure)


def offload(workflow: crd.FlyteWorkflow, closure_reference: str, inputs_reference: str) -> crd.FlyteWorkflow:
    """Give a copy without spec, tasks, sub-workflows and inputs, which propeller then reads from the references."""
    return workflow.model_copy(
        update={
            "spec": None,
            "tasks": None,
            "sub_workflows": None,
            "workflow_closure_reference": closure_reference,
            "inputs": None,
            "offloaded_inputs": inputs_reference,
        }
    )
