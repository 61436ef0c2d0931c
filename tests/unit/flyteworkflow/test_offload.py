"""A resource that is too large for etcd keeps references instead of its constant parts."""

import json

import pytest
from flyteidl.core.compiler_pb2 import CompiledWorkflow, CompiledWorkflowClosure
from flyteidl.core.literals_pb2 import Literal, LiteralCollection, LiteralMap, Primitive, Scalar
from flyteidl.core.tasks_pb2 import TaskTemplate
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.errors import InvalidArgument
from flyteadmin.flyteworkflow import crd
from flyteadmin.flyteworkflow.offload import ETCD_BYTES, is_too_large, offload, offloaded_closure, serialized_size

GRAPH = crd.WorkflowSpec(id="p:d:wf", nodes={}, connections={}, edges=crd.Edges(downstream={}, upstream={}))


def a_workflow(kind: str = "python-task") -> crd.FlyteWorkflow:
    return crd.FlyteWorkflow(
        metadata=crd.ObjectMeta(name="run"),
        spec=GRAPH,
        sub_workflows={"sub": GRAPH},
        tasks={"t": TaskTemplate(type=kind)},
        inputs=LiteralMap(),
    )


def size(kind: str) -> int:
    return serialized_size(a_workflow(kind).to_json_object())


def test_size_is_that_of_compact_json_in_bytes() -> None:
    compact = json.dumps(a_workflow("é").to_json_object(), separators=(",", ":"), ensure_ascii=False)

    assert size("é") == len(compact.encode()) == size("e") + 1


@pytest.mark.parametrize("character", ["<", ">", "&", "\u2028", "\u2029"])
def test_what_the_api_server_escapes_counts_as_six_bytes(character: str) -> None:
    """An HTML report as an input is up to six times as large in etcd as it was in the request."""
    assert size("e" + 100 * character) == size("e") + 600


def test_too_large_is_above_the_limit_and_never_without_one() -> None:
    body = a_workflow().to_json_object()

    assert not is_too_large(body, serialized_size(body))
    assert is_too_large(body, serialized_size(body) - 1)
    assert not is_too_large(body, 0)


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


def test_what_is_too_large_even_so_is_refused_by_name() -> None:
    large = a_workflow().model_copy(
        update={"execution_config": crd.ExecutionConfig(environment_variables={"REPORT": "x" * ETCD_BYTES})}
    )

    with pytest.raises(InvalidArgument, match="labels, annotations and environment variables make the FlyteWorkflow"):
        offload(large, "s3://bucket/closure", "s3://bucket/inputs")


@pytest.mark.parametrize(
    ("scalar", "cause"),
    [
        (Scalar(primitive=Primitive(datetime=Timestamp(seconds=1 << 60))), "datetime field: Timestamp is not valid"),
        (Scalar(primitive=Primitive(duration=Duration(seconds=5, nanos=-5))), "duration field: Duration is not valid"),
        (Scalar(generic=Struct(fields={"a": Value(number_value=float("inf"))})), "Infinity for Value.number_value"),
    ],
)
def test_what_has_no_json_form_is_refused_at_whatever_depth(scalar: Scalar, cause: str) -> None:
    inputs = LiteralMap(literals={"a": Literal(collection=LiteralCollection(literals=[Literal(scalar=scalar)]))})

    with pytest.raises(InvalidArgument, match=f"can't be written as a FlyteWorkflow: .*{cause}"):
        a_workflow().model_copy(update={"inputs": inputs}).to_json_object()
