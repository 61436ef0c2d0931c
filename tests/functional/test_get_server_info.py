"""Version, health and the OpenAPI document, through the real handler."""

import json
import tomllib
from pathlib import Path

import pytest

from flyteadmin import __version__, settings
from functions.get_server_info.handler import lambda_handler
from tests.aws_events import Context, answer_of, http_event


@pytest.mark.conformance("GET-23")
def test_the_version_is_this_packages_and_the_build_the_deployments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD", "1a2b3c4")
    monkeypatch.setenv("BUILD_TIME", "2026-11-25T10:00:00+00:00")
    settings.environment.cache_clear()
    answer = answer_of(lambda_handler(http_event("GET", "/api/v1/version"), Context()))
    settings.environment.cache_clear()
    assert json.loads(answer.body) == {
        "controlPlaneVersion": {
            "Version": f"v{__version__}",
            "Build": "1a2b3c4",
            "BuildTime": "2026-11-25T10:00:00+00:00",
        }
    }


def test_the_projects_version_is_its_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
