"""Each patch of MiniStack has a test, and the test fails when that patch alone is off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import patches

HERE = Path(__file__).parent
NAMES = [patches.name_of(patch) for patch in patches.PATCHES]
# Proven each time for one patch of each kind; all of them were proven by hand, which takes some minutes:
# PATCHES_OFF=<name> pytest tests/local/test_aws_<service>.py -k <fault>__
PROVEN = [
    "apigateway.event_cookies",
    "cloudformation.metric_math_alarms",
    "dynamodb.index_projection",
    "iam.batch_actions",
    "lambda.mapping_role",
    "scheduler.pass_role",
]


@pytest.mark.parametrize("name", NAMES)
def test_each_patch_has_a_test_and_says_what_it_mends(name: str) -> None:
    service, _, fault = name.partition(".")
    assert f"def test_{fault}__" in (HERE / f"test_aws_{service}.py").read_text()
    assert patches.PATCHES[NAMES.index(name)].__doc__


@pytest.mark.parametrize("name", PROVEN)
def test_its_test_fails_without_it(name: str) -> None:
    service, _, fault = name.partition(".")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"tests/local/test_aws_{service}.py", "-k", f"{fault}__"],
        cwd=HERE.parents[1],
        env={**os.environ, "PATCHES_OFF": name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout
    assert " error" not in run.stdout.splitlines()[-1]
