"""One execution from its first event to its last, as propeller walks it.

Of propeller's rounds the order of events remains: a node QUEUED, its task QUEUED, the node RUNNING, its task RUNNING
and ended, the node ended; a parent is RUNNING after its first child's first event. Nodes that don't need each other
run side by side. Whatever is cancelled reports its own abort, from the inside out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from sys import maxsize

from flyteidl.core.execution_pb2 import ExecutionError, NodeExecution, WorkflowExecution
from flyteidl.core.literals_pb2 import LiteralMap
from google.protobuf.message import Message

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.crd import FlyteWorkflow, NodeSpec
from local.engine.bindings import resolve
from local.engine.bridge import Refused
from local.engine.events import Events
from local.engine.faults import (
    AUTO_ABORT,
    BindingFault,
    Lost,
    Superseded,
    error_literal,
    reason_of,
    system_error,
    user_error,
)
from local.engine.graph import END_NODE, START_NODE, Graph, Library, check_nesting, check_order, ready_nodes, top_level
from local.engine.hands import Hands
from local.engine.outcome import Outcome
from local.engine.places import Place
from local.engine.recovery import recovered
from local.engine.retries import Retries, seconds_of
from local.engine.tasks.attempts import Runner
from local.engine.tasks.command import Surroundings

FAIL_LATE = "FAIL_AFTER_EXECUTABLE_NODES_COMPLETE"
_NOTHING = Outcome()

type Handler = Callable[["Walk", Graph, Place, LiteralMap], Awaitable[Outcome]]
type Trial = Callable[[Place], Awaitable[Outcome]]
type Failing = Callable[[ExecutionError], Awaitable[None]]


class Walk:
    """One execution; `metadata_prefix` is where propeller keeps data, `raw_prefix` where tasks do."""

    def __init__(
        self,
        workflow: FlyteWorkflow,
        events: Events,
        hands: Hands,
        handlers: Mapping[str, Handler],
        *,
        metadata_prefix: str,
        raw_prefix: str,
    ) -> None:
        """Take a resource whose spec and tasks are at hand, and what to do with each kind of node."""
        self.workflow = workflow
        self.events = events
        self.hands = hands
        self.runner = Runner(hands, _surroundings(workflow, raw_prefix), _parallelism(workflow))
        identifier = workflow.execution_id
        self._directory = f"{metadata_prefix}/{identifier.project}-{identifier.domain}-{identifier.name}"
        self._handlers = handlers
        self._announced: dict[str, Place] = {}

    async def run(self, inputs: LiteralMap) -> None:
        """Everything from the workflow's RUNNING to its end; when it is cancelled, to its ABORTED."""
        try:
            await self._run(inputs)
        except asyncio.CancelledError:
            await self.send_ending(self.events.workflow(WorkflowExecution.ABORTED))
            raise

    async def fail(self, error: ExecutionError) -> None:
        """Fail an execution that can't go on, after its nodes have reported their own ends."""
        await self.send_ending(self.events.workflow(WorkflowExecution.FAILED, error=error))

    async def start(self, graph: Graph, inputs: LiteralMap) -> None:
        """Give a graph its inputs, and say so."""
        await self._write_inputs(graph, inputs)
        await self._started(graph)

    async def nodes(self, graph: Graph, reason: str, failing: Failing | None = None) -> ExecutionError | None:
        """Run every node of a graph, and give the error that it ends with.

        After a failure nothing begins any more, `failing` hears of it, and what runs is aborted for this reason; where
        the workflow's policy says so, all that does not need the failed node runs first.
        """
        check_order(graph.spec)
        is_late = graph.spec.on_failure_policy == FAIL_LATE
        waiting, ended, left_out = top_level(graph.spec), {START_NODE}, set[str]()
        running: dict[asyncio.Task[ExecutionError | None], str] = {}
        error: ExecutionError | None = None
        try:
            while waiting or running:
                for name in ready_nodes(waiting, ended):
                    if waiting.pop(name) & left_out:
                        left_out.add(name)
                        ended.add(name)
                        await self.report(graph.place(graph.spec.nodes[name]), NodeExecution.SKIPPED)
                    else:
                        running[asyncio.create_task(self.node(graph, graph.spec.nodes[name]))] = name
                for task in await _first(running):
                    name = running.pop(task)
                    ended.add(name)
                    if failure := task.result():
                        left_out.add(name)
                        error = failure if is_late else error or failure
                if error and not is_late:
                    break
            if error and failing:
                await failing(error)
        except asyncio.CancelledError as stop:
            reason = reason_of(stop)
            raise
        finally:
            await _abort(running, reason)
        return error

    async def node(self, graph: Graph, node: NodeSpec, original: ExecutionError | None = None) -> ExecutionError | None:
        """Run one node to its end, and give its error; a failure node hears of the original one."""
        place = graph.place(node)
        try:
            inputs = resolve(node.input_bindings, graph.outputs, graph.spec.nodes)
        except BindingFault as fault:
            error = system_error("BindingResolutionFailure", str(fault))
            await self.report(place, NodeExecution.FAILED, Outcome(error=error))
            return error
        if original and "err" in inputs.literals:
            inputs.literals["err"].CopyFrom(error_literal(node.id, original))
        await self.hands.write(place.inputs_uri, inputs)
        try:
            outcome = await self._recovered(place)
            if outcome is None:
                await self.report(place, NodeExecution.QUEUED)
                handler = self._handlers[node.kind]
                outcome = await self.outcome(place, lambda tried: handler(self, graph, tried, inputs))
        except (asyncio.CancelledError, Lost) as stop:
            await self.send_ending(self.events.aborted_node(place, reason_of(stop)))
            raise
        await self.report(place, outcome.phase, outcome)
        graph.outputs[node.id] = outcome.outputs
        return outcome.error

    async def _recovered(self, place: Place) -> Outcome | None:
        """Take a node over from the execution that is recovered, if it succeeded there; a fault costs a round."""
        while True:
            try:
                return await recovered(self.hands, self.workflow.execution_config.recovery_execution, place)
            except Refused as refused:
                await self.hands.fail_round(refused)

    async def outcome(self, place: Place, attempt: Trial) -> Outcome:
        """Try a node as often as it may be tried, within its deadlines."""
        retries = Retries.of(place.node)
        try:
            async with asyncio.timeout(seconds_of(place.node.active_deadline)) as limit:
                while True:
                    outcome = await _attempted(place, attempt)
                    if not (outcome.error and outcome.is_retryable):
                        return outcome
                    if exhausted := retries.spend(outcome.error):
                        return replace(outcome, error=exhausted)
                    place = place.tried(place.attempt + 1)
        except TimeoutError:
            if not limit.expired():
                raise
            return Outcome(error=user_error("Timeout", "Timeout in node"), is_timed_out=True)

    async def report(self, place: Place, phase: NodeExecution.Phase, told: Outcome = _NOTHING) -> None:
        """Send a node's event; its parent's RUNNING follows the first of them."""
        await self.hands.send(self.events.node(place, phase, told))
        parent = self._announced.pop(place.parent.unique_id, None) if place.parent else None
        if parent:
            await self.running(parent)

    async def running(self, place: Place, told: Outcome = _NOTHING) -> None:
        """Report a node as RUNNING, which is done once and not again when it is tried again."""
        if not place.attempt and not place.element_of:
            await self.report(place, NodeExecution.RUNNING, told)

    def running_with_child(self, place: Place) -> None:
        """Let a node be RUNNING after its first child's first event."""
        self._announced[place.unique_id] = place

    async def send_ending(self, event: Event) -> None:
        """Send what ends something; nothing is left to be done if it is not taken."""
        with suppress(Lost, Superseded):
            await self.hands.send(event)

    async def insist[M: Message](self, rpc: str, request: Message, of: type[M], final: Container[Code] = ()) -> M:
        """Call FlyteAdmin until it answers; each refusal costs a round.

        Raises:
            Refused: with one of these codes.
            Lost: too often.
        """
        while True:
            try:
                return await self.hands.call(rpc, request, of)
            except Refused as refused:
                if refused.code in final:
                    raise
                await self.hands.fail_round(refused)

    async def on_failure(self, graph: Graph, error: ExecutionError) -> ExecutionError:
        """Run a workflow's failure node, if it has one, and give the error that the workflow ends with."""
        if not graph.spec.on_failure:
            return error
        own = await self.node(graph, graph.spec.on_failure, error)
        return own or error

    async def _run(self, inputs: LiteralMap) -> None:
        spec = self.workflow.spec
        assert spec is not None
        library = Library(self.workflow.tasks or {}, self.workflow.sub_workflows or {})
        check_nesting(spec, library)
        graph = Graph(spec, library, self._directory)
        await self._write_inputs(graph, inputs)
        await self.hands.send(self.events.workflow(WorkflowExecution.RUNNING))
        await self._started(graph)
        error = await self.nodes(graph, AUTO_ABORT, self._failing)
        if error:
            if spec.on_failure:
                await self._failing(error)
                error = await self.on_failure(graph, error)
            await self.hands.send(self.events.workflow(WorkflowExecution.FAILED, error=error))
            return
        await self.hands.send(self.events.workflow(WorkflowExecution.SUCCEEDING))
        outputs = graph.place(spec.nodes[END_NODE]).outputs_uri
        await self.hands.send(self.events.workflow(WorkflowExecution.SUCCEEDED, output_uri=outputs))

    async def _failing(self, error: ExecutionError) -> None:
        await self.hands.send(self.events.workflow(WorkflowExecution.FAILING, error=error))

    async def _write_inputs(self, graph: Graph, inputs: LiteralMap) -> None:
        graph.outputs[START_NODE] = inputs
        await self.hands.write(graph.place(graph.spec.nodes[START_NODE]).outputs_uri, inputs)

    async def _started(self, graph: Graph) -> None:
        place = graph.place(graph.spec.nodes[START_NODE])
        await self.report(place, NodeExecution.SUCCEEDED, Outcome(output_uri=place.outputs_uri))


