"""`make bench`: every section, beside its budgets; misses are named, and fail nothing. 1 if a section can't run."""

import argparse
import importlib
import sys
import traceback

from bench.report import Section, progress, show

SECTIONS = ("compiler", "requests", "lists", "namespaces", "bridge", "cpu", "imports", "layers", "memory")
"""The compiler first: a process's peak memory never falls."""


def main() -> int:
    """Run the sections in turn; one that breaks does not keep the others from being shown."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--versions", type=int, default=10_000, help="how many versions the longest lists have")
    options = {"lists": {"longest": parser.parse_args().versions}}
    found: list[Section] = []
    broken: list[str] = []
    for name in SECTIONS:
        progress(name)
        try:
            found.append(importlib.import_module(f"bench.{name}").report(**options.get(name, {})))
        except Exception:  # noqa: BLE001  # the edge: the other sections are still worth showing
            traceback.print_exc()
            broken.append(name)
    show(found)
    for name in broken:
        print(f"bench: the section {name} can't run, see above", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
