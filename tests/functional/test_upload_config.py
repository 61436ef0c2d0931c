"""`flyteadmin-ops check-config --upload` and `--deploying`: nothing wrong gets to a stack by them."""

import subprocess
from pathlib import Path

import pytest

from flyteadmin.clients import storage
from local.aws.data import DataAccount as Aws
from tests.operating import Operator, name_stack

ROOT = Path(__file__).parents[2]
KEY = "config/flyteadmin.yaml"
KEPT = f"ConfigurationKey={KEY}"
RIGHT = "# mine\nflyteadmin: {maxParallelism: 7}\n"


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flyteadmin.yaml"
    path.write_text(RIGHT)
    return path


@pytest.fixture
def stack(aws: Aws) -> Aws:
    name_stack(aws, "configured", KEY)
    return aws


def stored(aws: Aws) -> list[tuple[str, str]]:
    """Return the versions of the object, the newest first, by id and content."""
    s3, bucket = aws.client("s3"), aws.resources["Bucket"]
    found = s3.list_object_versions(Bucket=bucket, Prefix=KEY).get("Versions", [])
    ids = [each["VersionId"] for each in found]
    return [(each, s3.get_object(Bucket=bucket, Key=KEY, VersionId=each)["Body"].read().decode()) for each in ids]


def test_a_right_file_is_written_as_it_is_and_its_version_told(stack: Aws, operator: Operator, file: Path) -> None:
    done = operator("check-config", str(file), "--stack", "configured", "--upload", "--json")
    assert done.code == 0
    [report] = done.records()
    assert stored(stack) == [(report["version"], RIGHT)]
    assert done.err.endswith(f"written as version {report['version']}; functions read it within a minute\n")


@pytest.mark.parametrize(
    ("text", "options"),
    [("flyteadmin: {maxParallelism: many}", ()), ("nonsense: 1", ("--strict",)), ("{", ())],
)
def test_what_is_wrong_is_not_written(
    stack: Aws, operator: Operator, file: Path, text: str, options: tuple[str, ...]
) -> None:
    file.write_text(text)
    assert operator("check-config", str(file), "--stack", "configured", "--upload", *options).code == 1
    assert stored(stack) == []


def test_what_is_wrong_for_this_stack_is_not_written(aws: Aws, operator: Operator, file: Path) -> None:
    name_stack(aws, "north", KEY, cluster="north")
    file.write_text("clusters: {clusterConfigs: [{name: south}]}")
    assert operator("check-config", str(file)).code == 0
    assert operator("check-config", str(file), "--stack", "north", "--upload").code == 1
    assert stored(aws) == []


def test_a_folder_is_written_as_one_file(stack: Aws, operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("flyteadmin: {maxParallelism: 7, eventVersion: 2}\ndatabase: {password: hidden}")
    (tmp_path / "b.yaml").write_text("flyteadmin: {maxParallelism: 8}")
    (tmp_path / "README.md").write_text("no YAML: {")
    done = operator("check-config", str(tmp_path), "--stack", "configured", "--upload")
    assert (done.code, [text for _, text in stored(stack)]) == (
        0,
        ["flyteadmin:\n  maxParallelism: 8\n  eventVersion: 2\n"],
    )
    assert f"ignored   {tmp_path}/a.yaml:2  database: " in done.out
    assert done.err.startswith(f"{tmp_path}: 0 error, 0 unknown, 1 ignored, 2 accepted\n")


def test_somebody_else_who_writes_at_the_same_time_is_told(
    stack: Aws, operator: Operator, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = storage.write

    def write(blob: bytes, target: str) -> str:
        version = original(blob, target)
        original(b"flyteadmin: {maxParallelism: 8}", target)
        return version

    monkeypatch.setattr(storage, "write", write)
    done = operator("check-config", str(file), "--stack", "configured", "--upload")
    assert done.code == 1
    assert "somebody replaced it at the same time" in done.err


def test_an_upload_needs_files_and_a_stack_that_reads_one(aws: Aws, operator: Operator, file: Path) -> None:
    name_stack(aws, "bare")
    assert operator("check-config", "--stack", "bare", "--upload").code == 2
    assert operator("check-config", str(file), "--upload", "--deploying", "").code == 2
    done = operator("check-config", str(file), "--stack", "bare", "--upload")
    assert (done.code, "deploy it with the parameter ConfigurationKey=flyteadmin.yaml" in done.err) == (1, True)
    empty = file.parent / "empty"
    empty.mkdir()
    assert operator("check-config", str(empty)).code == 2


def test_before_the_first_deployment_there_is_no_stack(aws: Aws, operator: Operator, file: Path) -> None:
    assert operator("check-config", "--stack", "new").code == 1
    assert operator("check-config", "--stack", "new", "--deploying", "ClusterName=north Stage=production").code == 0
    file.write_text("clusters: {clusterConfigs: [{name: south}]}")
    assert operator("check-config", str(file), "--stack", "new", "--deploying", KEPT).code == 0
    done = operator("check-config", str(file), "--stack", "new", "--deploying", f"ClusterName=north {KEPT}")
    assert (done.code, "the name or alias 'north'" in done.out) == (1, True)


@pytest.mark.parametrize("name", ["bare", "new"])
def test_files_for_a_deployment_that_would_read_none_are_refused(
    aws: Aws, operator: Operator, file: Path, name: str
) -> None:
    name_stack(aws, "bare")
    done = operator("check-config", str(file), "--stack", name, "--deploying", "Build=1")
    assert (done.code, "the stack reads no file" in done.err) == (1, True)
    assert operator("check-config", str(file), "--stack", name, "--deploying", KEPT).code == 0


def test_make_deploy_checks_first_and_writes_last() -> None:
    given = ("STACK=flyte", "PARAMETERS=ClusterRoleArns='a,b'", "CONFIGURATION=config/")
    printed = subprocess.run(["make", "-n", "deploy", *given], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line for line in printed.stdout.splitlines() if "flyteadmin-ops" in line or "sam deploy" in line]
    assert lines[0] == 'flyteadmin-ops check-config --stack flyte --deploying "$DEPLOYING" config/'
    assert "sam deploy --stack-name flyte" in lines[1]
    assert lines[2:] == ["flyteadmin-ops check-config --stack flyte --upload config/"]


def test_before_a_deployment_the_stacks_file_is_checked_with_the_parameters_to_come(
    stack: Aws, operator: Operator
) -> None:
    """A new version may refuse what the one before took, and a new ClusterName what the file says."""
    bucket = stack.resources["Bucket"]
    file = b"clusters: {clusterConfigs: [{name: south}]}"
    stack.client("s3").put_object(Bucket=bucket, Key=KEY, Body=file)
    assert operator("check-config", "--stack", "configured", "--deploying", "Build=1").code == 0
    assert operator("check-config", "--stack", "configured", "--deploying", "ClusterName=north").code == 1
    other = operator("check-config", "--stack", "configured", "--deploying", 'ConfigurationKey="other.yaml"')
    assert (other.code, "other.yaml does not exist" in other.err) == (1, True)
    assert operator("check-config", "--stack", "configured", "--deploying", "north").code == 2
