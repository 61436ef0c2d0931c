"""Shares between sessions of boto3 what every client needs: parsed service models, and the classes made from them.

Each test works in an account of its own, so it makes sessions and clients of its own: four of them took as long as the
rest of the test. Sessions, credentials and event handlers stay apart.
"""

import functools
from typing import Any

import botocore.session
import pytest
from botocore.client import ClientCreator


def pytest_configure(config: pytest.Config) -> None:
    """Install the two caches for this process."""
    classes: dict[str, type] = {}
    create: Any = ClientCreator._create_client_class  # type: ignore[attr-defined]  # private; any other seam copies more

    def create_once(creator: ClientCreator, service: str, model: object) -> type:
        if service not in classes:
            classes[service] = create(creator, service, model)
        return classes[service]

    patch = pytest.MonkeyPatch()
    patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
    patch.setattr(ClientCreator, "_create_client_class", create_once)
    config.add_cleanup(patch.undo)
