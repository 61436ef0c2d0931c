"""Durations, times and struct tags as Go writes them."""

from datetime import UTC, datetime

import pytest
from flyteidl.core.literals_pb2 import BlobMetadata
from flyteidl.core.tasks_pb2 import DataLoadingConfig, IOStrategy, K8sObjectMetadata, K8sPod
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from flyteadmin.flyteworkflow.encoding import duration_nanoseconds, go_duration, rfc3339, to_go_tags


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (250_000_000, "250ms"),
        (1_000_000_000, "1s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h0m0s"),
        (90_061_000_000_001, "25h1m1.000000001s"),
        (-1_500_000_000, "-1.5s"),
    ],
)
def test_duration(nanoseconds: int, text: str) -> None:
    assert go_duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("duration", "nanoseconds"),
    [(Duration(seconds=2, nanos=5), 2_000_000_005), (Duration(seconds=-1, nanos=-5), -1_000_000_005)],
)
def test_valid_durations(duration: Duration, nanoseconds: int) -> None:
    assert duration_nanoseconds(duration) == nanoseconds


@pytest.mark.parametrize(
    "duration",
    [
        Duration(seconds=1, nanos=-1),
        Duration(seconds=400_000_000_000),
        Duration(seconds=10_000_000_000),
        Duration(nanos=1_000_000_000),
    ],
)
def test_invalid_durations(duration: Duration) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_nanoseconds(duration)


def test_times_are_cut_to_seconds() -> None:
    assert rfc3339(datetime(2024, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)) == "2024-01-02T03:04:05Z"


def test_struct_tags_keep_names_and_numbers() -> None:
    strategy = IOStrategy(download_mode=IOStrategy.DO_NOT_DOWNLOAD)
    pod = K8sPod(
        metadata=K8sObjectMetadata(labels={"a": "b"}),
        pod_spec=ParseDict({"containers": [{"name": "c", "tty": True, "nothing": None}]}, Struct()),
        data_config=DataLoadingConfig(enabled=True, format=DataLoadingConfig.YAML, io_strategy=strategy),
    )

    assert to_go_tags(pod) == {
        "metadata": {"labels": {"a": "b"}},
        "pod_spec": {"containers": [{"name": "c", "tty": True, "nothing": None}]},
        "data_config": {"enabled": True, "format": 1, "io_strategy": {"download_mode": 2}},
    }
    assert to_go_tags(BlobMetadata()) == {}
