"""The tool's frame: its options, its output, and that it stands without the local stack."""

import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from flyteadmin_ops import aws, main
from flyteadmin_ops.failures import Refused
from flyteadmin_ops.output import Output
from flyteadmin_ops.session import Group, Session

OPERATIONS = Path(__file__).parents[3] / "operations"
COMMAND = Path(sys.executable).parent / "flyteadmin-ops"
INSTALLED = ("flytekit", "ministack", "kubernetes", "grpc", "pandas", "moto")
HEAVY = ("local", "bench", "bridge", *INSTALLED)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stack", "prod", "--json", "look"],
        ["look", "--stack", "prod", "--json"],
        ["--stack", "other", "look", "--stack", "prod", "--json"],
    ],
)
def test_global_options_stand_before_a_command_or_after_it(arguments: list[str]) -> None:
    seen: list[Session] = []

    @click.group(cls=Group)
    def tool() -> None:
        pass

    @tool.command()
    @click.pass_obj
    def look(session: Session) -> None:
        seen.append(session)

    tool.main(arguments, standalone_mode=False)
    assert seen == [Session(stack="prod", as_json=True)]


def test_region_profile_and_endpoint_reach_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "before")
    aws.use(region="eu-west-1", endpoint_url="http://localhost:1")
    assert (os.environ["AWS_DEFAULT_REGION"], os.environ["AWS_PROFILE"]) == ("eu-west-1", "before")
    assert os.environ["AWS_ENDPOINT_URL"] == "http://localhost:1"


def test_a_wrong_command_line_is_2_and_a_refusal_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["nosuch"]) == 2
    assert main.run(["redrive", "list", "--nosuch"]) == 2
    assert "Traceback" not in capsys.readouterr().err

    def refused(stack: str) -> aws.Deployment:
        raise Refused(f"stack {stack} is not here")

    monkeypatch.setattr(aws, "find", refused)
    assert main.run(["redrive", "list"]) == 1
    assert capsys.readouterr() == ("", "flyteadmin-ops: stack flyteadmin is not here\n")


class Pair(BaseModel):
    name: str

    def __str__(self) -> str:
        return f"the name {self.name}"


@pytest.mark.parametrize(("as_json", "line"), [(True, '{"name":"a"}\n'), (False, "the name a\n")])
def test_records_go_to_stdout_and_all_else_to_stderr(
    capsys: pytest.CaptureFixture[str], *, as_json: bool, line: str
) -> None:
    output = Output(as_json=as_json)
    with output.progress("things done") as advance:
        advance()
        output.record(Pair(name="a"))
        output.note("noted")
    assert capsys.readouterr() == (line, "noted\n")


SHOWING = """
import time
from pydantic import BaseModel
from flyteadmin_ops.output import Output
class Record(BaseModel):
    name: str
output = Output(as_json={as_json})
with output.progress("things done") as advance:
    advance()
    time.sleep(0.3)
    output.record(Record(name="a"))
"""


def shown(*, as_json: bool) -> tuple[str, str]:
    """Stdout, and what a terminal that is stderr shows."""
    terminal, stderr = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOWING.format(as_json=as_json)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "TERM": "xterm"},
        text=True,
    ) as process:
        os.close(stderr)
        out, _ = process.communicate()
    seen = b""
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return out, seen.decode()


def test_a_terminal_sees_the_progress_and_stdout_does_not() -> None:
    out, seen = shown(as_json=False)
    assert out == "name='a'\n"
    assert "things done: 1" in seen


def test_nobody_sees_the_progress_with_json() -> None:
    assert shown(as_json=True) == ('{"name":"a"}\n', "")


def test_a_reader_that_has_seen_enough_ends_a_command_quietly() -> None:
    done = subprocess.run(
        f"{COMMAND} check-config - | true",
        input="projects: [a]\n",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


def test_the_tool_starts_without_the_local_stack() -> None:
    """With these packages out of reach, as where only the tool's own package is installed."""
    code = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r})); from flyteadmin_ops.main import main; main()"
    for arguments in (["--help"], ["redrive", "send", "--help"], ["check-config", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd="/", capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "--stack NAME" in done.stdout


def test_the_package_is_enough_for_the_tool() -> None:
    """In an environment of its own, with what the lock has for the package and nothing else."""
    uv = (OPERATIONS.parent / ".local/uv").read_text()
    options = ["--quiet", "--isolated", "--frozen", "--no-default-groups", "--package", "flyteadmin-ops"]
    code = f"from importlib.util import find_spec; print([name for name in {INSTALLED!r} if find_spec(name)])"
    for command, expected in ((["flyteadmin-ops", "--help"], "check-config"), (["python", "-c", code], "[]\n")):
        done = subprocess.run(
            [uv, "run", *options, *command], cwd=OPERATIONS.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_the_package_asks_for_little() -> None:
    project = tomllib.loads((OPERATIONS / "pyproject.toml").read_text())["project"]
    assert {each.partition("==")[0] for each in project["dependencies"]} == {"boto3", "click", "flyteadmin", "rich"}


def test_a_stack_has_what_the_tool_reads() -> None:
    template = (OPERATIONS.parent / "template.yaml").read_text()
    parameters, outputs = template.partition("\nResources:")[0], template.partition("\nOutputs:")[2]
    assert "\n  ConfigurationKey:" in parameters
    assert [name for name in aws.OUTPUTS.values() if f"\n  {name}:" not in outputs] == []


def test_every_command_is_a_module_with_a_help_and_the_global_options() -> None:
    modules = {path.stem.replace("_", "-") for path in (OPERATIONS / "flyteadmin_ops/commands").glob("[a-z]*.py")}
    assert set(main.cli.commands) == modules
    for command in main.cli.commands.values():
        assert command.get_short_help_str()
        assert "--json" in {name for each in command.params for name in each.opts}
