"""The global options: every command has them, and they may stand before its name or after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from flyteadmin_ops import aws
from flyteadmin_ops.output import Output

DEFAULT_STACK = "flyteadmin"


@dataclass
class Session:
    """The global options of one call; "" and None where they are not given."""

    stack: str | None = None
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    as_json: bool = False

    def output(self) -> Output:
        """Return where the command prints to."""
        return Output(as_json=self.as_json)

    def deployment(self) -> aws.Deployment:
        """Find the stack in AWS and point this process to it. Errors as `aws.find`."""
        aws.use(region=self.region, profile=self.profile, endpoint_url=self.endpoint_url)
        return aws.find(self.stack or DEFAULT_STACK)


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep what was said on the command line; what a command does not say, the tool's own options may have."""
    session = context.ensure_object(Session)
    assert parameter.name is not None
    if context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
        setattr(session, parameter.name, value)


def _global_options() -> list[click.Parameter]:
    def option(*names: str, **attributes: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_keep, **attributes)

    return [
        option("--stack", metavar="NAME", help=f"The deployed stack; {DEFAULT_STACK} if it is not given."),
        option("--region", metavar="NAME", help="Its AWS region, instead of the profile's or AWS_DEFAULT_REGION."),
        option("--profile", metavar="NAME", help="The AWS profile with your credentials, instead of AWS_PROFILE."),
        option("--endpoint-url", metavar="URL", help="Where AWS is: the URL that `make up` prints."),
        option("--json", "as_json", is_flag=True, help="Print JSON to stdout: one document, or one a line."),
    ]


class _WithGlobalOptions(click.Command):
    def __init__(self, name: str | None, *, params: Sequence[click.Parameter] | None = None, **named: Any) -> None:
        self._own = list(params or ())
        super().__init__(name, params=[*self._own, *_global_options()], **named)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a command's own options first, the global ones under a heading of theirs."""
        shared = [parameter for parameter in self.get_params(ctx) if parameter not in self._own]
        for heading, parameters in (("Options", self._own), ("Global options", shared)):
            if rows := [row for parameter in parameters if (row := parameter.get_help_record(ctx))]:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class Command(_WithGlobalOptions):
    """A command with the global options."""


class Group(_WithGlobalOptions, click.Group):
    """A group of commands, all of which have the global options."""

    command_class = Command
    group_class = type

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options as a command does, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
