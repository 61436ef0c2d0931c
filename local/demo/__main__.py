"""The main job, seen once: register, create, follow, read, be notified; and the same for a failure.

Exits 0 only if all of it was seen.
"""

import sys
import time

from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionSpec,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
)
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flytekit import LaunchPlan
from rich.console import Console
from rich.panel import Panel

from local.admin import Admin
from local.demo.following import Ended, follow
from local.demo.registration import register
from local.demo.subscriber import Subscriber
from local.demo.workflows import BROKEN_REPORT, FAILURE, REPORT
from local.stack import DOMAIN, PROJECT, Stack, running

console = Console(highlight=False)


class NotSeen(Exception):
    """Something that the demo promises did not show."""


def main() -> None:
    """Run the demo on a stack of its own."""
    began = time.monotonic()
    try:
        with running(lambda line: console.print(f"[dim]{line}[/]")) as stack:
            console.print(f"[dim]the stack is up after {time.monotonic() - began:.1f} s[/]\n")
            subscriber = Subscriber(stack.endpoint, stack.outputs["NotificationsTopicArn"])
            _succeeding(stack, subscriber)
            _failing(stack, subscriber)
    except (NotSeen, TimeoutError) as error:
        console.print(f"[bold red]Not seen:[/] {error}")
        sys.exit(1)
    console.print(f"\n[bold green]All of it was seen[/] in {time.monotonic() - began:.1f} s; nothing is left running.")


def _succeeding(stack: Stack, subscriber: Subscriber) -> None:
    admin = stack.admin()
    launch_plan = _register(admin, REPORT)
    inputs = LiteralMap()
    inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    ended = _run(admin, launch_plan, inputs)
    _expect(ended.phase == "SUCCEEDED", f"the execution ended {ended.phase}")
    tasks = [node for node in ended.nodes if node.id.node_id not in {"start-node", "end-node"}]
    _expect(len(tasks) == 3, f"{len(tasks)} task nodes instead of 3")
    data = admin.call(
        "GetExecutionData",
        WorkflowExecutionGetDataRequest(id=ended.execution.id),
        WorkflowExecutionGetDataResponse,
    )
    _expect("o0" in data.full_outputs.literals, "the execution has no output")
    console.print(f"inputs   {_shown(data.full_inputs)}\noutputs  {_shown(data.full_outputs)}")
    _show_json(admin, ended)
    _notified(subscriber, ended)


def _failing(stack: Stack, subscriber: Subscriber) -> None:
    admin = stack.admin()
    launch_plan = _register(admin, BROKEN_REPORT)
    inputs = LiteralMap()
    inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    ended = _run(admin, launch_plan, inputs)
    _expect(ended.phase == "FAILED", f"the execution ended {ended.phase}")
    message = ended.execution.closure.error.message
    _expect(FAILURE in message, f"its error does not say why: {message!r}")
    console.print(f"error    [red]{message}[/]")
    notified = _notified(subscriber, ended)
    _expect(notified is not None and FAILURE in notified, "its notification does not say why")


def _register(admin: Admin, launch_plan: LaunchPlan) -> Identifier:
    registered = register(admin, launch_plan, PROJECT, DOMAIN, version="demo")
    console.rule(f"[bold]{registered.launch_plan.name}[/]", align="left")
    console.print(f"registered {registered.tasks} tasks, a workflow and a launch plan over HTTPS")
    return registered.launch_plan


def _run(admin: Admin, launch_plan: Identifier, inputs: LiteralMap) -> Ended:
    request = ExecutionCreateRequest(
        project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=launch_plan), inputs=inputs
    )
    created: WorkflowExecutionIdentifier = admin.call("CreateExecution", request, ExecutionCreateResponse).id
    return follow(admin, created, console)


def _show_json(admin: Admin, ended: Ended) -> None:
    name = ended.execution.id
    path = f"/api/v1/executions/{name.project}/{name.domain}/{name.name}"
    response = admin.api.request("GET", path, headers={"accept": "application/json"})
    closure = response.json()["closure"]
    _expect(closure["phase"] == "SUCCEEDED", "its JSON does not say SUCCEEDED")
    shown = {field: closure[field] for field in ("phase", "started_at", "duration", "outputs")}
    console.print(f"GET {path}\n  closure (a part) {shown}")


def _notified(subscriber: Subscriber, ended: Ended) -> str | None:
    notification = subscriber.wait_for(ended.execution.id.name)
    _expect(notification.phase == ended.phase, f"its notification says {notification.phase}")
    console.print(Panel(notification.model_dump_json(indent=2), title="what a subscriber received", expand=False))
    return notification.error.message if notification.error else None


def _shown(literals: LiteralMap) -> str:
    primitives = {name: literal.scalar.primitive for name, literal in sorted(literals.literals.items())}
    values = {name: getattr(value, value.WhichOneof("value") or "", None) for name, value in primitives.items()}
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001  # reads as a statement
    if not is_so:
        raise NotSeen(otherwise)


if __name__ == "__main__":
    main()
