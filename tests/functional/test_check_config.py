"""`flyteadmin-ops check-config`: a file here, or the one that a stack reads from its bucket."""

from pathlib import Path

import pytest

from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.executions.repository import specification_key
from functions.process_event.handler import lambda_handler as process_event
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import DOMAIN, PROJECT, message_body, stored_execution, workflow_event
from tests.operating import Operator, name_stack

KEY = "config/flyteadmin.yaml"
UNKNOWN = "flyteadmin: {maxParallelism: 7, nonsense: 1}\ndatabase: {}\n"


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flyteadmin.yaml"


def test_a_file_is_checked_without_aws(operator: Operator, file: Path) -> None:
    file.write_text(UNKNOWN)
    done = operator("check-config", str(file))
    assert done.code == 0
    assert done.out.splitlines() == [
        "unknown   line 1    flyteadmin.nonsense: nothing reads a key of this name",
        "ignored   line 2    database: rows are in DynamoDB; there is no SQL database",
        "accepted  line 1    flyteadmin.maxParallelism = 7",
    ]
    assert done.err == f"{file}: 0 error, 1 unknown, 1 ignored, 1 accepted\n"


def test_unknown_keys_are_errors_where_it_is_strict(operator: Operator, file: Path) -> None:
    file.write_text(UNKNOWN)
    assert operator("check-config", "--strict", str(file)).code == 1
    file.write_text("database: {}\n")
    assert operator("check-config", "--strict", str(file)).code == 0


def test_a_wrong_file_is_1_and_its_findings_are_one_document(operator: Operator, file: Path) -> None:
    file.write_text("registration:\n  maxWorkflowNodes: many\n")
    done = operator("check-config", str(file), "--json")
    assert done.code == 1
    [report] = done.records()
    assert (report["source"], report["ok"]) == (str(file), False)
    assert report["findings"] == [
        {
            "kind": "error",
            "path": "registration.maxWorkflowNodes",
            "file": "",
            "line": 2,
            "message": "expected a whole number, not 'many'",
            "value": "many",
        }
    ]


def test_a_file_that_is_not_here(operator: Operator, file: Path) -> None:
    assert operator("check-config", str(file) + ".nosuch").code == 2


@pytest.fixture
def configured(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("CONFIGURATION_URI", "")  # what the tool sets is taken back
    name_stack(aws, "configured", KEY)
    return aws


def test_the_file_that_a_stack_reads(configured: Aws, operator: Operator) -> None:
    bucket = configured.resources["Bucket"]
    configured.client("s3").put_object(Bucket=bucket, Key=KEY, Body=b"registration: {maxWorkflowNodes: many}")
    done = operator("check-config", "--stack", "configured")
    assert done.code == 1
    assert done.err == f"s3://{bucket}/{KEY}: 1 error, 0 unknown, 0 ignored, 0 accepted\n"


def test_a_file_that_is_not_there(configured: Aws, operator: Operator) -> None:
    done = operator("check-config", "--stack", "configured")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith(f"/{KEY} does not exist; the stack's parameter ConfigurationKey names it\n")


def test_a_stack_without_a_file(aws: Aws, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIGURATION_URI", "")
    name_stack(aws)
    assert operator("check-config") == (0, "", "there is no file: upstream's defaults hold\n")
    assert operator("check-config", "--json").records() == [{"source": "", "ok": True, "findings": [], "version": ""}]


def labelled(name: str, label: str) -> None:
    """Store an execution that runs under a cluster label."""
    stored_execution(name)
    row = get(specification_key(f"{PROJECT}:{DOMAIN}:{name}"))
    assert row is not None
    row.cluster_label = label
    write(Put(row))


LABELS = """
clusters:
  clusterConfigs: [{name: east, enabled: true, endpoint: https://east}, {name: west}]
  labelClusterMap: {kept: [{id: east}], asleep: [{id: west}]}
"""


def test_labels_that_running_executions_carry_and_a_new_file_drops_are_counted(
    configured: Aws, operator: Operator, file: Path
) -> None:
    """Their children inherit the label, and would be refused; what has ended has no more of them."""
    for number, label in enumerate(["kept", "dropped", "asleep", "dropped", "", "dropped"]):
        labelled(f"run{number}", label)
    process_event(batch([queue_record(message_body(workflow_event("SUCCEEDED", execution="run5")), 1)]), Context())
    file.write_text(LABELS)
    done = operator("check-config", str(file), "--stack", "configured")
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line.startswith("warning")] == [
        f"warning             clusters.labelClusterMap: running executions carry the label {label},"
        f" which has no cluster here: {count}; their children would be refused"
        for label, count in (("asleep", 1), ("dropped", 2))
    ]
    assert done.err == f"{file}: 0 error, 2 warning, 0 unknown, 0 ignored, 2 accepted\n"


def test_a_file_is_checked_for_the_cluster_of_a_stack(
    aws: Aws, operator: Operator, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIGURATION_URI", "")
    name_stack(aws, "named", cluster="north")
    file.write_text(LABELS)
    done = operator("check-config", str(file), "--stack", "named")
    assert done.code == 1
    assert "one cluster must have the name or alias 'north'" in done.out
