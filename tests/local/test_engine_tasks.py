"""The stand-in engine runs a task: it fills in the command, starts a process, keeps a log."""

import asyncio
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from flyteidl.core.execution_pb2 import TaskLog
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import (
    Binary,
    Blob,
    KeyValuePair,
    Literal,
    LiteralCollection,
    LiteralMap,
    Primitive,
    Scalar,
)
from flyteidl.core.tasks_pb2 import Container, DataLoadingConfig
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.flyteworkflow.crd import NodeSpec
from local.engine.faults import TemplateFault
from local.engine.identity import Lineage
from local.engine.places import Attempt, Place
from local.engine.run import task_environment
from local.engine.tasks.attempts import News, Runner
from local.engine.tasks.command import Command, Exit, Surroundings, command_of, log_name
from local.engine.tasks.logs import Logs, serving
from local.engine.tasks.processes import Processes
from tests.local.engine_builders import EXECUTION, integer, template
from tests.local.engine_effects import MemoryHands, exits

AROUND = Surroundings(EXECUTION, "p:d:w", "flytesnacks-development", "s3://bucket/raw", {"FROM_EXECUTION": "yes"})


def scalar(**value: object) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(**value)))  # type: ignore[arg-type]  # one of its fields


def attempt(*arguments: str, number: int = 0, **container: object) -> Attempt:
    task = template("t")
    task.container.CopyFrom(Container(image="none", args=arguments))
    task.container.MergeFrom(Container(**container))  # type: ignore[arg-type]  # whatever the test is about
    place = Place(NodeSpec(id="n0"), Lineage("sub"), "s3://bucket/metadata/run/sub/data/0/n0", attempt=number)
    return Attempt(place, task)


def filled(argument: str, number: int = 0, **inputs: Literal) -> str:
    command = command_of(attempt(argument, number=number), LiteralMap(literals=inputs), AROUND)
    return command.arguments[0]


