"""`make redrive`: look at the events that a deployed stack set aside, and send them again, with your own credentials.

make redrive                                       list them all
make redrive ARGS="show --cause INVALID"           with their events, as protobuf text
make redrive ARGS="send --execution p:d:name"      queue them again in their old place
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import boto3

from flyteadmin.errors import FlyteAdminError
from flyteadmin.events import redrive
from flyteadmin.events.redrive import Chosen, DeadLetter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if a dead letter could not be sent."""
    parser = argparse.ArgumentParser(
        prog="make redrive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=sorted(_COMMANDS), default="list")
    parser.add_argument("--stack", default="flyteadmin", help="the name of the deployed stack")
    parser.add_argument("--execution", default="", help="of executions whose project:domain:name contains this")
    parser.add_argument("--cause", default="", help="whose cause contains this, in any case")
    parser.add_argument("--message", default="", help="whose message id contains this")
    chosen = parser.parse_args(arguments)
    point_to(chosen.stack)
    return run(chosen.command, Chosen(chosen.execution, chosen.cause, chosen.message))


def point_to(stack: str) -> None:
    """Set this process's environment to a deployed stack, as template.yaml sets a function's."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found}
    os.environ |= {
        "TABLE_PREFIX": f"{stack}-",
        "BUCKET": outputs["Bucket"],
        "EVENTS_QUEUE_URL": outputs["EventsQueueUrl"],
        "DEAD_LETTER_QUEUE_URL": outputs["DeadLetterQueueUrl"],
    }


def run(command: str, chosen: Chosen) -> int:
    """Do a command to each dead letter that is meant; 1 if one of them failed."""
    count = failed = 0
    for letter in redrive.dead_letters(chosen):
        count += 1
        print(f"{letter.message.identifier}  {letter.execution or '?'}  place {letter.sequence or '?'}  {letter.cause}")
        try:
            _COMMANDS[command](letter)
        except FlyteAdminError as error:
            failed += 1
            print(f"  not sent: {error.code.name}: {error.message}")
    print(f"{count} dead letters, {failed} failed" if failed else f"{count} dead letters", file=sys.stderr)
    return 1 if failed else 0


def _show(letter: DeadLetter) -> None:
    print("".join(f"  {line}\n" for line in redrive.shown(letter).splitlines()), end="")


def _send(letter: DeadLetter) -> None:
    place = redrive.send_again(letter)
    print(f"  sent again, in its place {place.lstrip('0')}" if place else "  sent again, in a new place")


def _list(_letter: DeadLetter) -> None:
    """The line above says it all."""


_COMMANDS: dict[str, Callable[[DeadLetter], None]] = {"list": _list, "show": _show, "send": _send}

if __name__ == "__main__":
    sys.exit(main())
