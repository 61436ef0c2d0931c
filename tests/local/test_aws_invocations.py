"""The record of invocations, and the sudden ends half way through some of them."""

import io
import json
import zipfile
from pathlib import Path

from local.aws import process
from local.aws.invocations import Fate, invocations


def test_a_share_of_warm_invocations_is_chosen_and_who_was_too_quick_for_nothing() -> None:
    fate = Fate({"function": 0.02})
    fate.ended("function", 0.1, spared=False)
    fate.ended("other", 0.1, spared=False)
    chosen = 0
    for number in range(1000):
        left = fate.seconds_left("function", is_warm=True)
        if left is not None:
            assert 0 <= left <= 0.1
            spared = number < 500
            fate.ended("function", 0.1, spared=spared)
            chosen += not spared
        assert fate.seconds_left("other", is_warm=True) is None
    assert chosen == 20


def test_a_cold_invocation_is_never_chosen() -> None:
    fate = Fate({"function": 1.0})
    assert fate.seconds_left("function", is_warm=True) is None, "nobody knows yet how long it takes"
    fate.ended("function", 0.1, spared=False)
    assert fate.seconds_left("function", is_warm=False) is None
    assert fate.seconds_left("function", is_warm=True) is not None


def code() -> bytes:
    """Return a function that takes a moment."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return 'done'\n")
    return archive.getvalue()


def test_each_invocation_is_recorded_and_one_that_is_killed_has_failed(tmp_path: Path) -> None:
    record = tmp_path / "invocations.jsonl"
    event = json.dumps({"Records": [{"attributes": {"ApproximateReceiveCount": "2"}}, {}]})
    with process.running(options=["--invocations", str(record), "--kill", "slow=0.5"]) as endpoint:
        functions = endpoint.client("lambda")
        role = "arn:aws:iam::000000000000:role/any"
        functions.create_function(
            FunctionName="slow", Runtime="python3.12", Role=role, Handler="app.handler", Code={"ZipFile": code()}
        )
        answers = [functions.invoke(FunctionName="slow", Payload=event) for _ in range(7)]
    failed = ["FunctionError" in answer for answer in answers]
    assert [each.has_failed for each in invocations(record)] == failed
    assert [each.was_killed for each in invocations(record)] == failed
    assert 1 <= sum(failed) <= 3, "half of those on a warm worker, at most"
    assert {(each.function, each.records, each.again) for each in invocations(record)} == {("slow", 2, 1)}
