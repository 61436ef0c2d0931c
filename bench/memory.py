"""Section "memory": the peak of each function at the largest requests that its bounds admit, beside its limit.

Each event is handled by a fresh process, as by a new instance of the function: the interpreter, the layers, the event
as Lambda's runtime parses it, and the answer. The peak is Linux's VmHWM, since `getrusage` begins with the parent's.
"""

import json
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

from cfnlint.decode.cfn_yaml import load

from bench.account import data_account
from bench.creates import cluster
from bench.largest import Largest, events
from bench.report import Row, Section, progress, show
from local.aws.data import TEMPLATE

MOST = 0.7
"""The most of its memory that a function may take: the rest is for what machines and versions differ by."""

_ROOT = Path(__file__).parents[1]
_HANDLED = """
import importlib, json, sys, types
sys.path.insert(0, sys.argv[1])
handler = importlib.import_module(f"functions.{sys.argv[2]}.handler").lambda_handler
with open(sys.argv[3]) as file:
    event = json.loads(file.read())
context = types.SimpleNamespace(
    function_name="", memory_limit_in_mb=0, invoked_function_arn="", aws_request_id="",
    get_remaining_time_in_millis=lambda: 600_000)
answer = json.dumps(handler(event, context))
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) // 1024
print(json.dumps([peak, json.loads(answer).get("statusCode", answer)]))
"""


def report() -> Section:
    """Handle every event in turn, and keep each function's highest peak."""
    highest: dict[str, Row] = {}
    limits = _limits()
    with data_account(), cluster(), TemporaryDirectory() as directory:
        for largest in events():
            progress(f"memory of {largest.function}: {largest.what}")
            row = _row(largest, Path(directory), limits[largest.function])
            if largest.function not in highest or row.measured > highest[largest.function].measured:
                highest[largest.function] = row
    note = "Resident memory of the whole process; the limit is the function's MemorySize, of which 30 % are left."
    return Section("Memory at the largest requests", tuple(highest[name] for name in sorted(highest)), (note,))


def _row(largest: Largest, directory: Path, limit: int) -> Row:
    file = directory / "event.json"
    file.write_text(json.dumps(largest.event))
    command = [sys.executable, "-c", _HANDLED, str(_ROOT), largest.function, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{largest.function} can't handle {largest.what}:\n{done.stderr[-3000:]}")
    peak, answer = json.loads(done.stdout.splitlines()[-1])
    if isinstance(answer, int):
        accepted = answer < HTTPStatus.BAD_REQUEST
        assert accepted != largest.is_refused, (largest.what, answer)
    return Row(largest.function, peak, MOST * limit, "MB", f"{largest.what}: {answer}; of {limit} MB")


def _limits() -> dict[str, int]:
    """Return the megabytes of each function, by its folder."""
    template = load(str(TEMPLATE))
    shared = template["Globals"]["Function"]["MemorySize"]
    return {
        Path(resource["Properties"]["CodeUri"]).name: resource["Properties"].get("MemorySize", shared)
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }


if __name__ == "__main__":
    show([report()])