class TestCommand:
    @pytest.mark.parametrize(
        ("argument", "expected"),
        [
            ("{{.input}}", "s3://bucket/metadata/run/sub/data/0/n0/inputs.pb"),
            ("{{ $InputPrefix }}", "s3://bucket/metadata/run/sub/data/0/n0"),
            ("{{.outputPrefix}}", "s3://bucket/metadata/run/sub/data/0/n0/1"),
            ("{{.rawOutputDataPrefix}}", "s3://bucket/raw/run-sub-0-n0-1"),
            ("{{.checkpointOutputPrefix}}", "s3://bucket/raw/run-sub-0-n0-1/_flytecheckpoints"),
            ("{{.prevCheckpointPrefix}}", "s3://bucket/raw/run-sub-0-n0-0/_flytecheckpoints"),
            ("{{.perRetryUniqueKey}}", "run_sub_0_n0_1"),
            ("{{.namespace}}", "flytesnacks-development"),
            (
                "a={{.INPUT}},b={{.namespace}}",
                "a=s3://bucket/metadata/run/sub/data/0/n0/inputs.pb,b=flytesnacks-development",
            ),
            ("{{.unknown}} {{.input.x}} {{input}}", "{{.unknown}} {{.input.x}} {{input}}"),
        ],
    )
    def test_what_propeller_fills_in_is_filled_in(self, argument: str, expected: str) -> None:
        assert filled(argument, number=1) == expected

    def test_a_first_attempt_has_no_checkpoint_before_it(self) -> None:
        assert filled("{{.prevCheckpointPrefix}}") == '""'

    @pytest.mark.parametrize(
        ("literal", "expected"),
        [
            (integer(7), "7"),
            (scalar(boolean=True), "true"),
            (scalar(float_value=2.5), "2.5"),
            (scalar(float_value=3), "3"),
            (scalar(string_value="a b"), "a b"),
            (scalar(datetime=Timestamp(seconds=1)), "1970-01-01T00:00:01Z"),
            (Literal(scalar=Scalar(blob=Blob(uri="s3://b/k"))), "s3://b/k"),
            (Literal(collection=LiteralCollection(literals=[integer(1), integer(2)])), "[1,2]"),
        ],
    )
    def test_an_input_is_filled_in_as_text(self, literal: Literal, expected: str) -> None:
        assert filled("{{.inputs.x}}", x=literal) == expected

    def test_what_an_input_says_is_not_filled_in_again(self) -> None:
        assert (
            filled("{{.inputs.x}}", x=scalar(string_value="{{.namespace}} $(id) `id`")) == "{{.namespace}} $(id) `id`"
        )

    @pytest.mark.parametrize("literal", [None, Literal(scalar=Scalar(binary=Binary(tag="msgpack")))])
    def test_an_input_that_has_no_text_is_a_fault(self, literal: Literal | None) -> None:
        with pytest.raises(TemplateFault, match=r"input template \[\{\{.inputs.x\}\}\]"):
            command_of(attempt("{{.inputs.x}}"), LiteralMap(literals={"x": literal} if literal else {}), AROUND)

    def test_the_environment_is_the_containers_and_what_propeller_tells(self) -> None:
        own = [KeyValuePair(key="MINE", value="1"), KeyValuePair(key="FROM_EXECUTION", value="no")]
        environment = command_of(attempt("x", env=own), LiteralMap(), AROUND).environment
        assert (environment["MINE"], environment["FROM_EXECUTION"]) == ("1", "yes")
        assert environment["FLYTE_INTERNAL_EXECUTION_ID"] == "run"
        assert environment["FLYTE_INTERNAL_EXECUTION_WORKFLOW"] == "p:d:w"
        assert environment["FLYTE_INTERNAL_TASK_NAME"] == "t"

    def test_code_is_unpacked_where_the_task_runs_and_not_in_the_folder_of_an_image(self) -> None:
        fast = ["pyflyte-fast-execute", "--additional-distribution", "s3://b/code.tar.gz", "--dest-dir", "/root", "--"]
        rest = ["pyflyte-execute", "--inputs", "{{.input}}"]
        arguments = command_of(attempt(*fast, *rest), LiteralMap(), AROUND).arguments
        assert arguments[:7] == (*fast[:4], ".", "--", "pyflyte-execute")
        assert command_of(attempt("tar", "--dest-dir", "/x"), LiteralMap(), AROUND).arguments[-1] == "/x"

    def test_the_template_is_wanted_where_an_argument_names_it(self) -> None:
        assert command_of(attempt("{{.taskTemplatePath}}"), LiteralMap(), AROUND).reads_template
        assert not command_of(attempt("x"), LiteralMap(), AROUND).reads_template

    def test_what_needs_an_image_is_a_fault(self) -> None:
        with pytest.raises(TemplateFault, match="raw container"):
            command_of(attempt("x", data_config=DataLoadingConfig(enabled=True)), LiteralMap(), AROUND)

    def test_a_logs_name_is_a_path_whatever_the_ids_are(self) -> None:
        place = Place(NodeSpec(id="../../x"), None, "s3://b/d")
        execution = WorkflowExecutionIdentifier(project="p", domain="d", name="..")
        name = log_name(execution, Attempt(place, template("t")))
        assert name == "p/d/_2e_./_2e_._2f_.._2f_x-0.txt"


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    with serving(tmp_path / "logs") as served:
        yield served


def run(logs: Logs, *arguments: str, **environment: str) -> Exit:
    processes = Processes(logs, {"PATH": os.defpath}, asyncio.Semaphore(1))
    return asyncio.run(processes.run(Command(arguments, environment), "p/d/run/n0-0.txt"))


