"""The custom resource FlyteWorkflow as propeller reads it (`apis/flyteworkflow/v1alpha1`), field by field.

Names, and what is left out when empty, are those of the Go structs; protobuf parts stay messages inside the model.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from flyteidl.admin.common_pb2 import RawOutputDataConfig
from flyteidl.core.condition_pb2 import BooleanExpression
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier
from flyteidl.core.interface_pb2 import VariableMap
from flyteidl.core.literals_pb2 import Binding, LiteralMap
from flyteidl.core.security_pb2 import SecurityContext
from flyteidl.core.tasks_pb2 import ExtendedResources, K8sPod, TaskTemplate
from flyteidl.core.types_pb2 import Error
from flyteidl.core.workflow_pb2 import Alias, ApproveCondition, SignalCondition, SleepCondition
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer
from pydantic.alias_generators import to_camel, to_pascal
from pydantic_core import PydanticSerializationError

from flyteadmin.errors import InvalidArgument
from flyteadmin.flyteworkflow.encoding import GO_TAGS, JSON_PB, rfc3339

KIND = "FlyteWorkflow"
API_VERSION = "flyte.lyft.com/v1alpha1"

T = TypeVar("T")
OmitEmpty = Annotated[T, Field(exclude_if=lambda value: not value)]
OmitNone = Annotated[T, Field(exclude_if=lambda value: value is None)]
NodeKind = Literal["task", "branch", "workflow", "gate", "array", "start", "end", ""]


class Part(BaseModel):
    """A struct with JSON tags: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


class UntaggedPart(BaseModel):
    """A struct without JSON tags: Go's field names, nothing left out."""

    model_config = ConfigDict(alias_generator=to_pascal, validate_by_name=True, frozen=True)


class ObjectMeta(Part):
    """Kubernetes' metadata; what the API server adds is kept."""

    model_config = ConfigDict(extra="allow")

    name: OmitEmpty[str] = ""
    generate_name: OmitEmpty[str] = ""
    namespace: OmitEmpty[str] = ""
    labels: OmitEmpty[dict[str, str]] = {}
    annotations: OmitEmpty[dict[str, str]] = {}
    finalizers: OmitEmpty[list[str]] = []


class ResourceRequirements(Part):
    """Kubernetes' requests and limits, as canonical quantities."""

    limits: OmitEmpty[dict[str, str]] = {}
    requests: OmitEmpty[dict[str, str]] = {}


class IfBlock(Part):
    """A case of a branch: the node `then` runs if the condition holds."""

    condition: Annotated[BooleanExpression, JSON_PB]
    then: str | None


class BranchNodeSpec(Part):
    """The cases of a branch in their order, and what to do if none holds."""

    if_: IfBlock = Field(alias="if")
    else_if: OmitEmpty[list[IfBlock]] = []
    else_: OmitNone[str | None] = Field(default=None, alias="else")
    else_fail: OmitNone[Annotated[Error, GO_TAGS] | None] = None


class WorkflowNodeSpec(Part):
    """The launch plan of a workflow node, or the key of its sub-workflow in `subWorkflows`."""

    launch_plan_ref_id: OmitNone[Annotated[Identifier, JSON_PB] | None] = None
    sub_workflow_ref: OmitNone[str | None] = None


class GateNodeSpec(Part):
    """The condition of a gate: an approval, a signal or a time."""

    kind: Literal["approve", "signal", "sleep", ""]
    approve: OmitNone[Annotated[ApproveCondition, JSON_PB] | None] = None
    signal: OmitNone[Annotated[SignalCondition, JSON_PB] | None] = None
    sleep: OmitNone[Annotated[SleepCondition, JSON_PB] | None] = None


class ArrayNodeSpec(UntaggedPart):
    """The node that is run once per element, how many at once, and how many must succeed."""

    sub_node_spec: "NodeSpec"
    parallelism: int | None = None
    min_successes: int | None = None
    min_success_ratio: float | None = None
    bound_inputs: list[str] | None = None


class RetryStrategy(Part):
    """The number of a node's attempts: its retries and one."""

    min_attempts: int


class NodeSpec(Part):
    """A node; the nodes inside a branch stand beside it in `WorkflowSpec.nodes`. Deadlines are Go durations."""

    id: str
    name: OmitEmpty[str] = ""
    resources: OmitNone[ResourceRequirements | None] = None
    kind: NodeKind = ""
    branch: OmitNone[BranchNodeSpec | None] = None
    task: OmitNone[str | None] = None
    workflow: OmitNone[WorkflowNodeSpec | None] = None
    gate: OmitNone[GateNodeSpec | None] = None
    array: OmitNone[ArrayNodeSpec | None] = None
    input_bindings: OmitEmpty[list[Annotated[Binding, JSON_PB]]] = []
    retry: OmitNone[RetryStrategy | None] = None
    output_alias: OmitEmpty[list[Annotated[Alias, GO_TAGS]]] = []
    extended_resources: OmitNone[Annotated[ExtendedResources, JSON_PB] | None] = None
    execution_deadline: OmitNone[str | None] = None
    active_deadline: OmitNone[str | None] = None
    interruptible: OmitNone[bool | None] = None
    container_image: OmitEmpty[str] = ""
    pod_template: OmitNone[Annotated[K8sPod, GO_TAGS] | None] = None


