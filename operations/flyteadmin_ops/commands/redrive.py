"""Look at the events that a stack set aside, send them again in their old place, or drop them."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import click
from pydantic import BaseModel

from flyteadmin.errors import FlyteAdminError
from flyteadmin.events import redrive
from flyteadmin.events.redrive import Chosen, DeadLetter
from flyteadmin_ops.failures import explain
from flyteadmin_ops.session import Group, Session


class CameBack(Exception):
    """A dead letter was sent again in this run already."""


class Letter(BaseModel):
    """A dead letter as it is printed, and what was done to it.

    `place` is the one that it carries, `sent_to` the one in which it was queued again ("" for a new one), `event`
    protobuf text, `error` why it was not done.
    """

    received_at: datetime
    message: str
    execution: str
    place: str
    cause: str
    outcome: Literal["listed", "shown", "sent", "dropped", "failed"] = "listed"
    sent_to: str | None = None
    event: str | None = None
    error: str | None = None

    def __str__(self) -> str:
        """Write a line about the letter, then the outcome, indented."""
        came = f"{self.received_at:%Y-%m-%dT%H:%M:%SZ}"
        parts = (came, self.message, self.execution or "?", f"place {self.place or '?'}", self.cause)
        return "\n  ".join(["  ".join(parts), *self._outcome()])

    def _outcome(self) -> list[str]:
        match self.outcome:
            case "shown":
                return (self.event or "").splitlines()
            case "sent":
                return [f"sent again, in its place {self.sent_to}" if self.sent_to else "sent again, in a new place"]
            case "dropped":
                return ["dropped"]
            case "failed":
                return [f"failed: {self.error}"]
            case _:
                return []


@click.group("redrive", cls=Group)
def command() -> None:
    """Events that were set aside: list, show, send or drop them.

    --execution, --cause and --message choose by what they contain; an event is chosen if it contains all of them.
    docs/runbook.md says which cause asks for what.
    """


def _choosing(function: Callable[[Session, Chosen], None]) -> Callable[..., None]:
    """Add the options that choose dead letters, and make of them the command's argument `chosen`."""

    @click.option("--execution", default="", help="Of executions whose project:domain:name contains this.")
    @click.option("--cause", default="", help="Whose cause contains this, in any case.")
    @click.option("--message", default="", help="Whose message id, as listed and as in the log, contains this.")
    @click.pass_obj
    def choosing(session: Session, execution: str, cause: str, message: str) -> None:
        function(session, Chosen(execution, cause, message))

    choosing.__doc__ = function.__doc__
    return choosing


@command.command("list")
@_choosing
def _list(session: Session, chosen: Chosen) -> None:
    """List them, without their contents."""
    _for_each(session, chosen, lambda _, letter: letter)


@command.command("show")
@_choosing
def _show(session: Session, chosen: Chosen) -> None:
    """Show them with their events, values included, as protobuf text."""
    _for_each(session, chosen, _shown)


@command.command("send")
@_choosing
def _send(session: Session, chosen: Chosen) -> None:
    """Queue them again in their old place."""
    _for_each(session, chosen, partial(_sent, set()))


@command.command("drop")
@_choosing
def _drop(session: Session, chosen: Chosen) -> None:
    """Take them off for good; needs --execution, --cause or --message."""
    if chosen == Chosen():
        raise click.UsageError("drop needs --execution, --cause or --message")
    _for_each(session, chosen, _dropped)


type _Act = Callable[[DeadLetter, Letter], Letter]


def _for_each(session: Session, chosen: Chosen, act: _Act) -> None:
    """Do something to each dead letter that is chosen, and print it; exit with 1 if one of them failed."""
    output = session.output()
    seen = count = failed = 0
    try:
        with output.progress("dead letters looked at") as advance:
            session.deployment()
            with closing(redrive.dead_letters()) as letters:
                for letter in letters:
                    seen += 1
                    advance()
                    if not chosen.includes(letter):
                        continue
                    count += 1
                    done = _tried(act, letter)
                    failed += done.outcome == "failed"
                    output.record(done)
    except KeyboardInterrupt:
        output.note("interrupted; what is not printed as sent or dropped is where it was")
        raise
    of_all = "" if count == seen else f"of {seen} "
    output.note(f"{count} {of_all}dead letters{f', {failed} failed' if failed else ''}")
    if failed:
        raise click.exceptions.Exit(1)


def _tried(act: _Act, letter: DeadLetter) -> Letter:
    listed = Letter(
        received_at=datetime.fromtimestamp(letter.message.sent_at / 1000, UTC),
        message=letter.identifier,
        execution=letter.execution,
        place=letter.sequence.lstrip("0"),
        cause=letter.cause,
    )
    try:
        return act(letter, listed)
    except (FlyteAdminError, CameBack) as error:
        return listed.model_copy(update={"outcome": "failed", "error": explain(error)})


def _shown(letter: DeadLetter, listed: Letter) -> Letter:
    return listed.model_copy(update={"outcome": "shown", "event": redrive.shown(letter)})


def _sent(sent: set[tuple[str, str]], letter: DeadLetter, listed: Letter) -> Letter:
    """Send a letter once in a run: one that is set aside anew meanwhile would be sent without end."""
    again = (letter.message.body, letter.sequence)
    if again in sent:
        raise CameBack("it was sent a moment ago; it came back, or was there twice")
    place = redrive.send_again(letter)
    sent.add(again)
    return listed.model_copy(update={"outcome": "sent", "sent_to": place.lstrip("0")})


def _dropped(letter: DeadLetter, listed: Letter) -> Letter:
    redrive.drop(letter)
    return listed.model_copy(update={"outcome": "dropped"})
