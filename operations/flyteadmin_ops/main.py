"""The tool: its commands, and how a failure ends.

Exit codes: 0 it is done; 1 it failed or was refused, in part or as a whole; 2 the command line is wrong;
130 it was interrupted.
"""

import signal
import sys
from collections.abc import Sequence

import click
from botocore.exceptions import BotoCoreError, ClientError

from flyteadmin.errors import FlyteAdminError
from flyteadmin.observability import logger
from flyteadmin_ops import __version__
from flyteadmin_ops.commands import check_config, explain_config, namespaces, redrive
from flyteadmin_ops.failures import Refused, explain
from flyteadmin_ops.session import Group

NAME = "flyteadmin-ops"

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed or refused, 2 wrong command line, 130 interrupted.",
)
@click.version_option(__version__)
def cli() -> None:
    """Operate FlyteAdmin on AWS, with your own AWS credentials."""


cli.add_command(redrive.command)
cli.add_command(check_config.command)
cli.add_command(explain_config.command)
cli.add_command(namespaces.command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a failure is one line on stderr."""
    try:
        code = cli.main(arguments, prog_name=NAME, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except (Refused, ClientError, BotoCoreError, FlyteAdminError) as error:
        print(f"{NAME}: {explain(error)}", file=sys.stderr)
        return EXIT_FAILED
    return code or 0


def main() -> None:
    """Run the command line of this process."""
    logger.setLevel("CRITICAL")  # what fails is told in a line
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run())
