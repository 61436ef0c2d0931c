"""Section "imports": what a cold start pays before a handler's first line runs, in units of boto3 with one client."""

import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from cfnlint.decode.cfn_yaml import load

from bench.report import Row, Section, progress
from local.aws.client import REGION

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".aws-sam" / "build"
ROUNDS = 7
HEAVIEST = 5
BUDGET = 1.6
BUDGET_WITH_CLUSTER = 2.2

_BOTO3 = "import boto3; boto3.client('dynamodb')"
_MEASURED = """
import sys, time
sys.path[:0] = sys.argv[2:]
used, began = time.process_time(), time.perf_counter()
exec(sys.argv[1])
print(time.process_time() - used, time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Case:
    """A handler to import: where it and its layers lie, and how a fresh interpreter is started for it."""

    name: str
    statement: str
    paths: tuple[Path, ...]
    options: tuple[str, ...]
    calls_cluster: bool


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU and of wall time."""

    cpu: float
    wall: float


def report() -> Section:
    """Import each handler in fresh interpreters, in turns with boto3 from the same place."""
    cases = built_cases() if BUILD.exists() else source_cases()
    progress(f"imports of {len(cases)} handlers: {ROUNDS} rounds")
    rounds = [(_run(cases[0], _BOTO3), [_run(case, case.statement) for case in cases]) for _ in range(ROUNDS)]
    boto3 = [reference for reference, _ in rounds]
    rows = [Row("import boto3 and one client", statistics.median(cost.cpu for cost in boto3) * 1000, unit="ms")]
    for position, case in enumerate(cases):
        rows.append(_row(case, boto3, [handlers[position] for _, handlers in rounds]))
    where = "the built layers and functions" if BUILD.exists() else "the work tree, as nothing is built"
    return Section(f"Import of each handler, from {where}", tuple(rows), _NOTES)


def _row(case: Case, boto3: Sequence[Cost], handler: Sequence[Cost]) -> Row:
    cpu = statistics.median(cost.cpu / unit.cpu for cost, unit in zip(handler, boto3, strict=True))
    wall = statistics.median(cost.wall / unit.wall for cost, unit in zip(handler, boto3, strict=True))
    milliseconds = statistics.median(cost.cpu for cost in handler) * 1000
    heaviest = " · ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in _heaviest(case))
    reason = f"{milliseconds:.0f} ms, wall ratio {wall:.2f}; under -X importtime, ms: {heaviest}"
    return Row(f"{case.name} ÷ boto3", cpu, BUDGET_WITH_CLUSTER if case.calls_cluster else BUDGET, reason=reason)


def built_cases() -> list[Case]:
    """Return the functions that `sam build` left, each with its layers and nothing else."""
    template = load(str(BUILD / "template.yaml"))
    shared = template["Globals"]["Function"]["Layers"]
    cases = []
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            layers = [layer["Ref"] for layer in [*shared, *resource["Properties"].get("Layers", [])]]
            paths = (BUILD / name, *(BUILD / layer / "python" for layer in layers))
            cases.append(Case(name, "import handler", paths, ("-I", "-S"), len(layers) > len(shared)))
    return cases


def source_cases() -> list[Case]:
    """Return the functions of the work tree, in this environment."""
    return [
        Case(path.parent.name, f"import functions.{path.parent.name}.handler", (ROOT,), ("-I",), calls_cluster=False)
        for path in sorted(ROOT.glob("functions/*/handler.py"))
    ]


def _run(case: Case, statement: str) -> Cost:
    cpu, wall = _fresh(case, statement).stdout.split()
    return Cost(float(cpu), float(wall))


def _heaviest(case: Case) -> list[tuple[str, float]]:
    spent = by_package(_fresh(case, case.statement, "-X", "importtime").stderr)
    return sorted(spent.items(), key=itemgetter(1), reverse=True)[:HEAVIEST]


def _fresh(case: Case, statement: str, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = [*case.options, "-B", *options, "-c", _MEASURED, statement, *map(str, case.paths)]
    environment = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": REGION, "TZ": "UTC"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{case.name} can't be imported:\n{done.stderr}")
    return done


def by_package(importtime: str) -> dict[str, float]:
    """Seconds of its own that each package took, from what `-X importtime` printed; "google.x" counts by itself."""
    spent: defaultdict[str, float] = defaultdict(float)
    for line in importtime.splitlines():
        own, separator, rest = line.removeprefix("import time:").partition("|")
        if separator and own.strip().isdigit():
            parts = rest.partition("|")[2].strip().split(".")
            spent[".".join(parts[:2]) if parts[0] == "google" else parts[0]] += int(own) / 1_000_000
    return spent


_NOTES = (
    "CPU, user and system; medians of ratios within a round; each import in a fresh interpreter, byte code compiled.",
    "Handlers make their clients with their first event, the reference makes one: that flatters the ratio.",
)
