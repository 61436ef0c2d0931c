"""The operator's file: upstream's keys whatever their case, defaults where it says nothing, the last good one kept."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from flyteadmin.clients import configuration, storage
from flyteadmin.clients.storage import BlobTooLarge
from flyteadmin.errors import Internal, Unavailable
from flyteadmin.settings import Configuration, Environment

URI = "s3://bucket/flyteadmin.yaml"


class Store:
    """Stands in for the object store: says what it is told, and counts."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = b""
        self.before: Sequence[bytes | Exception] = ()
        self.reads = 0

    def read(self, source: str, limit: int, version: str = "") -> bytes:
        assert (source, limit) == (URI, 1024 * 1024)
        self.reads += 1
        found = self._versions()[int(version or "0")]
        if isinstance(found, Exception):
            raise found
        return found

    def versions(self, source: str, count: int) -> list[str]:
        assert source == URI
        return [str(number) for number in range(len(self._versions()))][:count]

    def _versions(self) -> list[bytes | Exception]:
        return [self.answer, *self.before]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(configuration, "time", made)
    return made


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Store]:
    made = Store()
    monkeypatch.setattr(storage, "read", made.read)
    monkeypatch.setattr(storage, "versions", made.versions)
    monkeypatch.setattr(configuration, "environment", lambda: Environment(configuration_uri=URI))
    configuration.forget()
    yield made
    configuration.forget()


def test_without_a_file_upstreams_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "environment", Environment)
    assert configuration.current() == Configuration()


def test_a_file_is_read_once_a_minute(store: Store, clock: Clock) -> None:
    store.answer = b"flyteadmin: {maxParallelism: 7}"
    assert [configuration.current().flyteadmin.max_parallelism for _ in range(3)] == [7, 7, 7]
    assert store.reads == 1
    store.answer = b"flyteadmin: {maxParallelism: 8}"
    clock.now += 61
    assert configuration.current().flyteadmin.max_parallelism == 8
    assert store.reads == 2


@pytest.mark.parametrize("broken", [b"registration: {maxWorkflowNodes: many}", b"{", b"- a", Unavailable("no")])
def test_a_broken_file_leaves_the_last_good_one_in_force(store: Store, clock: Clock, broken: bytes | Exception) -> None:
    store.answer = b"registration: {maxWorkflowNodes: 7}"
    configuration.current()
    store.answer = broken
    clock.now += 61
    assert configuration.current().registration.max_workflow_nodes == 7


@pytest.mark.parametrize("broken", [b"registration: {maxWorkflowNodes: many}", b"{", b"- a", storage.BlobMissing(URI)])
def test_a_broken_file_at_the_start_is_a_fault_of_the_deployment(store: Store, broken: bytes | Exception) -> None:
    store.answer = broken
    with pytest.raises(Internal, match="configuration"):
        configuration.current()


@pytest.mark.parametrize("broken", [b"registration: {maxWorkflowNodes: many}", b"{", storage.BlobMissing(URI)])
def test_a_broken_file_gives_way_to_the_newest_version_that_is_right(store: Store, broken: bytes | Exception) -> None:
    store.answer = broken
    store.before = [
        b"domains: 3",
        BlobTooLarge(URI, 2_000_000, 1_000_000),
        b"flyteadmin: {maxParallelism: 7}",
        b"flyteadmin: {maxParallelism: 8}",
    ]
    assert configuration.current().flyteadmin.max_parallelism == 7


def test_what_an_instance_read_counts_less_than_a_newer_version_that_is_right(store: Store, clock: Clock) -> None:
    """So instances that read at other times agree."""
    store.answer = b"flyteadmin: {maxParallelism: 6}"
    configuration.current()
    store.answer, store.before = b"{", [b"flyteadmin: {maxParallelism: 7}", store.answer]
    clock.now += 61
    assert configuration.current().flyteadmin.max_parallelism == 7


@pytest.mark.parametrize("rights", [9, 10])
def test_no_more_than_ten_versions_are_looked_at(store: Store, rights: int) -> None:
    store.answer = b"{"
    store.before = [b"{"] * (rights - 1) + [b"flyteadmin: {maxParallelism: 7}"]
    if rights == 9:
        assert configuration.current().flyteadmin.max_parallelism == 7
    else:
        with pytest.raises(Internal, match="configuration"):
            configuration.current()
    assert store.reads == 11


