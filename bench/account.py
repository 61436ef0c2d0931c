"""The account in which sections measure: an embedded AWS with the template's tables, bucket, queues and topic."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flyteadmin import settings
from flyteadmin.clients import aws, configuration
from local.aws.data import DataAccount, create, data_template
from local.aws.process import running


@contextmanager
def data_account() -> Iterator[DataAccount]:
    """Start it, and set this process's environment to it until the end."""
    before = dict(os.environ)
    with running() as endpoint:
        account = create(endpoint, "000000000001", data_template())
        os.environ.update(account.environment())
        forget()
        try:
            yield account
        finally:
            os.environ.clear()
            os.environ.update(before)
            forget()


def forget() -> None:
    """Empty every cache of the layer: the next call finds this process as cold as a fresh one."""
    settings.environment.cache_clear()
    aws.forget()
    configuration.forget()
    for module in [module for name, module in sys.modules.items() if name.startswith("flyteadmin.")]:
        for value in vars(module).values():
            if hasattr(value, "cache_clear") and not isinstance(value, type):
                value.cache_clear()