class Edges(Part):
    """The nodes that follow and precede a node."""

    downstream: dict[str, list[str]]
    upstream: dict[str, list[str]]


class WorkflowSpec(Part):
    """A workflow's graph; `connections` repeats `edges.downstream` for old propellers."""

    id: str
    nodes: dict[str, NodeSpec]
    connections: dict[str, list[str]]
    edges: Edges
    on_failure: OmitNone[NodeSpec | None] = None
    outputs: OmitNone[Annotated[VariableMap, JSON_PB] | None] = None
    output_bindings: OmitEmpty[list[Annotated[Binding, JSON_PB]]] = []
    on_failure_policy: OmitNone[str | None] = None


class WorkflowMeta(Part):
    """The version of the events that propeller sends."""

    event_version: OmitEmpty[int] = 0


class NodeDefaults(Part):
    """The defaults of nodes that set no value of their own."""

    interruptible: OmitEmpty[bool] = False


class TaskPluginOverride(UntaggedPart):
    """The plugins to use for a task type, and what to do without them (`PluginOverride.MissingPluginBehavior`)."""

    plugin_ids: list[str] | None = Field(alias="PluginIDs")
    missing_plugin_behavior: int


class TaskResourceSpec(UntaggedPart):
    """Quantities of one kind, "0" for what is not set."""

    cpu: str = Field(default="0", alias="CPU")
    memory: str = "0"
    ephemeral_storage: str = "0"
    storage: str = "0"
    gpu: str = Field(default="0", alias="GPU")


class TaskResources(UntaggedPart):
    """The platform's defaults (as requests) and limits, which propeller applies to pods."""

    requests: TaskResourceSpec = TaskResourceSpec()
    limits: TaskResourceSpec = TaskResourceSpec()


class ExecutionConfig(UntaggedPart):
    """The overrides of one execution; finished nodes are taken from `recovery_execution`."""

    task_plugin_impls: dict[str, TaskPluginOverride] | None = None
    max_parallelism: int = 0
    recovery_execution: Annotated[WorkflowExecutionIdentifier, GO_TAGS] = WorkflowExecutionIdentifier()
    task_resources: TaskResources = TaskResources()
    interruptible: bool | None = None
    overwrite_cache: bool = False
    environment_variables: dict[str, str] | None = None


class FlyteWorkflow(Part):
    """One execution of a workflow in a cluster.

    `spec` and `tasks` are null and `sub_workflows` absent where `workflow_closure_reference` says where to read them;
    never both `inputs` and `offloaded_inputs`.
    """

    kind: str = KIND
    api_version: str = API_VERSION
    metadata: ObjectMeta
    spec: WorkflowSpec | None
    workflow_meta: OmitNone[WorkflowMeta | None] = None
    inputs: OmitNone[Annotated[LiteralMap, JSON_PB] | None] = None
    execution_id: Annotated[WorkflowExecutionIdentifier, GO_TAGS] = WorkflowExecutionIdentifier()
    tasks: dict[str, Annotated[TaskTemplate, JSON_PB]] | None
    sub_workflows: OmitEmpty[dict[str, WorkflowSpec] | None] = None
    node_defaults: NodeDefaults = Field(default=NodeDefaults(), alias="node-defaults")
    accepted_at: OmitNone[Annotated[datetime, PlainSerializer(rfc3339)] | None] = None
    service_account_name: OmitEmpty[str] = ""
    security_context: Annotated[SecurityContext, GO_TAGS] = SecurityContext()
    status: dict[str, JsonValue] = {"phase": 0}
    raw_output_data_config: Annotated[RawOutputDataConfig, GO_TAGS] = RawOutputDataConfig()
    execution_config: ExecutionConfig = ExecutionConfig()
    workflow_closure_reference: OmitEmpty[str] = ""
    console_url: OmitEmpty[str] = ""
    offloaded_inputs: OmitEmpty[str] = ""

    def to_json_object(self) -> dict[str, JsonValue]:
        """Return the body to send to Kubernetes; `FlyteWorkflow.model_validate` reads it back.

        Raises:
            InvalidArgument: a part has no JSON form, such as a time outside the years 1 to 9999, at whatever depth.
        """
        try:
            return self.model_dump(by_alias=True)
        except PydanticSerializationError as error:
            cause = str(error).rpartition("SerializeToJsonError: ")[2]
            raise InvalidArgument(f"the execution can't be written as a FlyteWorkflow: {cause}") from error
