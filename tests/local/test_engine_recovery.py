"""A recovery in the stand-in engine: what succeeded in the original is taken over, all else runs."""

import pytest
from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionClosure,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import NodeExecution as NodePhase
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from google.protobuf.message import Message

from flyteadmin.errors import Code
from flyteadmin.flyteworkflow.crd import ExecutionConfig, FlyteWorkflow
from local.engine.bridge import Refused
from tests.local.engine_builders import chain, integer, promise, task_node, template, workflow
from tests.local.engine_effects import Answer, walked

ORIGINAL = WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name="original")


def recovering() -> FlyteWorkflow:
    """Two tasks in a row, of an execution that recovers another one."""
    nodes = [task_node("n0", "double", promise("x", output="x")), task_node("n1", "double", promise("x", "n0"))]
    resource = workflow(chain(*nodes, outputs=[promise("o0", "n1")]), template("double"))
    return resource.model_copy(update={"execution_config": ExecutionConfig(recovery_execution=ORIGINAL)})


def original_with(phase: str) -> Answer:
    """FlyteAdmin, where n0 of the original is in this phase and has 5 as its output; it never had another node."""

    def answer(rpc: str, request: Message) -> Message:
        assert isinstance(request, NodeExecutionGetRequest | NodeExecutionGetDataRequest)
        assert request.id.execution_id == ORIGINAL
        if request.id.node_id != "n0" or not phase:
            raise Refused(Code.NOT_FOUND, rpc)
        if rpc == "GetNodeExecution":
            return NodeExecution(closure=NodeExecutionClosure(phase=phase, deck_uri="s3://deck"))
        return NodeExecutionGetDataResponse(full_outputs=LiteralMap(literals={"o0": integer(5)}))

    return answer


@pytest.mark.parametrize("phase", ["SUCCEEDED", "RECOVERED"])
def test_what_succeeded_is_taken_over_with_its_outputs(phase: str) -> None:
    hands = walked(recovering(), answer=original_with(phase))
    [taken] = hands.nodes("n0")
    assert (taken.phase, taken.deck_uri) == (NodePhase.RECOVERED, "s3://deck")
    assert hands.blobs.literals(taken.output_uri).literals["o0"] == integer(5)
    assert [each.id.node_id for each in hands.nodes("n1")] == ["n1"] * 3
    assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(5)
    assert hands.lines[-1] == "workflow SUCCEEDED"


@pytest.mark.parametrize("phase", ["", "FAILED", "ABORTED", "SKIPPED", "RUNNING"])
def test_all_else_runs(phase: str) -> None:
    hands = walked(recovering(), answer=original_with(phase))
    assert len(hands.nodes("n0")) == 3
    assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(7)
