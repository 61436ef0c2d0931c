"""The main job, seen once: register, run, follow, read, be notified; and the same for a task that raises.

Exits 0 only if all of it was seen.
"""

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax

from local.demo.following import Ended, follow
from local.demo.pyflyte import CommandFailed, pyflyte
from local.demo.subscriber import Subscriber
from local.stack import DOMAIN, PROJECT, Stack, running

EXAMPLE = "examples/prices.py"
FAILURE = "the price feed is empty"
console = Console(highlight=False)


class NotSeen(Exception):
    """Something that the demo promises did not show."""


def main() -> None:
    """Run the demo on a stack of its own."""
    began = time.monotonic()
    try:
        with running(_dimly) as stack, TemporaryDirectory(prefix="demo-") as home:
            console.print(f"[dim]the stack is up after {time.monotonic() - began:.1f} s[/]\n")
            _Demo(stack, Subscriber(stack.endpoint, stack.outputs["NotificationsTopicArn"]), Path(home)).run()
    except (NotSeen, TimeoutError) as error:
        console.print(f"[bold red]Not seen:[/] {error}")
        sys.exit(1)
    console.print(f"\n[bold green]All of it was seen[/] in {time.monotonic() - began:.1f} s; nothing is left running.")


class _Demo:
    """The demo on a running stack; `home` is an empty folder for flytekit."""

    def __init__(self, stack: Stack, subscriber: Subscriber, home: Path) -> None:
        self._stack = stack
        self._subscriber = subscriber
        self._home = home

    def run(self) -> None:
        console.print(Syntax.from_path(EXAMPLE, line_range=(10, 53), word_wrap=True))
        self._succeeding()
        self._failing()

    def _succeeding(self) -> None:
        console.rule("[bold]An execution that succeeds[/]", align="left")
        self._pyflyte("register", "--version", "demo", EXAMPLE)
        name = self._named()
        self._pyflyte("run", "--name", name, "remote-launchplan", "prices.report:demo", "--symbol", "ACME")
        ended = self._followed(name)
        _expect(ended.phase == "SUCCEEDED", f"the execution ended {ended.phase}")
        tasks = [node for node in ended.nodes if node.id.node_id not in {"start-node", "end-node"}]
        _expect(len(tasks) == 3, f"{len(tasks)} task nodes instead of 3")
        self._show_outputs(name)
        self._show_json(ended)
        self._notified(ended)

    def _failing(self) -> None:
        console.rule("[bold]One whose task raises, from a file that was never registered[/]", align="left")
        name = self._named()
        self._pyflyte("run", "--remote", "--name", name, EXAMPLE, "empty_report")
        ended = self._followed(name)
        _expect(ended.phase == "FAILED", f"the execution ended {ended.phase}")
        message = ended.execution.closure.error.message
        _expect(FAILURE in message and "Traceback" in message, f"its error does not say why: {message!r}")
        console.print(Panel(message.strip(), title="its error", border_style="red", expand=False))
        _expect(FAILURE in self._notified(ended), "its notification does not say why")

    def _pyflyte(self, *arguments: str) -> None:
        """Run one of flytekit's own commands."""
        console.print(f"[bold]$ pyflyte {' '.join(arguments)}[/]")
        try:
            _while("pyflyte is at work", lambda: pyflyte(self._stack, *arguments, home=self._home, say=_if_done))
        except CommandFailed as error:
            raise NotSeen(str(error)) from error

    def _followed(self, name: str) -> Ended:
        identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)
        return follow(self._stack.admin(), identifier, console)

    def _show_outputs(self, name: str) -> None:
        """Print the outputs as FlyteRemote returns them: values of the types in the tasks' code."""
        from local.demo.outputs import outputs_of  # noqa: PLC0415  # seconds to import

        outputs = _while("FlyteRemote fetches the outputs", lambda: outputs_of(self._stack, name))
        console.print("[bold]the outputs, as FlyteRemote gives them[/]")
        for title, value in outputs.shown().items():
            console.print(f"  {title}  {value}")
        _expect(outputs.average.symbol == "ACME" and outputs.average.days == 30, f"another average: {outputs.average}")
        _expect(outputs.page == "ACME: 102.83 over 30 days\n", f"another file: {outputs.page!r}")
        _expect(len(outputs.prices) == 30, f"{len(outputs.prices)} prices instead of 30")

    def _show_json(self, ended: Ended) -> None:
        name = ended.execution.id
        path = f"/api/v1/executions/{name.project}/{name.domain}/{name.name}"
        response = self._stack.admin().api.request("GET", path, headers={"accept": "application/json"})
        closure = response.json()["closure"]
        _expect(closure["phase"] == "SUCCEEDED", "its JSON does not say SUCCEEDED")
        shown = {field: closure[field] for field in ("phase", "started_at", "duration", "outputs")}
        console.print(f"[bold]GET {path}[/], signed with SigV4\n  closure (a part)  {shown}")

    def _notified(self, ended: Ended) -> str:
        notification = _while(
            "waiting for the notification", lambda: self._subscriber.wait_for(ended.execution.id.name)
        )
        _expect(notification.phase == ended.phase, f"its notification says {notification.phase}")
        told = notification.model_dump_json(indent=2)
        console.print(Panel(told, title="what a subscriber received", expand=False))
        return told

    @staticmethod
    def _named() -> str:
        return f"demo{uuid.uuid4().hex[:8]}"


def _while[R](what: str, work: Callable[[], R]) -> R:
    """Do something, and let a spinner say what."""
    with console.status(f"[dim]{what}[/]"):
        return work()


def _dimly(line: str) -> None:
    console.print(f"[dim]{line}[/]")


def _if_done(line: str) -> None:
    """Of what pyflyte prints, what it has done; its link goes to a console that is not there."""
    if line.startswith("[✔]") and "/console/" not in line:
        console.print(line, style="dim", markup=False)


def _expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001  # reads as a statement
    if not is_so:
        raise NotSeen(otherwise)


if __name__ == "__main__":
    main()
