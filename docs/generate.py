"""Writes what follows from elsewhere: flyteidl's routes, coverage.md, conformance.md, template.yaml.

    python docs/generate.py            write
    python docs/generate.py --check    fail if something committed is stale

coverage.md says which function claims which RPC; conformance.md which tests prove which row of the matrix
(docs/conformance.py); template.yaml is rendered by deploy/template/.
"""

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import Descriptor, MethodDescriptor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from deploy.template.cloudformation import InvalidSource
from deploy.template.render import render
from docs import citations, conformance, wording

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BINDINGS = ROOT / "layers/common/flyteadmin/api/bindings.py"
COVERAGE = DOCS / "coverage.md"
TEMPLATE = ROOT / "template.yaml"

SERVICES = ("admin", "signal", "dataproxy", "identity", "auth")
# gRPC only at upstream; propeller needs it, so the bridge needs a path for it.
PRIVATE_ROUTES = {"GetOrCreateSignal": ("POST", "/api/v1/signals/get_or_create", "*")}

type Binding = tuple[str, str, str, str, str, str, str]


class Claim(NamedTuple):
    """The RPCs and pages that a function's handler serves."""

    function: str
    rpcs: frozenset[str]
    pages: frozenset[str]


def bindings() -> tuple[Binding, ...]:
    """(service, RPC, method, path template, body, request, response) of every `google.api.http` binding."""
    return tuple(binding for method in _methods() for binding in _bindings_of(method))


def render_bindings() -> str:
    """Return the module `flyteadmin.api.bindings`."""
    rows = "".join(f"    ({', '.join(_quoted(part) for part in binding)}),\n" for binding in bindings())
    return (
        '"""The `google.api.http` bindings of flyteidl\'s services; written by docs/generate.py, not by hand."""\n\n'
        "# The descriptors themselves would cost every cold start some 25 ms.\n"
        "# ruff: noqa: E501\n"
        "# fmt: off\n"
        "BINDINGS: tuple[tuple[str, str, str, str, str, str, str], ...] = (\n" + rows + ")\n"
    )


def claims() -> tuple[Claim, ...]:
    """Read the claims of every handler: module attributes that have `rpcs` and `pages`.

    Raises:
        SystemExit: two functions claim the same RPC, or one that no service has.
    """
    # Handlers make their clients when they are imported; nothing is called.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    found = tuple(_claim_of(path) for path in sorted(ROOT.glob("functions/*/handler.py")))
    owners: dict[str, str] = {}
    known = {binding[1] for binding in bindings()}
    for claim in found:
        for rpc in claim.rpcs:
            if rpc not in known or rpc in owners:
                raise SystemExit(f"{claim.function} claims {rpc}: {owners.get(rpc, 'no service has it')}")
            owners[rpc] = claim.function
    return found


def render_coverage() -> str:
    """Each RPC with its routes, its function, and whether it is supported."""
    served = claims()
    owners = {rpc: claim.function for claim in served for rpc in claim.rpcs}
    partly: Mapping[str, str] = tomllib.loads((DOCS / "coverage_notes.toml").read_text())["partly"]
    lines = [
        "# Coverage",
        "",
        "Every RPC of Flyte's services. Written by `docs/generate.py` from flyteidl's descriptors and what the",
        "functions claim.",
    ]
    for service in dict.fromkeys(binding[0] for binding in bindings()):
        rows = _coverage_rows(service, owners, partly)
        lines += ["", f"## {service}", "", "| RPC | HTTP | function | status |", "|---|---|---|---|", *rows]
    pages = [f"| `{page}` | {claim.function} |" for claim in served for page in sorted(claim.pages)]
    if pages:
        lines += ["", "## Other paths", "", "| path | function |", "|---|---|", *pages]
    return "\n".join(lines) + "\n"


def render_template() -> str:
    """Return the template that is deployed.

    Raises:
        SystemExit: a source of it can't be rendered.
    """
    try:
        return render(ROOT, {claim.function: claim.rpcs for claim in claims()})
    except InvalidSource as error:
        raise SystemExit(str(error)) from None


def stale() -> Iterator[str]:
    """Return what is committed and no longer true, one line each."""
    if BINDINGS.read_text() != render_bindings():
        yield f"{BINDINGS.relative_to(ROOT)} differs from the descriptors"
    if not COVERAGE.exists() or COVERAGE.read_text() != render_coverage():
        yield f"{COVERAGE.relative_to(ROOT)} differs from what the functions claim"
    if TEMPLATE.read_text() != render_template():
        yield f"{TEMPLATE.relative_to(ROOT)} differs from its sources"
    yield from citations.problems(ROOT)
    yield from wording.problems(ROOT)
    yield from conformance.problems(ROOT)


def main() -> None:
    """Write, or check what is committed."""
    if sys.argv[1:] == ["--check"]:
        problems = list(stale())
        if problems:
            raise SystemExit("\n".join([*problems, "run: python docs/generate.py"]))
        return
    BINDINGS.write_text(render_bindings())
    COVERAGE.write_text(render_coverage())
    TEMPLATE.write_text(render_template())
    sys.stdout.write(f"{conformance.update(ROOT)}\n")


def _methods() -> Iterator[MethodDescriptor]:
    for name in SERVICES:
        file = import_module(f"flyteidl.service.{name}_pb2").DESCRIPTOR
        for service in file.services_by_name.values():
            yield from service.methods


def _bindings_of(method: MethodDescriptor) -> Iterator[Binding]:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    routes = [_route_of(each) for each in (rule, *rule.additional_bindings) if each.WhichOneof("pattern")]
    for verb, template, body in routes or [PRIVATE_ROUTES[method.name]]:
        request, response = _location(method.input_type), _location(method.output_type)
        yield method.containing_service.full_name, method.name, verb, template, body, request, response


def _route_of(rule: HttpRule) -> tuple[str, str, str]:
    pattern = rule.WhichOneof("pattern")
    return str(pattern).upper(), getattr(rule, str(pattern)), rule.body


def _location(message: Descriptor) -> str:
    return f"{message.file.name.removesuffix('.proto').replace('/', '.')}_pb2:{message.name}"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _claim_of(path: Path) -> Claim:
    spec = spec_from_file_location(f"functions_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} can't be imported")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    apis = [value for value in vars(module).values() if hasattr(value, "rpcs") and hasattr(value, "pages")]
    return Claim(
        path.parent.name,
        frozenset(rpc for api in apis for rpc in api.rpcs),
        frozenset(page for api in apis for page in api.pages),
    )


def _coverage_rows(service: str, owners: Mapping[str, str], partly: Mapping[str, str]) -> Iterator[str]:
    routes: dict[str, list[str]] = {}
    for owner, rpc, verb, template, *_ in bindings():
        if owner == service:
            routes.setdefault(rpc, []).append(f"`{verb} {template}`")
    for rpc, paths in routes.items():
        status = "supported" if rpc in owners else "not yet"
        if rpc in owners and rpc in partly:
            status = f"partly: {partly[rpc]}"
        private = " (private: gRPC only at upstream)" if rpc in PRIVATE_ROUTES else ""
        yield f"| {rpc} | {'<br>'.join(paths)}{private} | {owners.get(rpc, '')} | {status} |"


if __name__ == "__main__":
    main()
