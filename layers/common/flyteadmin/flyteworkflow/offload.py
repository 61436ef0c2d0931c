"""Keeps the custom resource below what etcd takes: its large, constant parts go to storage."""

import json
from collections.abc import Mapping

from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from pydantic import JsonValue

from flyteadmin.errors import InvalidArgument
from flyteadmin.flyteworkflow import crd

ETCD_BYTES = 1536 * 1024
"""The default limit of etcd (`--max-request-bytes`)."""

_ESCAPED_BY_GO = "<>&\u2028\u2029"
_ESCAPE_BYTES = 6


def serialized_size(body: Mapping[str, JsonValue]) -> int:
    """Bytes of a resource as the API server stores it: compact JSON, with the escapes of Go for what HTML knows."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    escapes = sum(text.count(character) * (_ESCAPE_BYTES - len(character.encode())) for character in _ESCAPED_BY_GO)
    return len(text.encode()) + escapes


def is_too_large(body: Mapping[str, JsonValue], limit: int) -> bool:
    """Return whether the resource must be offloaded: more than `limit` bytes; 0 is no limit."""
    return 0 < limit < serialized_size(body)


def offloaded_closure(closure: CompiledWorkflowClosure) -> WorkflowClosure:
    """Return the closure to store at the reference: propeller reads the admin message, not the compiler's.

    Store the closure with the execution's own edits (default resources, queues): upstream refers to the registered one
    and loses them.
    """
    return WorkflowClosure(compiled_workflow=closure)


def offload(workflow: crd.FlyteWorkflow, closure_reference: str, inputs_reference: str) -> crd.FlyteWorkflow:
    """Return a copy without spec, tasks, sub-workflows and inputs, which propeller then reads from the references.

    Raises:
        InvalidArgument: what remains is more than etcd takes.
    """
    offloaded = workflow.model_copy(
        update={
            "spec": None,
            "tasks": None,
            "sub_workflows": None,
            "workflow_closure_reference": closure_reference,
            "inputs": None,
            "offloaded_inputs": inputs_reference,
        }
    )
    remaining = serialized_size(offloaded.to_json_object())
    if remaining > ETCD_BYTES:
        raise InvalidArgument(
            f"labels, annotations and environment variables make the FlyteWorkflow {remaining} bytes large,"
            f" and a cluster takes {ETCD_BYTES}: pass large values as inputs"
        )
    return offloaded
