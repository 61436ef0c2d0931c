"""The JSON message that subscribers receive for each phase of an execution; its schema is published.

Version 1 only ever grows optional fields; a test compares docs/notification.schema.json with these models.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ExecutionName(BaseModel):
    """The name of an execution."""

    project: str
    domain: str
    name: str


class EntityName(BaseModel):
    """The name of a version of a workflow or launch plan."""

    project: str
    domain: str
    name: str
    version: str


class ExecutionFailure(BaseModel):
    """The error of a failed execution; `message` may be cut, GetExecution has it whole."""

    kind: Literal["UNKNOWN", "USER", "SYSTEM"]
    code: str
    message: str


class ExecutionAbort(BaseModel):
    """The cause of an abort, and the caller who requested it."""

    cause: str
    principal: str


class Notification(BaseModel):
    """An execution entered a phase."""

    model_config = ConfigDict(title="Flyte execution notification", hide_input_in_errors=True)

    version: Literal["1"] = "1"
    id: str = Field(description="the same for every delivery of this phase of this execution")
    execution: ExecutionName
    phase: str = Field(description="flyteidl.core.WorkflowExecution.Phase by name")
    occurred_at: str = Field(description="RFC 3339, UTC, nanoseconds")
    workflow: EntityName
    launch_plan: EntityName
    error: ExecutionFailure | None = Field(None, description="set when the phase is FAILED or TIMED_OUT")
    abort: ExecutionAbort | None = Field(None, description="set when the phase is ABORTING or ABORTED as asked for")

    def attributes(self) -> dict[str, str]:
        """Return the attributes that a subscription can filter on without reading the body."""
        return {
            "project": self.execution.project,
            "domain": self.execution.domain,
            "phase": self.phase,
            "workflow": self.workflow.name,
            "launch_plan": self.launch_plan.name,
        }
