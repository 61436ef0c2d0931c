"""One execution under way: does what its walk says, and heeds what FlyteAdmin answers (wire.md §3.3)."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Protocol

from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import WorkflowExecutionEvent

from flyteadmin.clients.storage import BlobMissing
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.errors import Code, FlyteAdminError
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.engine.events import Events
from local.engine.faults import system_error
from local.engine.resources import Phase, Resource
from local.engine.sink import EventRefused, EventSink
from local.engine.steps import Pause, Report, Step, Store
from local.engine.walk import Walk

ABORT_REASON = "Workflow aborted."
_PHASES = {
    WorkflowExecution.RUNNING: Phase.RUNNING,
    WorkflowExecution.SUCCEEDING: Phase.SUCCEEDING,
    WorkflowExecution.SUCCEEDED: Phase.SUCCESS,
    WorkflowExecution.FAILING: Phase.FAILING,
    WorkflowExecution.FAILED: Phase.FAILED,
    WorkflowExecution.ABORTED: Phase.ABORTED,
}
_log = logging.getLogger(__name__)


class Blobs(Protocol):
    """Reads and writes blobs by their s3:// URI."""

    def read(self, source: str) -> bytes: ...

    def write(self, blob: bytes, target: str) -> None: ...


class Recorder(Protocol):
    """Writes the phase of a resource back."""

    def record(self, resource: Resource, phase: Phase, at: datetime) -> None: ...


@dataclass(frozen=True)
class Settings:
    """How the engine behaves; the prefixes are s3:// URIs."""

    metadata_prefix: str
    raw_prefix: str
    producer_id: str = "propeller"
    task_seconds: float = 0.5
    max_failed_rounds: int = 10
    round_seconds: float = 0.5


class _Aborted(Exception):
    """The resource was deleted."""


class _Superseded(Exception):
    """FlyteAdmin holds another terminal phase: nothing more is to be said."""


class _Lost(Exception):
    """The execution can't go on; it fails with this error."""

    def __init__(self, error: ExecutionError) -> None:
        super().__init__(error.message)
        self.error = error


class Execution:
    """Runs one resource once, from its first step to its recorded end."""

    def __init__(
        self,
        resource: Resource,
        recorder: Recorder,
        sink: EventSink,
        blobs: Blobs,
        settings: Settings,
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take a resource that nobody else runs; `clock` gives nanoseconds since the epoch."""
        self.aborted = Flag()
        self._resource = resource
        self._recorder = recorder
        self._sink = sink
        self._blobs = blobs
        self._settings = settings
        self._clock = clock
        self._phase = Phase.READY
        self._failed_rounds = 0

    def run(self) -> None:
        """Walk it to its end and record that.

        Raises:
            pydantic.ValidationError: the resource is no FlyteWorkflow; it is left as it is.
        """
        workflow = FlyteWorkflow.model_validate(self._resource.manifest)
        phase = self._run(workflow)
        self._recorder.record(self._resource, phase, datetime.now(UTC))
        _log.info("%s/%s %s", *self._resource.place, phase.name)

    def _run(self, workflow: FlyteWorkflow) -> Phase:
        walk = self._walk(workflow, LiteralMap())
        try:
            walk = self._walk(*loaded(workflow, self._blobs))
            for step in walk.run():
                if self.aborted.is_set():
                    raise _Aborted
                self._do(step)
        except _Aborted:
            return self._end(walk.abort(ABORT_REASON), Phase.ABORTED)
        except _Superseded:
            return Phase.FAILED
        except _Lost as lost:
            return self._end(walk.fail(lost.error), Phase.FAILED)
        except (FlyteAdminError, BlobMissing, CompileErrors, LookupError, ValueError) as error:
            return self._end(walk.fail(system_error("BadSpecificationError", str(error))), Phase.FAILED)
        return self._phase

    def _walk(self, workflow: FlyteWorkflow, inputs: LiteralMap) -> Walk:
        interruptible = workflow.execution_config.interruptible
        events = Events(
            workflow.execution_id,
            self._settings.producer_id,
            self._clock,
            workflow.node_defaults.interruptible if interruptible is None else interruptible,
        )
        raw_prefix = workflow.raw_output_data_config.output_location_prefix or self._settings.raw_prefix
        return Walk(
            workflow,
            inputs,
            events,
            metadata_prefix=self._settings.metadata_prefix,
            raw_prefix=raw_prefix.rstrip("/"),
        )

    def _do(self, step: Step) -> None:
        match step:
            case Store():
                self._store(step)
            case Report():
                self._report(step.event)
            case Pause():
                self.aborted.wait(self._settings.task_seconds)

    def _store(self, step: Store) -> None:
        while True:
            try:
                self._blobs.write(step.blob, step.uri)
            except FlyteAdminError as error:
                self._count_round(error)
            else:
                return

    def _end(self, steps: Iterator[Step], phase: Phase) -> Phase:
        for step in steps:
            try:
                self._do(step)
            except (_Lost, _Superseded) as given_up:
                _log.info("%s/%s: an ending event was not taken: %s", *self._resource.place, given_up)
        return phase

    def _report(self, event: Event) -> None:
        while True:
            try:
                self._sink.send(event)
            except EventRefused as refused:
                self._fail_round(refused)
            else:
                break
        if isinstance(event, WorkflowExecutionEvent):
            self._phase = _PHASES[event.phase]
            if self._phase == Phase.RUNNING:
                self._recorder.record(self._resource, self._phase, datetime.now(UTC))

    def _fail_round(self, refused: EventRefused) -> None:
        """Decide whether the same event is sent again, as propeller would in its next round."""
        if refused.reason == "already_in_terminal_state":
            raise _Superseded from refused
        if refused.reason == "incompatible_cluster":
            message = f"Workflow execution cluster reassigned: {refused}"
            raise _Lost(system_error("EventIncompatibleClusterError", message)) from refused
        if refused.code == Code.NOT_FOUND and self._phase != Phase.READY:
            message = "Workflow execution not found in flyteadmin."
            raise _Lost(system_error("ExecutionNotFound", message)) from refused
        self._count_round(refused)

    def _count_round(self, fault: Exception) -> None:
        self._failed_rounds += 1
        limit = self._settings.max_failed_rounds
        if self._failed_rounds > limit:
            message = f"max number of system retry attempts [{self._failed_rounds}/{limit}] exhausted: {fault}"
            raise _Lost(system_error("Workflow abort failed", message)) from fault
        _log.warning("%s/%s round %d failed: %s", *self._resource.place, self._failed_rounds, fault)
        time.sleep(self._settings.round_seconds)


def loaded(workflow: FlyteWorkflow, blobs: Blobs) -> tuple[FlyteWorkflow, LiteralMap]:
    """The resource with its spec and tasks, and the inputs, wherever they are kept.

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
