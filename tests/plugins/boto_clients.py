"""Shares between sessions of boto3 what every client needs: parsed service models, and the classes made from them.

Each test works in an account of its own, so it makes sessions and clients of its own: four of them took as long as the
rest of the test. Sessions, credentials and event handlers stay apart; what is looked up for each handler when it is
registered, its signature and the alias of its event, is the same for all.
"""

import functools
from typing import Any

import botocore.hooks
import botocore.session
import pytest
from botocore.client import ClientCreator
from botocore.hooks import BaseEventHooks, EventAliaser


def pytest_configure(config: pytest.Config) -> None:
    """Install the caches for this process."""
    classes: dict[str, type] = {}
    create: Any = ClientCreator._create_client_class  # type: ignore[attr-defined]  # private; any other seam copies more

    def create_once(creator: ClientCreator, service: str, model: object) -> type:
        if service not in classes:
            classes[service] = create(creator, service, model)
        return classes[service]

    aliases: dict[str, str] = {}

    def aliased_once(emitter: BaseEventHooks) -> EventAliaser:
        made = EventAliaser(emitter)
        made._alias_name_cache = aliases  # type: ignore[attr-defined]  # private
        return made

    patch = pytest.MonkeyPatch()
    patch.setattr(botocore.hooks, "accepts_kwargs", functools.cache(botocore.hooks.accepts_kwargs))
    patch.setattr(botocore.session, "EventAliaser", aliased_once)
    patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
    patch.setattr(ClientCreator, "_create_client_class", create_once)
    config.add_cleanup(patch.undo)