def test_a_store_that_does_not_answer_leaves_the_last_file_in_force(store: Store, clock: Clock) -> None:
    store.answer = b"flyteadmin: {maxParallelism: 7}"
    configuration.current()
    store.answer, store.before = Unavailable("no"), [b"flyteadmin: {maxParallelism: 8}"]
    clock.now += 61
    assert configuration.current().flyteadmin.max_parallelism == 7
    configuration.forget()
    with pytest.raises(Unavailable):
        configuration.current()


def test_keys_are_upstreams_whatever_their_case_and_numbers_may_be_quantities() -> None:
    text = """
    flyteadmin: {MaxParallelism: 3}
    task_resources: {defaults: {cpu: 1, memory: 300Mi}, limits: {gpu: 1.5}}
    domains: [{id: lab, name: Lab}]
    registration:
    server: {dataproxy: {upload: {maxExpiresIn: 1h30m}, download: {maxExpiresIn: 60000000000}}}
    """
    found, unknown = configuration.parse(text)
    assert unknown == []
    assert found.flyteadmin.max_parallelism == 3
    assert (found.task_resources.defaults.cpu, found.task_resources.limits.gpu) == ("1", "1.5")
    assert [(domain.id, domain.name) for domain in found.domains] == [("lab", "Lab")]
    assert found.registration == Configuration().registration
    proxy = found.server.data_proxy
    assert (proxy.upload.max_expires_in, proxy.download.max_expires_in) == (timedelta(hours=1.5), timedelta(minutes=1))


def test_keys_that_nothing_reads_are_told_with_their_path() -> None:
    _, unknown = configuration.parse(
        "server: {httpPort: 8088}\nflyteadmin: {profilerPort: 1}\ndomains: [{id: a, x: 1, name: b}]"
    )
    assert unknown == ["server.httpPort", "flyteadmin.profilerPort", "domains.x"]


def test_keys_of_elements_are_upstreams_whatever_their_case_too() -> None:
    found, unknown = configuration.parse("task_type_whitelist: {spark: [{Project: analytics, team: a}]}")
    assert found.task_type_whitelist["spark"][0].project == "analytics"
    assert unknown == ["task_type_whitelist.spark.team"]


def test_an_empty_file_says_nothing() -> None:
    assert configuration.parse("") == (Configuration(), [])


CHART = """
server:
  httpPort: 8088
  grpc: {port: 8089}
  security: {secure: false, useAuth: false, allowCors: true, allowedOrigins: ["*"]}
flyteadmin:
  roleNameKey: iam.amazonaws.com/role
  profilerPort: 10254
  metricsScope: "flyte:"
  metadataStoragePrefix: [metadata, admin]
  eventVersion: 2
  testing: {host: http://flyteadmin}
domains:
- {id: development, name: development}
- {id: production, name: production}
task_resources:
  defaults: {cpu: 500m, memory: 500Mi, storage: 500Mi}
  limits: {storage: 2000Mi}
task_type_whitelist:
  spark:
  - {project: flytesnacks, domain: production}
  - {project: analytics}
registration: {maxWorkflowNodes: 50, workflowSizeLimit: 10Mi}
remoteData:
  region: us-east-1
  scheme: aws
  signedUrls: {durationMinutes: 3}
namespace_mapping: {template: "{{ project }}-{{ domain }}"}
storage: {type: s3, container: bucket, connection: {auth-type: iam}}
cluster_resources: {refreshInterval: 5m}
"""
"""Made as upstream's charts make theirs."""


def test_a_charts_file_loads_as_it_is_and_says_what_nothing_reads() -> None:
    found, unknown = configuration.parse(CHART)
    assert [domain.id for domain in found.domains] == ["development", "production"]
    assert found.registration.max_workflow_nodes == 50
    assert found.registration.workflow_size_limit == "10Mi"
    assert [(scope.project, scope.domain) for scope in found.task_type_whitelist["spark"]] == [
        ("flytesnacks", "production"),
        ("analytics", ""),
    ]
    signed = found.remote_data.signed_urls
    assert (signed.enabled, signed.duration_minutes, found.remote_data.max_size_in_bytes) == (False, 3, 2 * 1024 * 1024)
    assert (found.task_resources.defaults.cpu, found.task_resources.defaults.memory) == ("500m", "500Mi")
    assert found.server == Configuration().server
    assert {"server.grpc", "flyteadmin.profilerPort", "remoteData.scheme", "storage"} <= set(unknown)
    assert not {"domains", "task_type_whitelist", "registration", "remoteData.signedUrls"} & set(unknown)


