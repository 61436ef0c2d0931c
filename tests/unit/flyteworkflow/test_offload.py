"""A resource that is too large for etcd keeps references instead of its constant parts."""

import json

from flyteidl.core.compiler_pb2 import CompiledWorkflow, CompiledWorkflowClosure
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate

from flyteadmin.flyteworkflow import crd
from flyteadmin.flyteworkflow.offload import is_too_large, offload, offloaded_closure, serialized_size

GRAPH = crd.WorkflowSpec(id="p:d:wf", nodes={}, connections={}, edges=crd.Edges(downstream={}, upstream={}))


def a_workflow(kind: str = "python-task") -> crd.FlyteWorkflow:
    return crd.FlyteWorkflow(
        metadata=crd.ObjectMeta(name="run"),
        spec=GRAPH,
        sub_workflows={"sub": GRAPH},
        tasks={"t": TaskTemplate(type=kind)},
        inputs=LiteralMap(),
    )


def test_size_is_that_of_compact_json_in_bytes() -> None:
    compact = json.dumps(a_workflow("é").to_json_object(), separators=(",", ":"), ensure_ascii=False)

    assert serialized_size(a_workflow("é")) == len(compact.encode()) == serialized_size(a_workflow("e")) + 1


def test_too_large_is_above_the_limit_and_never_without_one() -> None:
    size = serialized_size(a_workflow())

    assert not is_too_large(a_workflow(), size)
    assert is_too_large(a_workflow(), size - 1)
    assert not is_too_large(a_workflow(), 0)


def test_references_replace_the_constant_parts() -> None:
    body = offload(a_workflow(), "s3://bucket/closure", "s3://bucket/inputs").to_json_object()

    assert body["workflowClosureReference"] == "s3://bucket/closure"
    assert body["offloadedInputs"] == "s3://bucket/inputs"
    assert (body["spec"], body["tasks"]) == (None, None)
    assert "subWorkflows" not in body
    assert "inputs" not in body
    assert body["metadata"] == {"name": "run"}


def test_an_offloaded_resource_is_read_back() -> None:
    body = offload(a_workflow(), "s3://bucket/closure", "s3://bucket/inputs").to_json_object()

    assert crd.FlyteWorkflow.model_validate(body).to_json_object() == body


def test_the_stored_closure_is_the_admin_message() -> None:
    closure = CompiledWorkflowClosure(primary=CompiledWorkflow())

    assert offloaded_closure(closure).compiled_workflow == closure
