"""The worlds that the property tests share: an emulator, in this process or served, and a scheduler in its way."""

from collections.abc import Iterator

import pytest

from local.aws.client import Endpoint
from tests.property.emulator_in_process import in_process
from tests.property.emulator_server import served
from tests.property.interleaving import scheduled
from tests.property.model import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with in_process() as store, scheduled() as scheduler:
        yield World(store, scheduler)


@pytest.fixture
def served_world(endpoint: Endpoint, template: str) -> Iterator[World]:
    with served(endpoint, template) as store, scheduled() as scheduler:
        yield World(store, scheduler)
