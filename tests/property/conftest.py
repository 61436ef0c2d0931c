"""The world that the property tests share: an emulator in this process, and a scheduler in its way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.property.model import World
from tests.property.scheduling import scheduled, submitted_inline
from tests.property.store import in_process


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, in_process() as store, scheduled(store) as scheduler:
        patch.setattr(ThreadPoolExecutor, "submit", submitted_inline)
        yield World(store, scheduler)