def python(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


class TestProcesses:
    def test_what_a_command_prints_is_in_its_log(self, logs: Logs) -> None:
        code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
        assert run(logs, *python(code)) == Exit(0, "out\nerr")
        with urllib.request.urlopen(logs.link("p/d/run/n0-0.txt").uri) as answer:
            assert answer.read() == b"out\nerr\n"
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"

    def test_no_shell_reads_its_arguments(self, logs: Logs) -> None:
        assert (
            run(logs, *python("import sys; print(sys.argv[1])"), "$(id); `id` | cat").last_words == "$(id); `id` | cat"
        )

    def test_it_finds_its_own_variables_and_nothing_of_this_process(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_OF_THE_ENGINE", "x")
        said = run(logs, *python("import os; print(sorted(os.environ))"), MINE="1").last_words
        assert "'MINE'" in said
        assert "SECRET" not in said

    def test_it_runs_in_an_empty_folder_that_goes_with_it(self, logs: Logs) -> None:
        code = "import os, tempfile; print(os.listdir(), os.getcwd(), tempfile.mkdtemp()); open('left', 'w').close()"
        files, work, scratch = run(logs, *python(code)).last_words.split()
        assert files == "[]"
        assert not Path(work).exists()
        assert not Path(scratch).exists()

    def test_its_exit_code_is_told(self, logs: Logs) -> None:
        assert run(logs, *python("raise SystemExit(3)")).code == 3
        assert run(logs, *python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")).code == -9

    @pytest.mark.parametrize("program", ["no-such-program", "null\0byte"])
    def test_a_program_that_is_not_there_has_failed(self, logs: Logs, program: str) -> None:
        ended = run(logs, program)
        assert ended.code == 127
        assert ended.last_words.startswith(program)

    def test_when_it_is_cancelled_all_it_started_ends(self, logs: Logs, tmp_path: Path) -> None:
        child = "import time, os; open('{}', 'w').write(str(os.getpid())); time.sleep(60)".format(tmp_path / "pid")
        code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

        async def cancelled() -> None:
            processes = Processes(logs, {"PATH": os.defpath}, asyncio.Semaphore(1))
            task = asyncio.create_task(processes.run(Command(python(code), {}), "x.txt"))
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                await asyncio.sleep(0.01)
            task.cancel("enough")
            await asyncio.wait([task])
            assert task.cancelled()

        asyncio.run(cancelled())
        assert has_ended(int((tmp_path / "pid").read_text()))

    def test_one_that_heeds_no_request_is_killed(self, logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("local.engine.tasks.processes.GRACE_SECONDS", 0.05)
        code = "import time; from signal import *; signal(SIGTERM, SIG_IGN); print('up', flush=True); time.sleep(60)"

        async def cancelled() -> None:
            processes = Processes(logs, {"PATH": os.defpath}, asyncio.Semaphore(1))
            task = asyncio.create_task(processes.run(Command(python(code), {}), "x.txt"))
            while not logs.path("x.txt").exists() or not logs.path("x.txt").read_text():
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(cancelled())


def has_ended(pid: int) -> bool:
    """Return whether a process is gone, or a zombie that nobody has fetched."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


class TestLogs:
    def get(self, url: str, host: str | None = None) -> int:
        request = urllib.request.Request(url, headers={"Host": host} if host else {})
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code

    def test_only_logs_are_served(self, logs: Logs, tmp_path: Path) -> None:
        logs.path("a/b.txt").write_text("x")
        (tmp_path / "secret").write_text("x")
        (tmp_path / "logs" / "link").symlink_to(tmp_path / "secret")
        assert self.get(f"{logs.url}/a/b.txt") == 200
        for path in ("", "a", "a/c.txt", "../secret", "%2e%2e/secret", "a/%2e%2e/%2e%2e/secret", "link"):
            assert self.get(f"{logs.url}/{path}") == 404

    def test_another_sites_name_for_this_machine_is_refused(self, logs: Logs) -> None:
        logs.path("a.txt").write_text("x")
        assert self.get(f"{logs.url}/a.txt", "evil.example:80") == 403


def test_tasks_are_told_of_s3_the_platform_and_little_else() -> None:
    own = {
        "PATH": "/bin",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "GITHUB_TOKEN": "x",
        "LANG": "C.UTF-8",
    }
    assert task_environment(own, Path("/venv/bin"), "127.0.0.1:8089") == {
        "PATH": "/venv/bin:/bin",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "FLYTE_PLATFORM_URL": "127.0.0.1:8089",
        "FLYTE_PLATFORM_INSECURE": "true",
        "FLYTE_AWS_ENDPOINT": "http://127.0.0.1:1",
        "FLYTE_AWS_ACCESS_KEY_ID": "id",
        "FLYTE_AWS_SECRET_ACCESS_KEY": "key",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "LANG": "C.UTF-8",
    }


def test_an_eager_task_takes_no_place_from_those_that_it_waits_for() -> None:
    async def run() -> Exit:
        hands = MemoryHands({"t": exits(0)}, slots=asyncio.Semaphore(0))
        runner = Runner(hands, AROUND, asyncio.Semaphore(1))
        eager = attempt("run", "in", "out")
        eager.template.metadata.is_eager = True

        async def tell(_: News) -> None:
            pass

        async with asyncio.timeout(10):
            return await runner._process(eager, command_of(eager, LiteralMap(), AROUND), tell, TaskLog())

    assert asyncio.run(run()).code == 0