@pytest.mark.conformance("RES-01")
def test_what_a_part_of_the_resources_leaves_out_keeps_its_default() -> None:
    limits = configuration.parse(CHART)[0].task_resources.limits
    assert (limits.cpu, limits.memory, limits.gpu) == ("2", "1Gi", "1")
    assert configuration.parse('task_resources: {limits: {cpu: ""}}')[0].task_resources.limits.cpu == ""


@pytest.mark.conformance("CFG-23")
def test_what_upstream_calls_the_last_level_is_read_under_its_keys() -> None:
    text = "flyteadmin: {outputLocationPrefix: s3://raw, envs: {LOG_LEVEL: 20}, attributesMerge: row}"
    section, unknown = configuration.parse(text)[0].flyteadmin, configuration.parse(text)[1]
    assert (section.output_location_prefix, section.envs, unknown) == ("s3://raw", {"LOG_LEVEL": "20"}, [])
    assert section.attributes_merge == "row"
    assert configuration.parse("")[0].flyteadmin.attributes_merge == "fields"


def test_a_map_may_be_a_list_of_maps() -> None:
    """Upstream's Helm values write them so, since viper lowers the case of keys (viper.go: sliceToMapHook)."""
    text = "flyteadmin: {labels: [{Team: a, b: 1}, {Team: c}, {2: d}], envs: [], annotations: {A: b}}"
    section, unknown = configuration.parse(text)[0].flyteadmin, configuration.parse(text)[1]
    assert (section.labels, section.envs, section.annotations) == ({"Team": "c", "b": "1", "2": "d"}, {}, {"A": "b"})
    whitelist = configuration.parse("task_type_whitelist: [{spark: [{project: p}]}, {Ray: []}]")[0].task_type_whitelist
    assert (set(whitelist), whitelist["spark"][0].project, unknown) == ({"spark", "Ray"}, "p", [])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("flyteadmin: {labels: [{a: b}, c]}", "labels"),
        ("flyteadmin: {attributesMerge: rows}", "attributes_merge"),
        ("registration: {workflowSizeLimit: large}", "workflow_size_limit"),
        ("remoteData: {maxSizeInBytes: -1}", "max_size_in_bytes"),
        ("remoteData: {signedUrls: {durationMinutes: 0}}", "duration_minutes"),
        ("server: {dataProxy: {upload: {maxExpiresIn: soon}}}", "max_expires_in"),
        ("task_type_whitelist: {spark: everybody}", "task_type_whitelist"),
        ("domains: [{id: a}]", "name"),
        ("task_resources: {limits: {memory: 1GB}}", "memory"),
        ("task_resources: {defaults: {ephemeralStorage: -1}}", "ephemeral_storage"),
        ("flyteadmin: {maxParallelism: 3000000000}", "max_parallelism"),
        ("flyteadmin: {eventVersion: -1}", "event_version"),
        ("flyteadmin: {maxFlyteworkflowBytes: -1}", "max_flyteworkflow_bytes"),
        ("registration: {maxLabelEntries: -1}", "max_label_entries"),
        ("registration: {maxWorkflowNodes: -1}", "max_workflow_nodes"),
        ("domains: []", "domains"),
        ("domains: [{id: a, name: A}, {id: a, name: B}]", "domains"),
        ('flyteadmin: {labels: {a: "\\ud800"}}', "surrogate"),
        ('flyteadmin: {labels: {a: "\\0"}}', "NUL"),
        ("flyteadmin: {interruptible: !!bool x}", "not YAML"),
        ("flyteadmin: {maxParallelism: !!int ''}", "not YAML"),
        ("a: !!timestamp x", "not YAML"),
        ("a: " + "[" * 3000 + "]" * 3000, "not YAML"),
        ("domains: &a [*a]", "not YAML of settings: nested"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
            + "domains: *h",
            "more than 200000 values",
        ),
    ],
)
def test_a_wrong_value_is_named(text: str, key: str) -> None:
    with pytest.raises(ValueError, match=key):
        configuration.parse(text)


@pytest.mark.parametrize("text", ["a: {pw: s3cret", "a: !!int s3cret", "a: s3cret: s3cret"])
def test_what_is_not_yaml_is_told_without_a_line_of_the_file(text: str) -> None:
    with pytest.raises(ValueError, match="not YAML") as error:
        configuration.parse(text)
    assert "s3cret" not in str(error.value)
    assert error.value.__suppress_context__
