"""template.yaml is rendered from its sources, the same every time, and a wrong source is named with its field."""

import re
import shutil
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from deploy.template.cloudformation import Commented, InvalidSource, Resource, Value, attribute, read, ref, sub
from deploy.template.render import FRAME, render
from deploy.template.tables import _table as table
from deploy.template.yaml_text import WIDTH, entry, resource
from docs import generate
from flyteadmin.tasks.models import TaskRow

ROOT = Path(__file__).parents[3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the frame and the models of this one, and no function but what a test adds."""
    (tmp_path / FRAME).parent.mkdir(parents=True)
    shutil.copy(ROOT / FRAME, tmp_path / FRAME)
    (tmp_path / "layers").symlink_to(ROOT / "layers")
    return tmp_path


def function(root: Path, text: str, name: str = "greet_user") -> None:
    folder = root / "functions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "handler.py").touch()
    (folder / "function.yaml").write_text(dedent(text))


def resources(text: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = read(text, "template.yaml")["Resources"]
    return found


def test_what_is_committed_is_what_the_sources_say() -> None:
    assert generate.TEMPLATE.read_text() == generate.render_template() == generate.render_template()


def test_a_function_needs_its_folder_alone(root: Path) -> None:
    before = resources(render(root, {}))
    function(root, "description: greets\nstatements:\n  Read: {actions: [GetItem], tables: [projects]}\n")
    text = render(root, {"greet_user": ["GetProject"]})
    after = resources(text)
    assert sorted(after.keys() - before.keys()) == [
        "GetProjectsAllRoute",
        "GreetUserErrorsAlarm",
        "GreetUserFunction",
        "GreetUserIntegration",
        "GreetUserLog",
        "GreetUserPermission",
        "GreetUserRole",
    ]
    assert {name: after[name] for name in before} == before
    assert {"GreetUserFunctionName", "GreetUserRoleName"} <= read(text, "")["Outputs"].keys()


def test_a_statement_becomes_arns_and_only_these(root: Path) -> None:
    function(
        root,
        """
        description: greets
        statements:
          Read: {actions: [Query], tables: [tasks], indexes: {tasks: [names], executions: ["*"]}}
          Answer: {why: It is large., actions: [PutObject, GetObject], bucket: [answers/*, claims/*]}
          Send: {actions: [SendMessage], queue: EventsQueue}
          Elsewhere: {condition: HasDataElsewhere, actions: [s3:GetObject], resources: !Ref DataArns}
        """,
    )
    text = render(root, {})
    role: object = resources(text)["GreetUserRole"]["Properties"]
    [policy] = role["Policies"]  # type: ignore[index]
    log, query, answer, send, elsewhere = policy["PolicyDocument"]["Statement"]
    assert log["Sid"] == "Log"
    assert query["Action"] == "dynamodb:Query"
    assert query["Resource"] == [
        attribute("TasksTable"),
        sub("${TasksTable.Arn}/index/names"),
        sub("${ExecutionsTable.Arn}/index/*"),
    ]
    assert answer["Action"] == ["s3:PutObject", "s3:GetObject"]
    assert answer["Resource"] == [sub("${Bucket.Arn}/answers/*"), sub("${Bucket.Arn}/claims/*")]
    assert (send["Action"], send["Resource"]) == ("sqs:SendMessage", attribute("EventsQueue"))
    assert elsewhere["Fn::If"][0] == "HasDataElsewhere"
    assert re.search(r"\n +# It is large\.\n +- Sid: Answer\n", text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("memory: 512", "description: Field required"),
        ("description: a\nmemmory: 512", "memmory: Extra inputs are not permitted"),
        ("description: a\nmemory: 64", "memory: Input should be greater than or equal to 128"),
        ("description: a\nmemory: 1 GB", "memory: Input should be a valid integer"),
        ("description: a\nstatements:\n  Read: {tables: [tasks]}", "statements.Read.actions: Field required"),
        (
            "description: a\nstatements:\n  Read: {actions: [GetItem], tables: [taks]}",
            "statements.Read.tables.0: Value error, no table is called 'taks': attributes, ",
        ),
        (
            "description: a\nstatements:\n  Read: {actions: [Query], indexes: {tasks: [nmaes]}}",
            "statements.Read: Value error, no index of tasks is called 'nmaes': created, listing, names, version",
        ),
        (
            "description: a\nstatements:\n  Send: {actions: [SendMessage], queue: Events}",
            "statements.Send.queue: Value error, no queue in the frame is called 'Events': EventsDeadLetterQueue, ",
        ),
        (
            "description: a\nstatements:\n  Read: {actions: [GetItem], tables: [tasks], bucket: [raw/*]}",
            "statements.Read: Value error, name one of: tables and indexes, bucket, queue, topic, resources",
        ),
        ("description: a\nstatements:\n  Read: {actions: [GetItem]}", "statements.Read: Value error, name one of"),
        (
            "description: a\nstatements:\n  Read: {actions: ['Get*'], tables: [tasks]}",
            "statements.Read.actions.0: String should match",
        ),
        (
            "description: a\nstatements:\n  Read: {actions: [dynamodb:GetItem], tables: [tasks]}",
            "statements.Read: Value error, dynamodb:GetItem: actions on resources name their service, others do not",
        ),
        (
            "description: a\nstatements:\n  Read: {condition: IsRed, actions: [GetItem], tables: [tasks]}",
            "statements.Read.condition: Value error, no condition in the frame is called 'IsRed'",
        ),
        ("description: a\ndescription: b", "description stands twice"),
        ("description: [", "expected the node content"),
        ("", "Input should be a valid dictionary"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(text: str, problem: str, root: Path) -> None:
    function(root, text)
    with pytest.raises(InvalidSource, match=re.escape(problem)) as raised:
        render(root, {})
    assert str(raised.value).startswith("functions/greet_user/function.yaml: ")


def test_each_function_has_a_file(root: Path) -> None:
    function(root, "")
    (root / "functions/greet_user/function.yaml").unlink()
    with pytest.raises(InvalidSource, match=r"functions/greet_user/function\.yaml is missing"):
        render(root, {})


def test_a_route_leads_to_one_function(root: Path) -> None:
    function(root, "description: greets")
    function(root, "description: waves", "wave_user")
    problem = "functions/wave_user: GET /api/v1/tasks/{proxy+} leads to greet_user already"
    with pytest.raises(InvalidSource, match=re.escape(problem)):
        render(root, {"greet_user": ["GetTask"], "wave_user": ["ListTasks"]})


def test_two_models_of_a_table_have_one_key() -> None:
    class Other(Model):
        class Meta:
            table_name = "tasks"

        task = UnicodeAttribute(hash_key=True)

    assert table("tasks", [("tasks", "models.py", TaskRow)]).indexes.keys() == {
        "created",
        "listing",
        "names",
        "version",
    }
    with pytest.raises(InvalidSource, match=r"table tasks: the models in models\.py differ in its key"):
        table("tasks", [("tasks", "models.py", TaskRow), ("tasks", "models.py", Other)])


def test_rows_expire_by_an_attribute_that_they_have() -> None:
    class Expiring(Model):
        class Meta:
            table_name = "expiring"
            time_to_live = "tll"

        name = UnicodeAttribute(hash_key=True)
        ttl = NumberAttribute()

    with pytest.raises(InvalidSource, match=r"models\.py: no row of expiring has the attribute tll"):
        table("expiring", [("expiring", "models.py", Expiring)])


def test_the_frame_says_where_each_part_goes(root: Path) -> None:
    (root / FRAME).write_text((ROOT / FRAME).read_text().replace("# <tables>", "# tables"))
    with pytest.raises(InvalidSource, match="needs one line that says # <tables>"):
        render(root, {})


def test_generate_says_what_is_wrong_in_a_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "ROOT", root)
    function(root, "memory: 512")
    with pytest.raises(SystemExit, match=r"functions/greet_user/function\.yaml: description"):
        generate.render_template()


PRINTABLE = st.characters(categories=["L", "N", "P", "S", "Zs"], max_codepoint=0x2FF)
WORDS = st.text(PRINTABLE) | st.sampled_from(["yes", "1", "2012-10-17", "a: b", "# no", "*", "", "it's", 'a "b"', "~"])
VALUES: st.SearchStrategy[Value] = st.recursive(
    WORDS | st.integers() | st.booleans() | st.builds(ref, st.sampled_from(["Bucket"])) | st.builds(sub, WORDS),
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[A-Z][a-z]+", fullmatch=True), inner),
)


@given(VALUES)
def test_text_reads_as_the_value_it_was_written_from(value: Value) -> None:
    assert read(entry("Key", value), "") == {"Key": value}


def test_text_is_as_people_write_it() -> None:
    statement: Value = {"Sid": "Read", "Effect": "Allow", "Resource": [attribute("Bucket"), sub("${Bucket.Arn}/*")]}
    properties: dict[str, Value] = {
        "Name": "2.0",
        "Policies": [Commented("why " * 40, statement), {"Fn::If": ["InVpc", statement, ref("AWS::NoValue")]}],
        "Long": ["attribute_name"] * 12,
    }
    text = resource(Resource("It", "AWS::Kind", properties, {"DeletionPolicy": "Retain"}, "models.py"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[:6] == [
        "  # models.py",
        "  It:",
        "    Type: AWS::Kind",
        "    DeletionPolicy: Retain",
        "    Properties:",
        '      Name: "2.0"',
    ]
    assert lines[9:14] == [
        "        - Sid: Read",
        "          Effect: Allow",
        '          Resource: [!GetAtt Bucket.Arn, !Sub "${Bucket.Arn}/*"]',
        "        - !If",
        "          - InVpc",
    ]
    assert read(text, "")["It"]["Properties"]["Long"] == ["attribute_name"] * 12
