"""An array node: one node run once per element of its inputs, told as one task (nodes/array).

The elements' own events are kept back: what they say travels as external resources of the array's task.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from sys import maxsize

from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution, TaskLog
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.event.event_pb2 import ExternalResourceInfo, TaskExecutionEvent

from flyteadmin.flyteworkflow.crd import ArrayNodeSpec
from local.engine.faults import ArrayFault, Lost, reason_of, system_error, user_error
from local.engine.graph import Graph
from local.engine.identity import generated_name
from local.engine.nodes.elements import collected, element_inputs, fewest_successes, size_of, summary
from local.engine.nodes.launch_plan import launch_plan
from local.engine.outcome import Outcome
from local.engine.places import Attempt, Place
from local.engine.tasks.attempts import News
from local.engine.walk import Walk

INDEX, INDEX_NAME = "FLYTE_K8S_ARRAY_INDEX", "BATCH_JOB_ARRAY_INDEX_VAR_NAME"
FAILING = "ArrayNodeFailing"


async def array(walk: Walk, graph: Graph, place: Place, inputs: LiteralMap) -> Outcome:
    """Run the elements, at most so many at once, until enough have ended well or too many badly."""
    spec = place.node.array
    assert spec is not None
    template = graph.library.tasks.get(spec.sub_node_spec.task or "")
    try:
        size = size_of(inputs, spec.bound_inputs or ())
    except ArrayFault as fault:
        return Outcome(error=user_error("InvalidArrayLength", str(fault)))
    here = _Array(walk, place, spec, template)
    await here.begin(size)
    await walk.running(place)
    try:
        outcomes = await here.outcomes(inputs, size)
    except (asyncio.CancelledError, Lost) as stop:
        error = ExecutionError(code="Task Aborted", message=reason_of(stop))
        await walk.send_ending(here.event(TaskExecution.ABORTED, here.resources.values(), error=error))
        raise
    failures = {index: each.error.message for index, each in outcomes.items() if each.error}
    if size - len(failures) < fewest_successes(spec, size):
        error = ExecutionError(message=summary(failures))
        await walk.hands.send(here.event(TaskExecution.FAILED, here.resources.values(), error=error))
        return Outcome(error=error)
    outputs = collected([outcomes[index] for index in range(size)], template)
    await walk.hands.write(place.outputs_uri, outputs)
    await walk.hands.send(here.event(TaskExecution.SUCCEEDED, here.resources.values()))
    return Outcome(outputs, place.outputs_uri)


@dataclass
class _Array:
    """An array node under way: the last that is known of each element, and what has not been told of them."""

    walk: Walk
    place: Place
    spec: ArrayNodeSpec
    template: TaskTemplate | None
    version: int = 0
    resources: dict[int, ExternalResourceInfo] = field(default_factory=dict)
    untold: list[ExternalResourceInfo] = field(default_factory=list)
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    def event(
        self,
        phase: TaskExecution.Phase,
        resources: Iterable[ExternalResourceInfo],
        *,
        version: int = 0,
        error: ExecutionError | None = None,
    ) -> TaskExecutionEvent:
        task_id = self.template.id if self.template else None
        return self.walk.events.array(self.place, task_id, phase, resources, version=version, error=error)

    async def begin(self, size: int) -> None:
        """Tell of all elements that they are there."""
        self.resources = {index: self._resource(index, 0, TaskExecution.UNDEFINED) for index in range(size)}
        await self.walk.hands.send(self.event(TaskExecution.QUEUED, self.resources.values()))

    async def outcomes(self, inputs: LiteralMap, size: int) -> dict[int, Outcome]:
        """Run the elements and return how each ended; those that can't change the result are aborted and left out."""
        limit = asyncio.Semaphore(self.spec.parallelism or maxsize)
        running = {asyncio.create_task(self._element(inputs, index, limit)): index for index in range(size)}
        outcomes: dict[int, Outcome] = {}
        reason = FAILING
        try:
            while running and size - self._failed(outcomes) >= fewest_successes(self.spec, size):
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                outcomes.update({running.pop(task): task.result() for task in list(running) if task in done})
        except asyncio.CancelledError as stop:
            reason = reason_of(stop)
            raise
        finally:
            for task in running:
                task.cancel(reason)
            await asyncio.gather(*running, return_exceptions=True)
        return outcomes

    @staticmethod
    def _failed(outcomes: dict[int, Outcome]) -> int:
        return sum(each.error is not None for each in outcomes.values())

    async def _element(self, inputs: LiteralMap, index: int, limit: asyncio.Semaphore) -> Outcome:
        node = self.spec.sub_node_spec.model_copy(update={"id": f"n{index}", "name": f"n{index}"})
        directory = f"{self.place.output_directory}/{index}"
        place = Place(node, self.place.as_parent(), directory, element_of=self.place)
        own = element_inputs(inputs, index, self.spec.bound_inputs or ())
        async with limit:
            return await self.walk.outcome(place, lambda tried: self._attempt(tried, own, index))

    async def _attempt(self, place: Place, inputs: LiteralMap, index: int) -> Outcome:
        if place.node.workflow and place.node.workflow.launch_plan_ref_id:
            return await launch_plan(self.walk, place, inputs)
        if self.template is None:
            why = f"array node of kind {place.node.kind!r} is not supported by the stand-in engine"
            return Outcome(error=system_error("BadSpecificationError", why))

        async def tell(news: News) -> None:
            await self._tell(self._resource(index, place.attempt, news.phase, news.log), news.phase)

        runner = self.walk.runner.with_environment({INDEX_NAME: INDEX, INDEX: str(index)})
        return await runner.run(Attempt(place, self.template), inputs, tell)

    async def _tell(self, resource: ExternalResourceInfo, phase: TaskExecution.Phase) -> None:
        """Tell what is new of an element, together with all that has gathered meanwhile."""
        self.resources[resource.index] = resource
        if phase == TaskExecution.ABORTED:
            return
        self.untold.append(resource)
        async with self.telling:
            if self.untold:
                news, self.untold = self.untold, []
                self.version += 1
                await self.walk.hands.send(self.event(TaskExecution.RUNNING, news, version=self.version))

    def _resource(
        self, index: int, attempt: int, phase: TaskExecution.Phase, log: TaskLog | None = None
    ) -> ExternalResourceInfo:
        name = generated_name(self.walk.events.execution_id.name, self.place.unique_id, self.place.attempt)
        logs = [TaskLog(uri=log.uri, name=f"{log.name}-{index}")] if log else []
        return ExternalResourceInfo(
            external_id=f"{name}-n{index}-{attempt}", index=index, retry_attempt=attempt, phase=phase, logs=logs
        )
