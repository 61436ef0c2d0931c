"""`make redrive`: look at the events that a deployed stack set aside, and send them again, with your own credentials.

make redrive                                       list them all
make redrive ARGS="show --cause INVALID"           with their events, as protobuf text
make redrive ARGS="send --execution p:d:name"      queue them again in their old place
make redrive ARGS="drop --message 1fa58259"        take off for good what will never apply
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flyteadmin.errors import FlyteAdminError
from flyteadmin.events import redrive
from flyteadmin.events.redrive import Chosen, DeadLetter
from flyteadmin.observability import logger

_COMMANDS = {"list": "listed", "show": "shown", "send": "sent", "drop": "dropped"}
_OF_A_STACK = {
    "BUCKET": "Bucket",
    "EVENTS_QUEUE_URL": "EventsQueueUrl",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
}
_PATIENCE = Config(connect_timeout=1, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3})


class NoSuchStack(Exception):
    """The stack that was named is not one of this project."""


class CameBack(Exception):
    """A dead letter was sent again in this run already."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if a dead letter could not be sent, 2 if none could be looked at, 130 if interrupted."""
    parser = argparse.ArgumentParser(
        prog="make redrive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=_COMMANDS, default="list")
    parser.add_argument("--stack", default="flyteadmin", help="the name of the deployed stack")
    parser.add_argument("--execution", default="", help="of executions whose project:domain:name contains this")
    parser.add_argument("--cause", default="", help="whose cause contains this, in any case")
    parser.add_argument("--message", default="", help="whose message id, as listed and as in the log, contains this")
    said = parser.parse_args(arguments)
    chosen = Chosen(said.execution, said.cause, said.message)
    if said.command == "drop" and chosen == Chosen():
        parser.error("drop needs --execution, --cause or --message")
    try:
        point_to(said.stack)
        return run(said.command, chosen)
    except (NoSuchStack, ClientError, BotoCoreError, FlyteAdminError) as error:
        print(f"make redrive: {_told(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("make redrive: interrupted; what is not said to be sent or dropped is where it was", file=sys.stderr)
        return 130
    except BrokenPipeError:  # "| head" has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def point_to(stack: str) -> None:
    """Set this process's environment to a deployed stack, as template.yaml sets a function's.

    Raises:
        NoSuchStack: it has not our outputs.
        botocore.exceptions.ClientError, BotoCoreError: AWS does not tell, e.g. for want of credentials.
    """
    found = boto3.client("cloudformation", config=_PATIENCE).describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    if missing := set(_OF_A_STACK.values()) - set(outputs):
        raise NoSuchStack(f"stack {stack} has no output {', '.join(sorted(missing))}; is it another project's?")
    os.environ |= {"TABLE_PREFIX": f"{stack}-"} | {name: outputs[output] for name, output in _OF_A_STACK.items()}


def run(command: str, chosen: Chosen) -> int:
    """Do a command to each dead letter that is meant; 1 if one of them failed."""
    do = _work(command)
    seen = count = failed = 0
    with closing(redrive.dead_letters()) as letters:
        for letter in letters:
            seen += 1
            if not chosen.includes(letter):
                continue
            count += 1
            print(_line(letter))
            try:
                do(letter)
            except (FlyteAdminError, CameBack) as error:
                failed += 1
                print(f"  not {_COMMANDS[command]}: {_told(error)}")
    of_all = "" if count == seen else f"of {seen} "
    print(f"{count} {of_all}dead letters{f', {failed} failed' if failed else ''}", file=sys.stderr)
    return 1 if failed else 0


def _work(command: str) -> Callable[[DeadLetter], None]:
    match command:
        case "show":
            return _show
        case "send":
            return partial(_send, set())
        case "drop":
            return _drop
        case _:
            return lambda _: None  # its line says it all


def _line(letter: DeadLetter) -> str:
    came = datetime.fromtimestamp(letter.message.sent_at / 1000, UTC)
    place = letter.sequence.lstrip("0") or "?"
    return f"{came:%Y-%m-%dT%H:%M:%SZ}  {letter.identifier}  {letter.execution or '?'}  place {place}  {letter.cause}"


def _told(error: Exception) -> str:
    """What went wrong, with what AWS said; a function's client is not told that, but it is the operator's own call."""
    if not isinstance(error, FlyteAdminError):
        return str(error)
    is_of_aws = isinstance(error.__cause__, ClientError | BotoCoreError)
    return f"{error.code.name}: {error.message}{f' ({error.__cause__})' if is_of_aws else ''}"


def _show(letter: DeadLetter) -> None:
    print("".join(f"  {line}\n" for line in redrive.shown(letter).splitlines()), end="")


def _send(sent: set[tuple[str, str]], letter: DeadLetter) -> None:
    """Once in a run: one that is set aside anew meanwhile would be sent for ever."""
    again = (letter.message.body, letter.sequence)
    if again in sent:
        raise CameBack("it was sent a moment ago; it came back, or was there twice")
    place = redrive.send_again(letter)
    sent.add(again)
    print(f"  sent again, in its place {place.lstrip('0')}" if place else "  sent again, in a new place")


def _drop(letter: DeadLetter) -> None:
    redrive.drop(letter)
    print("  dropped")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # progress, into a pipe too
    logger.setLevel("CRITICAL")  # what fails is told in a line
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
