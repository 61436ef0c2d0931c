"""A stored execution as what it was created from, and whether it may still be launched; pure.

Whatever starts an execution later, or another one like it, plans from this request with the values that the rows keep:
caller, principal, nesting, cluster, namespace and time of acceptance. Under the same configuration that gives the same
resource.
"""

from datetime import datetime, timedelta

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.executions.models import ExecutionState, StoredExecution
from flyteadmin.executions.phases import UNDEFINED, LaunchState
from flyteadmin.identifiers import execution_identifier
from flyteadmin.timestamps import to_datetime

LAUNCH_WITHIN = timedelta(minutes=10)
"""The time after its acceptance in which an execution may still get its resource."""


def request_of(stored: StoredExecution, spec: ExecutionSpec, user_inputs: LiteralMap) -> ExecutionCreateRequest:
    """Return the request that an execution was created from, under the execution's own name.

    `spec` is the spec as requested (`executions.messages.requested_spec`), `user_inputs` lie at the specification's
    `user_inputs_uri`; both may have to be read from S3 first.
    """
    execution = execution_identifier(stored.state.execution)
    return ExecutionCreateRequest(
        project=execution.project, domain=execution.domain, name=execution.name, spec=spec, inputs=user_inputs
    )


def may_launch(row: ExecutionState, now: datetime) -> bool:
    """Tell whether an execution may still get its resource: no event came, nothing ended it, and it is not too old.

    A later one may have run already and been cleaned up in the cluster.
    """
    is_launching = row.phase == UNDEFINED and row.launch == LaunchState.LAUNCHING
    return is_launching and now - to_datetime(row.created_at) < LAUNCH_WITHIN
