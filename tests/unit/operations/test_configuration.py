"""The findings of `check-config` about a file, key by key."""

import pytest
import yaml

from flyteadmin.clients.configuration import aligned
from flyteadmin_ops import unused_keys
from flyteadmin_ops.configuration import Finding, check
from flyteadmin_ops.files import File


def one(text: bytes) -> tuple[Finding, ...]:
    return check([File("", text)])


def only(text: str) -> Finding:
    [found] = [each for each in one(text.encode()) if each.kind != "accepted"]
    return found


@pytest.mark.parametrize(
    ("text", "path", "line", "message"),
    [
        ("registration:\n  MaxWorkflowNodes: many", "registration.maxWorkflowNodes", 2, "a whole number, not 'many'"),
        ("registration: {workflowSizeLimit: big}", "registration.workflowSizeLimit", 1, "a quantity such as 100Mi"),
        ("flyteadmin:\n  interruptible: perhaps", "flyteadmin.interruptible", 2, "true or false, not 'perhaps'"),
        ("flyteadmin: {labels: [a]}", "flyteadmin.labels", 1, "a mapping of keys, not ['a']"),
        ("domains:\n- {id: a, name: A}\n- id: b", "domains[1].name", 3, "is missing"),
        ("domains: 3", "domains", 1, "a list, not 3"),
        ("queues: 3", "queues", 1, "a mapping of keys, not 3"),
        (
            "server:\n  dataProxy:\n    upload: {maxExpiresIn: soon}",
            "server.dataProxy.upload.maxExpiresIn",
            3,
            "'soon' is not a duration such as 10s or 1h30m",
        ),
        ("remoteData:\n\n  signedUrls: {durationMinutes: 0}", "remoteData.signedUrls.durationMinutes", 3, "equal to 1"),
        ("remoteData: {inlineEventDataPolicy: x}", "remoteData.inlineEventDataPolicy", 1, "'Offload' or 'StoreInline'"),
        ("task_resources: {limits: {cpu: lots}}", "task_resources.limits.cpu", 1, "a quantity such as 500m or 2Gi"),
        ("task_type_whitelist: {spark: [{project: []}]}", "task_type_whitelist.spark[0].project", 1, "text, not []"),
        ("projects: [a]\nflyteadmin:\nprojects: [b]", "projects", 3, "is on line 1 already"),
        ("domains:\n- id: a\n  id: b\n  name: A", "domains[0].id", 3, "is on line 2 already"),
        ("{", "", None, "not YAML"),
        ("- a", "", None, "expected a mapping of sections"),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_what_is_expected(
    text: str, path: str, line: int | None, message: str
) -> None:
    found = only(text)
    assert (found.kind, found.path, found.line) == ("error", path, line)
    assert message in found.message


def test_every_wrong_value_is_told_at_once() -> None:
    text = b"queues: 3\ndomains: 4\ntask_resources: {defaults: {cpu: lots}}\nflyteadmin: {maxParallelism: 7}"
    found = one(text)
    assert [each.path for each in found if each.kind == "error"] == ["domains", "task_resources.defaults.cpu", "queues"]
    assert [(each.path, each.value) for each in found if each.kind == "accepted"] == [("flyteadmin.maxParallelism", 7)]


@pytest.mark.parametrize(
    ("text", "path", "hint"),
    [
        ("flyteadmin: {maxParalelism: 7}", "flyteadmin.maxParalelism", "; did you mean flyteadmin.maxParallelism?"),
        ("maxParallelism: 7", "maxParallelism", "; did you mean flyteadmin.maxParallelism?"),
        ("task_resources: {limit: {cpu: 1}}", "task_resources.limit", "; did you mean task_resources.limits?"),
        ("nonsense: 1", "nonsense", ""),
    ],
)
def test_a_key_that_nobody_knows_is_told_with_what_was_probably_meant(text: str, path: str, hint: str) -> None:
    assert only(text) == Finding(
        kind="unknown", path=path, line=1, message=f"nothing reads a key of this name{hint}", value=None
    )


@pytest.mark.parametrize("key", ["database", "server.grpc", "flyteadmin.metricsscope", "Logger"])
def test_a_key_of_upstreams_is_ignored_for_a_reason(key: str) -> None:
    text = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(key.split(".")))
    found = only(text.rstrip("\n") + " 1")
    assert (found.kind, found.path) == ("ignored", key)
    assert found.message == unused_keys.reason(key)


def test_a_reason_counts_for_all_that_is_below_its_key() -> None:
    assert unused_keys.reason("server.grpc.port") == unused_keys.REASONS["server.grpc"]
    assert unused_keys.reason("server.grpcs") is None


@pytest.mark.parametrize("key", unused_keys.REASONS)
def test_no_key_that_something_reads_counts_as_ignored(key: str) -> None:
    text = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(key.split(".")))
    _, unknown = aligned(yaml.safe_load(text))
    assert unknown == [key]


def test_what_is_accepted_is_told_with_its_value_in_upstreams_spelling() -> None:
    text = b"flyteadmin: {MAXPARALLELISM: 7}\nserver:\n  dataproxy: {upload: {maxExpiresIn: 1h}}\nprojects: [a]\n"
    assert [(each.kind, each.path, each.line, each.value) for each in one(text)] == [
        ("accepted", "flyteadmin.maxParallelism", 1, 7),
        ("accepted", "server.dataProxy.upload.maxExpiresIn", 3, "1h"),
        ("accepted", "projects", 4, ["a"]),
    ]


def test_an_empty_file_says_nothing() -> None:
    assert one(b"") == ()
