"""Everything that a plan depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier

from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.launching.parents import Inherited
from flyteadmin.settings import Configuration


@dataclass(frozen=True)
class LaunchContext:
    """Everything that a plan depends on; all of it was read before.

    `task_id` is set where a task is launched by itself, and `launch_plan` is then the generated one, which a first
    launch stores. `attributes` are those of the execution's project and domain, `workflow_attributes` those of the
    workflow's own, which may be others. `caller` sent the request; `inherited` has the principal, whom the execution
    belongs to.
    """

    execution: WorkflowExecutionIdentifier
    request: ExecutionCreateRequest
    inherited: Inherited
    launch_plan: LaunchPlan
    workflow_id: Identifier
    task_id: Identifier | None
    is_first_launch: bool
    closure: CompiledWorkflowClosure
    project_labels: Mapping[str, str]
    attributes: MatchingAttributesRows
    workflow_attributes: MatchingAttributesRows
    configuration: Configuration
    cluster: str
    namespace: str
    caller: str
    accepted_at: datetime
