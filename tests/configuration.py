"""A flyteadmin.yaml for the deployment that a test works in."""

import pytest

from flyteadmin import settings
from flyteadmin.clients import configuration
from local.aws.data import DataAccount


def configure(aws: DataAccount, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put it into the bucket and name it in the environment; every cache forgets what was there before."""
    aws.client("s3").put_object(Bucket=aws.resources["Bucket"], Key="flyteadmin.yaml", Body=text)
    monkeypatch.setenv("CONFIGURATION_URI", f"s3://{aws.resources['Bucket']}/flyteadmin.yaml")
    settings.environment.cache_clear()
    configuration.forget()
