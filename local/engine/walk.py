"""One execution from its first event to its last, as propeller walks it; pure: what is to be done comes out as steps.

Of propeller's rounds only the order of events remains, with one node at a time: a node QUEUED, its task QUEUED, the
node RUNNING, its task RUNNING and ended, the node ended; a parent is RUNNING after its first child's first event.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flyteidl.core.execution_pb2 import ExecutionError, NodeExecution, TaskExecution, TaskLog, WorkflowExecution
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.flyteworkflow.crd import FlyteWorkflow, NodeSpec, WorkflowSpec
from local.engine.bindings import resolve
from local.engine.branches import decide
from local.engine.events import Attempt, Events, Place
from local.engine.faults import BindingFault, BranchFault, error_document, error_literal, system_error, user_error
from local.engine.graph import END_NODE, START_NODE, dependencies, in_order
from local.engine.identity import Lineage
from local.engine.outputs import failure_of, pretended
from local.engine.steps import Pause, Report, Step, Store, Walked

FAIL_LATE = "FAIL_AFTER_EXECUTABLE_NODES_COMPLETE"
ERROR_CODE = "USER:StandIn"


@dataclass(frozen=True)
class Outcome:
    """How a node ended; the URI is reported only where propeller does."""

    outputs: LiteralMap = field(default_factory=LiteralMap)
    output_uri: str = ""
    checkpoint_uri: str = ""
    error: ExecutionError | None = None


@dataclass(frozen=True)
class _Graph:
    """A workflow or sub-workflow under way: what its finished nodes gave."""

    spec: WorkflowSpec
    directory: str
    parent: Lineage | None
    outputs: dict[str, LiteralMap] = field(default_factory=dict)


class Walk:
    """One execution; `metadata_prefix` is where propeller keeps data, `raw_prefix` where tasks do."""

    def __init__(
        self, workflow: FlyteWorkflow, inputs: LiteralMap, events: Events, *, metadata_prefix: str, raw_prefix: str
    ) -> None:
        """Take a resource whose spec and tasks are at hand."""
        self._workflow = workflow
        self._inputs = inputs
        self._events = events
        self._raw_prefix = raw_prefix
        identifier = workflow.execution_id
        self._directory = f"{metadata_prefix}/{identifier.project}-{identifier.domain}-{identifier.name}"
        self._open: list[Place | Attempt] = []
        self._handlers: dict[str, Callable[[_Graph, Place, LiteralMap], Walked[Outcome]]] = {
            "task": self._task,
            "branch": self._branch,
            "workflow": self._sub_workflow,
            "end": self._end,
        }

    def run(self) -> Iterator[Step]:
        """Everything from the workflow's RUNNING to its end."""
        spec = self._workflow.spec
        assert spec is not None
        graph = _Graph(spec, self._directory, None)
        start = self._start(graph, self._inputs)
        yield next(start)
        yield Report(self._events.workflow(WorkflowExecution.RUNNING))
        yield from start
        error = yield from self._nodes(graph)
        if error:
            yield from self._failing(graph, error)
            return
        yield Report(self._events.workflow(WorkflowExecution.SUCCEEDING))
        end = self._place(graph, spec.nodes[END_NODE])
        yield Report(self._events.workflow(WorkflowExecution.SUCCEEDED, output_uri=end.outputs_uri(0)))

    def abort(self, reason: str) -> Iterator[Step]:
        """What ends an execution that was deleted."""
        yield from self._abort_nodes(reason)
        yield Report(self._events.workflow(WorkflowExecution.ABORTED))

    def fail(self, error: ExecutionError) -> Iterator[Step]:
        """What ends an execution that can't go on."""
        yield from self._abort_nodes("Some node execution failed, auto-abort.")
        yield Report(self._events.workflow(WorkflowExecution.FAILED, error=error))

    def _failing(self, graph: _Graph, error: ExecutionError) -> Walked[None]:
        yield Report(self._events.workflow(WorkflowExecution.FAILING, error=error))
        if graph.spec.on_failure:
            yield Report(self._events.workflow(WorkflowExecution.FAILING, error=error))
            error = yield from self._on_failure(graph, graph.spec.on_failure, error)
        yield Report(self._events.workflow(WorkflowExecution.FAILED, error=error))

    def _abort_nodes(self, reason: str) -> Iterator[Step]:
        while self._open:
            match self._open.pop():
                case Attempt() as attempt:
                    error = ExecutionError(code="Task Aborted", message=reason)
                    yield Report(self._events.task(attempt, TaskExecution.ABORTED, error=error))
                case Place() as place:
                    yield Report(self._events.aborted_node(place, reason))

    def _start(self, graph: _Graph, inputs: LiteralMap) -> Walked[None]:
        place = self._place(graph, graph.spec.nodes[START_NODE])
        graph.outputs[START_NODE] = inputs
        uri = place.outputs_uri(0)
        yield Store(uri, inputs)
        yield Report(self._events.node(place, NodeExecution.SUCCEEDED, output_uri=uri))

    def _nodes(self, graph: _Graph) -> Walked[ExecutionError | None]:
        failure, left_out = None, set[str]()
        for node in in_order(graph.spec):
            if dependencies(graph.spec, node.id) & left_out:
                left_out.add(node.id)
                yield Report(self._events.node(self._place(graph, node), NodeExecution.SKIPPED))
                continue
            error = yield from self._node(graph, node)
            if error and graph.spec.on_failure_policy != FAIL_LATE:
                return error
            if error:
                left_out.add(node.id)
                failure = error
        return failure

    def _node(
        self, graph: _Graph, node: NodeSpec, original: ExecutionError | None = None
    ) -> Walked[ExecutionError | None]:
        place = self._place(graph, node)
        try:
            inputs = resolve(node.input_bindings, graph.outputs, graph.spec.nodes)
        except BindingFault as fault:
            error = system_error("BindingResolutionFailure", str(fault))
            yield Report(self._events.node(place, NodeExecution.FAILED, error=error))
            return error
        if original and "err" in inputs.literals:
            inputs.literals["err"].CopyFrom(error_literal(node.id, original))
        yield Store(place.inputs_uri, inputs)
        self._open.append(place)
        yield Report(self._events.node(place, NodeExecution.QUEUED))
        outcome = yield from self._handlers.get(node.kind, self._unsupported)(graph, place, inputs)
        phase = NodeExecution.FAILED if outcome.error else NodeExecution.SUCCEEDED
        yield Report(
            self._events.node(
                place,
                phase,
                output_uri=outcome.output_uri,
                error=outcome.error,
                checkpoint_uri=outcome.checkpoint_uri,
            )
        )
        self._open.remove(place)
        graph.outputs[node.id] = outcome.outputs
        return outcome.error

    def _end(self, _: _Graph, place: Place, inputs: LiteralMap) -> Walked[Outcome]:
        yield Store(place.outputs_uri(0), inputs)
        return Outcome(inputs)

    def _task(self, _: _Graph, place: Place, inputs: LiteralMap) -> Walked[Outcome]:
        retry = place.node.retry
        attempts = max(1, retry.min_attempts if retry else 1)
        for number in range(attempts):
            outcome = yield from self._attempt(place, inputs, number)
            if not outcome.error:
                return outcome
        error = outcome.error
        assert error is not None
        message = f"[{attempts}/{attempts}] currentAttempt done. Last Error: USER::{error.message}"
        return Outcome(error=user_error(f"RetriesExhausted|{error.code}", message))

    def _attempt(self, place: Place, inputs: LiteralMap, number: int) -> Walked[Outcome]:
        template = (self._workflow.tasks or {})[place.node.task or ""]
        attempt = Attempt(place, template, number)
        self._open.append(attempt)
        yield Report(self._events.task(attempt, TaskExecution.QUEUED, reason="task submitted to the stand-in engine"))
        if number == 0:
            yield Report(self._events.node(place, NodeExecution.RUNNING))
        directory = place.output_directory(number)
        log = TaskLog(uri=f"{directory}/log.txt", name="Stand-in engine")
        yield Report(self._events.task(attempt, TaskExecution.RUNNING, log=log))
        yield Pause()
        message = failure_of(template)
        yield Store(log.uri, message or "The stand-in engine ran no code of this task: it passed its inputs on.\n")
        if message is not None:
            outcome = Outcome(error=user_error(ERROR_CODE, message, f"{directory}/error.pb"))
            yield Store(f"{directory}/error.pb", error_document(ERROR_CODE, message))
            yield Report(self._events.task(attempt, TaskExecution.FAILED, log=log, error=outcome.error))
        else:
            raw = f"{self._raw_prefix}/{self._workflow.execution_id.name}-{place.unique_id}-{number}"
            uri = place.outputs_uri(number)
            outcome = Outcome(pretended(template, inputs, raw), uri, f"{raw}/_flytecheckpoints")
            yield Store(uri, outcome.outputs)
            yield Report(self._events.task(attempt, TaskExecution.SUCCEEDED, log=log))
        self._open.remove(attempt)
        return outcome

    def _branch(self, graph: _Graph, place: Place, inputs: LiteralMap) -> Walked[Outcome]:
        branch = place.node.branch
        assert branch is not None
        try:
            child = graph.spec.nodes[decide(branch, inputs)]
        except BranchFault as fault:
            return Outcome(error=user_error(fault.code, str(fault)))
        inside = _Graph(graph.spec, place.output_directory(0), Lineage(place.unique_id), graph.outputs)
        error = yield from self._as_parent(place, self._node(inside, child))
        if error:
            return Outcome(error=error)
        outputs, uri = graph.outputs[child.id], place.outputs_uri(0)
        yield Store(uri, outputs)
        return Outcome(outputs, uri)

    def _sub_workflow(self, graph: _Graph, place: Place, inputs: LiteralMap) -> Walked[Outcome]:
        workflow = place.node.workflow
        reference = workflow.sub_workflow_ref if workflow else None
        if not reference:
            return (yield from self._unsupported(graph, place, inputs))
        spec = (self._workflow.sub_workflows or {})[reference]
        inside = _Graph(spec, place.output_directory(0), Lineage(place.unique_id))
        yield from self._as_parent(place, self._start(inside, inputs))
        error = yield from self._nodes(inside)
        if error and spec.on_failure:
            error = yield from self._on_failure(inside, spec.on_failure, error)
        if error:
            return Outcome(error=error)
        outputs, uri = inside.outputs[END_NODE], place.outputs_uri(0)
        if not spec.output_bindings:
            return Outcome()
        yield Store(uri, outputs)
        return Outcome(outputs, uri)

    def _as_parent[T](self, place: Place, child: Walked[T]) -> Walked[T]:
        for step in child:
            yield step
            if isinstance(step, Report):
                break
        yield Report(self._events.node(place, NodeExecution.RUNNING))
        return (yield from child)

    def _on_failure(self, graph: _Graph, node: NodeSpec, error: ExecutionError) -> Walked[ExecutionError]:
        own = yield from self._node(graph, node, error)
        return own or error

    def _unsupported(self, _graph: _Graph, place: Place, _inputs: LiteralMap) -> Walked[Outcome]:
        yield from ()
        kind = "launch-plan" if place.node.kind == "workflow" else place.node.kind
        message = f"node {place.node.id}: a node of kind {kind!r} is not supported by the stand-in engine"
        return Outcome(error=system_error("UnsupportedNodeKind", message))

    def _place(self, graph: _Graph, node: NodeSpec) -> Place:
        data = f"{graph.directory}/{node.id}" if graph.parent else f"{graph.directory}/{node.id}/data"
        template = (self._workflow.tasks or {}).get(node.task or "")
        launch_plan = node.workflow.launch_plan_ref_id if node.workflow else None
        return Place(node, graph.parent, data, template.id if template else launch_plan)
