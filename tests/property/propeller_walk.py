"""One execution as propeller walks through it, from its first event to its last: every kind of node, every end.

Sources: flytepropeller nodes/transformers.go, nodes/executor.go, nodes/task/transformer.go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flyteidl.core.catalog_pb2 import CACHE_HIT, CACHE_POPULATED, CatalogArtifactTag, CatalogMetadata
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.identifier_pb2 import WORKFLOW, TaskExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import (
    DynamicWorkflowNodeMetadata,
    ParentNodeExecutionMetadata,
    ParentTaskExecutionMetadata,
    TaskExecutionEvent,
    TaskNodeMetadata,
    WorkflowNodeMetadata,
)
from hypothesis import strategies as st

from flyteadmin.events.validation import Event
from tests.builders import at, execution_id, node_event, node_id, task_event, task_id, workflow_event
from tests.entities import identifier, integer
from tests.property.task_event_details import attempt_details

MAX_DEPTH = 2
MAX_NODES = 6
LONG = 5_000
"""Characters of an error or a cache key that does not fit into a row."""
HUGE = 34_000
"""Characters of an error that does not fit into an item of the log either."""

type Draw = Callable[[st.SearchStrategy[Any]], Any]
type Fields = Mapping[str, Any]

_LEAVES = ["task", "task", "task", "map", "cached", "recovered", "skipped", "gate", "launch_plan"]
_PARENTS = ["sub_workflow", "dynamic", "branch"]
_SELDOM = st.sampled_from([False, False, False, True])
"""Draws whether an event's first call fails, so that it gets into the queue behind the end that it should precede."""


@dataclass
class Clocks:
    """Propeller's clock and a kubelet's, which may be apart; whole seconds are what Kubernetes keeps."""

    tick: float
    kubelet_skew: float
    whole_seconds: bool
    seconds: float = 0.0

    def propeller(self) -> float:
        self.seconds += self.tick
        return self.seconds

    def kubelet(self) -> float:
        seconds = self.propeller() + self.kubelet_skew
        return float(int(seconds)) if self.whole_seconds else seconds


def literals(value: int) -> LiteralMap:
    return LiteralMap(literals={"o0": integer(value)})


def error(length: int = 10) -> ExecutionError:
    return ExecutionError(code="USER:Raised", message="x" * length, kind=ExecutionError.USER)