async def _attempted(place: Place, attempt: Trial) -> Outcome:
    deadline = place.node.execution_deadline
    try:
        async with asyncio.timeout(seconds_of(deadline)) as limit:
            return await attempt(place)
    except TimeoutError:
        if not limit.expired():
            raise
        error = user_error("TimeoutExpired", f"task execution timeout [{deadline}] expired")
        return Outcome(error=error, is_retryable=True)


def _surroundings(workflow: FlyteWorkflow, raw_prefix: str) -> Surroundings:
    name = workflow.spec.id if workflow.spec else ""
    variables = workflow.execution_config.environment_variables or {}
    return Surroundings(workflow.execution_id, name, workflow.metadata.namespace, raw_prefix, variables)


def _parallelism(workflow: FlyteWorkflow) -> asyncio.Semaphore:
    return asyncio.Semaphore(workflow.execution_config.max_parallelism or maxsize)


async def _first[T](running: Mapping[asyncio.Task[T], str]) -> list[asyncio.Task[T]]:
    """Wait until some of them have ended, and give those, the oldest first."""
    if not running:
        return []
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    return [task for task in running if task in done]


async def _abort(running: Iterable[asyncio.Task[ExecutionError | None]], reason: str) -> None:
    tasks = list(running)
    for task in tasks:
        task.cancel(reason)
    await asyncio.gather(*tasks, return_exceptions=True)
