"""The emulator as a server, over HTTP and through all of boto3: the same store, many times slower."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from flyteadmin import settings
from flyteadmin.clients import aws as aws_clients
from flyteadmin.clients import storage
from flyteadmin.events import projection
from local.aws import data
from local.aws.client import DEFAULT_ACCOUNT, Endpoint
from local.aws.data import DataAccount
from tests.property.emulator_in_process import BUCKET, encoded


@dataclass
class ServedStore:
    """A server, which nobody else uses meanwhile."""

    endpoint: Endpoint
    template: str
    patch: pytest.MonkeyPatch
    _account: DataAccount | None = None

    @property
    def account(self) -> DataAccount:
        assert self._account, "clear() makes the first one"
        return self._account

    def clear(self) -> None:
        self.endpoint.reset()
        self._account = data.create(self.endpoint, DEFAULT_ACCOUNT, self.template)
        self._account.client("s3").create_bucket(Bucket=BUCKET)
        for name, value in {**self._account.environment(), "BUCKET": BUCKET}.items():
            self.patch.setenv(name, value)
        settings.environment.cache_clear()
        storage.read_immutable.cache_clear()
        aws_clients.forget()
        projection.forget_parents()

    def rows(self, table: str) -> list[dict[str, Any]]:
        pages = self.account.client("dynamodb").get_paginator("scan")
        found = pages.paginate(TableName=self._table(table), ConsistentRead=True)
        return [item for page in found for item in page["Items"]]

    def stream(self, table: str) -> list[dict[str, Any]]:
        streams = self.account.client("dynamodbstreams")
        [stream] = streams.list_streams(TableName=self._table(table))["Streams"]
        records: list[dict[str, Any]] = []
        for shard in streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]:
            place = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"]}
            iterator = streams.get_shard_iterator(**place, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            records += streams.get_records(ShardIterator=iterator)["Records"]
        return [encoded(record) for record in records]

    def _table(self, name: str) -> str:
        return self.account.environment()["TABLE_PREFIX"] + name


@contextmanager
def served(endpoint: Endpoint, template: str) -> Iterator[ServedStore]:
    """A server's store; handlers called in this process work there. Back-offs take no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flyteadmin.clients.dynamodb.calls.random.uniform", lambda *_: 0.0)
        yield ServedStore(endpoint, template, patch)