class Walk:
    """One execution from its first event to its last."""

    def __init__(self, draw: Draw, name: str, clocks: Clocks) -> None:
        self.draw, self.name, self.clocks = draw, name, clocks
        self.events: list[Event] = []
        self.child: Sequence[Event] = ()
        self.count = 0

    def events_to_the_end(self) -> list[Event]:
        if self.draw(st.booleans()):
            self.workflow("QUEUED")
        self.node("SUCCEEDED", "start-node", output_uri="s3://data/inputs")
        self.workflow("RUNNING")
        failed = self.children(None, self.draw(st.integers(1, 3)), depth=0)
        self.end(failed)
        return self.events

    def end(self, failed: bool) -> None:
        outcome = self.draw(st.sampled_from(["plain", "plain", "timed out", "back and on"]))
        if failed:
            self.workflow("FAILING", error=error())
            if self.draw(st.booleans()):
                self._task("fn0", None, 0)
            self.workflow("FAILED", error=error(self.draw(st.sampled_from([10, LONG, HUGE]))))
        elif outcome == "timed out":
            self.workflow("TIMED_OUT", error=error())
        else:
            self.workflow("SUCCEEDING")
            if outcome == "back and on":  # the resource was read from a stale cache after a restart
                self.workflow("RUNNING")
                self.workflow("QUEUED")
                self.workflow("SUCCEEDING")
            self.workflow("SUCCEEDED", **self.outputs())

    def outputs(self) -> Fields:
        return self.draw(  # type: ignore[no-any-return]
            st.sampled_from([{"output_uri": "s3://data/outputs"}, {"output_data": literals(42)}, {}])
        )

    def inputs(self) -> Fields:
        return self.draw(  # type: ignore[no-any-return]
            st.sampled_from([{"input_uri": "s3://data/inputs"}, {"input_data": literals(1)}, {}])
        )

    def workflow(self, phase: str, **fields: Any) -> None:
        self.events.append(workflow_event(phase, self.clocks.propeller(), execution=self.name, **fields))

    def node(self, phase: str, node: str, parent: str | None = None, **fields: Any) -> None:
        now = self.clocks.propeller()
        event = node_event(phase, now, node=node, execution=self.name, **fields)
        event.spec_node_id = node.rpartition("-0-")[2]
        if parent is not None:
            event.parent_node_metadata.CopyFrom(ParentNodeExecutionMetadata(node_id=parent))
            event.retry_group = "0"
        if self.clocks.tick:  # older propellers don't say when they report
            event.reported_at.CopyFrom(at(now + 0.1))
        self.events.append(event)

    def children(self, parent: str | None, number: int, depth: int) -> bool:
        """So many nodes below a parent; whether one of them failed."""
        kinds = _LEAVES + (_PARENTS if depth < MAX_DEPTH else [])
        failed = False
        for _ in range(number):
            if self.count >= MAX_NODES:
                break
            self.count += 1
            node = f"n{self.count}" if parent is None else f"{parent}-0-n{self.count}"
            kind = self.draw(st.sampled_from(kinds))
            failed |= bool(getattr(self, f"_{kind}")(node, parent, depth))
        return failed

    def _skipped(self, node: str, parent: str | None, _depth: int) -> None:
        self.node("SKIPPED", node, parent)

    def _recovered(self, node: str, parent: str | None, _depth: int) -> None:
        self.node("RECOVERED", node, parent, **self.inputs(), **self.outputs())

    def _cached(self, node: str, parent: str | None, _depth: int) -> None:
        self.node("QUEUED", node, parent, **self.inputs())
        hit = TaskNodeMetadata(cache_status=CACHE_HIT, catalog_key=CatalogMetadata())
        self.node("SUCCEEDED", node, parent, **self.outputs(), task_node_metadata=hit)

    def _gate(self, node: str, parent: str | None, _depth: int) -> bool:
        self.node("QUEUED", node, parent, **self.inputs())
        self.node("RUNNING", node, parent, **self.inputs())
        if self.draw(st.booleans()):
            self.node("TIMED_OUT", node, parent, error=error())
            return True
        self.node("SUCCEEDED", node, parent, **self.outputs())
        return False

    def _launch_plan(self, node: str, parent: str | None, _depth: int) -> bool:
        child = f"{self.name}-child"
        linked = WorkflowNodeMetadata(execution_id=execution_id(child))
        self.node("QUEUED", node, parent, **self.inputs())
        self.node("RUNNING", node, parent, workflow_node_metadata=linked)
        if not self.child:
            walk = Walk(self.draw, child, self.clocks)
            walk.count = MAX_NODES - 1  # a child is small
            self.child = walk.events_to_the_end()
            relinked = WorkflowNodeMetadata(execution_id=execution_id("another"))
            self.node("RUNNING", node, parent, workflow_node_metadata=relinked)
        failed = self.child[-1].HasField("error")
        outcome = {"error": error()} if failed else self.outputs()
        self.node("FAILED" if failed else "SUCCEEDED", node, parent, workflow_node_metadata=linked, **outcome)
        return failed

    def _branch(self, node: str, parent: str | None, depth: int) -> bool:
        self.node("QUEUED", node, parent, **self.inputs())
        self.node("SKIPPED", f"{node}-0-other", node)
        self.node("RUNNING", node, parent)
        return self._after(self.children(node, 1, depth + 1), node, parent)

    def _sub_workflow(self, node: str, parent: str | None, depth: int) -> bool:
        self.node("QUEUED", node, parent, **self.inputs(), is_parent=True)
        self.node("SUCCEEDED", f"{node}-0-start-node", node, output_uri="s3://data/inputs")
        self.node("RUNNING", node, parent, is_parent=True)
        return self._after(self.children(node, self.draw(st.integers(1, 2)), depth + 1), node, parent, is_parent=True)

    def _dynamic(self, node: str, parent: str | None, depth: int) -> bool:
        self.node("QUEUED", node, parent, **self.inputs())
        self._attempt(node, 0, ["SUCCEEDED"])
        if self.draw(st.booleans()):  # as older propellers report what a task has made
            maker = TaskExecutionIdentifier(task_id=task_id(), node_execution_id=node_id(node, self.name))
            self.node("SUCCEEDED", f"{node}-made", parent_task_metadata=ParentTaskExecutionMetadata(id=maker))
        self.node("RUNNING", node, parent)
        closure = DynamicWorkflowNodeMetadata(
            id=identifier(WORKFLOW, "generated"), dynamic_job_spec_uri="s3://data/spec"
        )
        closure.compiled_workflow.primary.template.id.CopyFrom(closure.id)
        self.node(
            "DYNAMIC_RUNNING",
            node,
            parent,
            is_dynamic=True,
            is_parent=True,
            task_node_metadata=TaskNodeMetadata(dynamic_workflow=closure),
        )
        place = len(self.events) - 1
        failed = self.children(node, self.draw(st.integers(1, 2)), depth + 1)
        self._after(failed, node, parent, is_dynamic=True)
        if self.draw(_SELDOM):
            self.events.append(self.events.pop(place))
        return failed

    def _after(self, failed: bool, node: str, parent: str | None, **fields: Any) -> bool:
        if failed:
            self.node("FAILING", node, parent, **fields)
        outcome = {"error": error()} if failed else self.outputs()
        self.node("FAILED" if failed else "SUCCEEDED", node, parent, **fields, **outcome)
        return failed

    def _task(self, node: str, parent: str | None, _depth: int, **fields: Any) -> bool:
        self.node("QUEUED", node, parent, **self.inputs(), **fields)
        attempts = self.draw(st.integers(1, 2))
        end = self.draw(st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED"]))
        for number in range(attempts):
            ends = [end] if number == attempts - 1 else self.draw(st.sampled_from([["FAILED"], ["RETRYABLE_FAILED"]]))
            self._attempt(node, number, ends, is_map=bool(fields))
            if number == 0:
                deck = self.draw(st.sampled_from(["", "s3://data/deck"]))
                checkpoint = TaskNodeMetadata(checkpoint_uri="s3://data/checkpoint")
                self.node("RUNNING", node, parent, deck_uri=deck, task_node_metadata=checkpoint, **fields)
        tag = CatalogArtifactTag(artifact_id="a", name="x" * self.draw(st.sampled_from([1, LONG])))
        key = CatalogMetadata(artifact_tag=tag)
        populated = TaskNodeMetadata(cache_status=CACHE_POPULATED, catalog_key=key)
        metadata = self.draw(st.sampled_from([{}, {"task_node_metadata": populated}]))
        deck = self.draw(st.sampled_from(["", "s3://data/final-deck"]))
        if end == "FAILED":
            failure = error(self.draw(st.sampled_from([10, LONG])))
            self.node("FAILED", node, parent, error=failure, deck_uri=deck, **metadata)
        else:
            self.node("SUCCEEDED", node, parent, **self.outputs(), deck_uri=deck, **metadata)
        return bool(end == "FAILED")

    def _map(self, node: str, parent: str | None, depth: int) -> bool:
        return self._task(node, parent, depth, is_array=True)

    def _attempt(self, node: str, number: int, ends: Sequence[str], *, is_map: bool = False) -> None:
        moves = self.draw(
            st.sampled_from(
                [
                    ["QUEUED", "RUNNING"],
                    ["QUEUED", "WAITING_FOR_RESOURCES", "INITIALIZING", "RUNNING", "RUNNING"],
                    ["RUNNING", "RUNNING", "RUNNING"],
                    ["QUEUED"],
                    [],
                ]
            )
        )
        before = ""
        version = 0
        for phase in [*moves, *ends]:
            version = version + 1 if phase == before else 0
            fields = dict(self.draw(attempt_details(is_map)))
            if phase == "SUCCEEDED":
                fields |= self.outputs()
            elif phase in {"FAILED", "RETRYABLE_FAILED"}:
                fields["error"] = error()
            event = task_event(
                phase, self.clocks.kubelet(), node=node, execution=self.name, attempt=number, phase_version=version
            )
            event.MergeFrom(TaskExecutionEvent(**fields, **self.inputs()))
            if event.event_version == 2:  # a propeller that was updated meanwhile
                event.reported_at.CopyFrom(at(self.clocks.propeller()))
            self.events.append(event)
            before = phase
        if moves and self.draw(_SELDOM):
            self.events[-2:] = self.events[:-3:-1]
