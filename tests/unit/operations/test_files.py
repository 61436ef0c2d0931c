"""Several files as one: merged as upstream merges its folder, and written without what may be secret."""

from pathlib import Path

import pytest
import yaml

from flyteadmin.clients.configuration import aligned, parse
from flyteadmin_ops import files, unused_keys
from flyteadmin_ops.configuration import Finding, check, to_upload
from flyteadmin_ops.files import File
from tests.unit.operations import upstream_keys

FLYTE_CORE = Path(__file__).parent / "flyte_core"
"""The files that the chart flyte-core renders for flyteadmin, with everything on: their names, keys and forms."""


def chart() -> list[File]:
    return [File(path.name, path.read_bytes()) for path in sorted(FLYTE_CORE.glob("*.yaml"))]


def given(*texts: str) -> list[File]:
    return [File(f"{number}.yaml", text.encode()) for number, text in enumerate(texts)]


def others(*texts: str) -> list[Finding]:
    return [each for each in check(given(*texts)) if each.kind != "accepted"]


def test_the_files_of_the_chart_pass_without_an_error_or_an_unknown_key() -> None:
    found = check(chart())
    assert {each.kind for each in found} == {"ignored", "accepted"}
    assert {(each.file, each.path) for each in found if each.kind == "ignored"} >= {
        ("db.yaml", "database"),
        ("server.yaml", "auth"),
        ("server.yaml", "server.grpc"),
        ("storage.yaml", "storage"),
        ("cluster_resources.yaml", "cluster_resources.templatePath"),
    }
    configuration, _ = parse(to_upload(chart()))
    assert configuration.task_resources.limits.cpu == "2"
    assert configuration.cluster_resources.custom_data["production"]["projectQuotaCpu"].value == "5"
    assert configuration.clusters.label_cluster_map["team2"][0].weight == 0.5
    assert configuration.cluster_pools.cluster_pool_assignments["development"].pool == "cheap"


def test_what_is_written_of_several_says_the_same_and_holds_no_section_that_nothing_reads() -> None:
    text = to_upload(chart())
    before, after = (aligned(files.read(each).value())[0] for each in (chart(), given(text.decode())))
    assert before == after
    assert set(yaml.safe_load(text)) & {"database", "auth", "storage", "cloudEvents", "notifications"} == set()
    assert b"hidden" not in text


def test_a_single_file_is_written_as_it_is() -> None:
    assert to_upload(given("# mine\ndatabase: {}\n")) == b"# mine\ndatabase: {}\n"


@pytest.mark.parametrize("path", list(upstream_keys.paths()))
def test_every_key_of_flyteadmins_is_read_or_says_why_not(path: str) -> None:
    text = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(path.split(".")))
    _, unknown = aligned(yaml.safe_load(text))
    assert [key for key in unknown if unused_keys.reason(key) is None] == []


@pytest.mark.parametrize(
    ("texts", "merged"),
    [
        (("a: {b: 1, c: 2}", "A: {B: 3, d: 4}"), {"a": {"B": 3, "c": 2, "d": 4}}),
        (("a: [1, 2]", "a: [3]"), {"a": [3]}),
        (("a: 1", "a: {b: 2}"), {"a": {"b": 2}}),
        (("a: {b: 2}", "a: 1"), {"a": {"b": 2}}),
        (("a: {b: 2}", "a:"), {"a": {"b": 2}}),
        (("a: 1", "a:"), {"a": None}),
        (("", "a: 1", "# nothing"), {"a": 1}),
        (("",), None),
        (("x: &x {b: 1}\na: *x", "a: {c: 2}"), {"x": {"b": 1}, "a": {"b": 1, "c": 2}}),
    ],
)
def test_mappings_merge_by_key_and_anything_else_is_the_last_files(texts: tuple[str, ...], merged: object) -> None:
    document = files.read(given(*texts))
    assert document.value() == merged
    if merged is not None:
        assert yaml.safe_load(files.written(document, {"a", "x"})) == merged


def test_a_finding_of_several_files_names_the_file_that_counts() -> None:
    first, second = "registration:\n  maxWorkflowNodes: 3\n", "registration:\n\n  maxworkflownodes: many\n"
    [found] = others(first, second)
    assert (found.kind, found.path, found.file, found.line) == (
        "error",
        "registration.maxWorkflowNodes",
        "1.yaml",
        3,
    )


def test_a_value_where_an_earlier_file_has_keys_is_told() -> None:
    [found] = others("queues: {executionQueues: []}", "\nqueues: 3")
    assert (found.kind, found.path, found.file, found.line) == ("warning", "queues", "1.yaml", 2)


def test_a_key_that_one_of_several_files_has_twice_is_told() -> None:
    [found] = others("projects: [a]", "projects: [b]\nprojects: [c]")
    assert (found.kind, found.file, found.line, found.message) == ("error", "1.yaml", 2, "is on line 1 already")


@pytest.mark.parametrize(("text", "message"), [("{", "1.yaml: not YAML"), ("- a", "1.yaml: expected a mapping")])
def test_of_several_files_the_one_that_is_no_mapping_is_named(text: str, message: str) -> None:
    [found] = others("a: 1", text)
    assert (found.kind, found.message.startswith(message)) == ("error", True)


def test_a_file_that_is_too_large_for_the_functions_is_told() -> None:
    [found] = others("#" + "x" * (1 << 20))
    assert (found.kind, found.message) == ("error", "the functions read no file above 1048576 bytes")


def test_the_nearest_key_may_be_one_that_is_ignored() -> None:
    [found] = others("databse: {host: x}")
    assert (found.kind, found.message) == ("unknown", "nothing reads a key of this name; did you mean database?")


@pytest.mark.parametrize(
    "text", ["a: !!bool s3cret", "a: !!int ''", "a: !!timestamp s3cret", "a: &a [*a, s3cret]", "[" * 3000, "a: 's3cret"]
)
def test_what_yaml_can_not_read_is_told_without_what_the_file_holds(text: str) -> None:
    with pytest.raises(ValueError, match="not YAML") as failure:
        files.read([files.File("1.yaml", text.encode())]).value()
    assert "s3cret" not in str(failure.value)
