"""Reads the outcome of a run: as clients see it through the real handler, and as rows in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flyteidl.admin.execution_pb2 import Execution
from flyteidl.admin.node_execution_pb2 import NodeExecutionList
from flyteidl.admin.task_execution_pb2 import TaskExecutionList
from flyteidl.event.event_pb2 import TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.message import Message

from functions.get_executions.handler import lambda_handler
from tests.aws_events import OCTETS, Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT
from tests.property.emulator_in_process import Store
from tests.property.propeller_runs import Run

PAGE = 3
_TABLES = ("executions", "node_executions", "task_executions", "leases", "execution_events")


@dataclass(frozen=True)
class Left:
    """The outcome of a run: answers by request, and rows by table and key, without their versions."""

    seen: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Any]]


def left(store: Store, runs: Sequence[Run]) -> Left:
    seen: dict[str, str] = {}
    for run in runs:
        path = f"{PROJECT}/{DOMAIN}/{run.name}"
        _see(seen, execution_request(run.name), Execution)
        _see_list(seen, f"/api/v1/node_executions/{path}", {})
        for node in sorted({_node(event) for event in run.events} - {""}):
            _see_list(seen, f"/api/v1/node_executions/{path}", {"unique_parent_id": node})
        for node in sorted({_node(event) for event in run.events if isinstance(event, TaskExecutionEvent)}):
            _see_list(seen, f"/api/v1/task_executions/{path}/{node}", {}, of=TaskExecutionList)
    rows = {
        f"{table} {_key(item)}": {name: value for name, value in item.items() if name != "version"}
        for table in _TABLES
        for item in store.rows(table)
    }
    return Left(seen, rows)


def execution_request(name: str) -> str:
    """Return the path of a request for an execution."""
    return f"/api/v1/executions/{PROJECT}/{DOMAIN}/{name}"


def execution_row(name: str) -> str:
    """Return the item of an execution that moves."""
    return f"executions {PROJECT}:{DOMAIN}:{name} state"


def _node(event: Any) -> str:
    match event:
        case WorkflowExecutionEvent():
            return ""
        case TaskExecutionEvent():
            return event.parent_node_execution_id.node_id
    node: str = event.id.node_id
    return node


def _see[M: Message](seen: dict[str, str], path: str, of: type[M], query: Mapping[str, str] | None = None) -> M:
    answer = answer_of(lambda_handler(http_event("GET", path, query=query, headers={"accept": OCTETS}), Context()))
    assert answer.status == 200, answer.body
    message = answer.message(of)
    seen[f"{path} {query}" if query else path] = str(message)
    return message


type _List = NodeExecutionList | TaskExecutionList


def _see_list(seen: dict[str, str], path: str, query: Mapping[str, str], of: type[_List] = NodeExecutionList) -> None:
    token = ""
    while True:
        page = _see(seen, path, of, {**query, "limit": str(PAGE), "token": token})
        token = page.token
        if not token:
            return


def _key(item: Mapping[str, Any]) -> str:
    names = ("execution", "part", "node_id", "attempt_key", "entry")
    return " ".join(item[name]["S"] for name in names if name in item)
