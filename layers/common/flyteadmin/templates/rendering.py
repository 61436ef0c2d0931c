"""Renders templates for a project and domain; pure.

A value can change scalars and nothing else: the rendered text must have the structure that it has with harmless
values. Each object lies in the namespace of its project and domain, or is that namespace, since rights in Kubernetes
can't narrow it. Messages name files, lines and variables, and never a value.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import yaml
from pydantic import JsonValue

from flyteadmin.templates import values as variables
from flyteadmin.templates.values import Place, Source

_RULES = 2
"""Part of every digest: counted up where the same templates and values render to something else."""

_VARIABLE = re.compile(r"\{\{ ([^\s{}]+) \}\}")
_HARMLESS = "x"
_CHANGES = "a value changes the structure"
_OF_CONSTRUCTORS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""Errors of PyYAML and `json`, beside PyYAML's own, for a value that does not fit its tag."""

_TIMESTAMP, _INTEGER, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float"))


class RenderingRefused(Exception):
    """Templates and values that may not be applied; `faults` says why."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults."""
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Template:
    """A file of the operator: its name, which decides the order, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """An object to apply, and the file that it is from."""

    file: str
    manifest: Mapping[str, JsonValue]

    @property
    def api_version(self) -> str:
        """The group and version of its kind."""
        return str(self.manifest["apiVersion"])

    @property
    def kind(self) -> str:
        """The kind."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """The name within its namespace."""
        metadata = self.manifest["metadata"]
        return str(metadata["name"]) if isinstance(metadata, dict) else ""

    @property
    def is_namespace(self) -> bool:
        """Return whether it is the namespace itself."""
        return _is_namespace(self.manifest)

    @property
    def identity(self) -> str:
        """Kind and name: "ResourceQuota/project-quota"."""
        return f"{self.kind}/{self.name}"


def digest(templates: Sequence[Template], sources: Mapping[str, Source], place: Place) -> str:
    """Return the digest of all that decides what a namespace holds; a secret counts by its ARN."""
    parts = [
        _RULES,
        [[each.name, each.text] for each in templates],
        {name: [each.value, each.secret_arn] for name, each in sources.items()},
        [place.project, place.domain, place.namespace],
    ]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def render(templates: Sequence[Template], values: Mapping[str, str], place: Place) -> list[Rendered]:
    """Render all templates in the order of their names; all or none.

    Raises:
        RenderingRefused: a value or a template is refused.
    """
    faults = list(variables.faults(values))
    rendered: list[Rendered] = []
    for template in sorted(templates, key=lambda each: each.name):
        try:
            rendered += _rendered(template, {**values, **place.variables}, place.namespace)
        except ValueError as error:
            faults.append(f"{template.name}: {error}")
    if faults:
        raise RenderingRefused(faults)
    return rendered


def _rendered(template: Template, values: Mapping[str, str], namespace: str) -> Iterator[Rendered]:
    missing = {found[1] for found in _VARIABLE.finditer(template.text)} - values.keys()
    if missing:
        raise ValueError(f"no value is set for {', '.join(sorted(missing))}")
    harmless_text = _filled(template.text, dict.fromkeys(values, _HARMLESS))
    text = _filled(template.text, values)
    # Before anything is built: an alias in a value would repeat what it names, and that again, without end.
    if _shape(harmless_text, "it is not YAML") != _shape(text, _CHANGES):
        raise ValueError(_CHANGES)
    harmless, documents = _documents(harmless_text, "it is not YAML"), _documents(text, _CHANGES)
    if _keys(harmless) != _keys(documents):
        raise ValueError(_CHANGES)
    for document, other in zip(documents, harmless, strict=True):
        if document is not None:
            _check_object(document, other, namespace)
            yield Rendered(template.name, _placed(document, namespace))


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables, all in one pass, so that values are never templates again."""
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def _shape(text: str, fault: str) -> list[tuple[object, ...]]:
    """Return the parts of a text in their order, with anchors, aliases and tags, without the scalars' values."""
    with _told(fault):
        return [
            (type(each), getattr(each, "anchor", None), getattr(each, "tag", None))
            for each in yaml.parse(text, yaml.SafeLoader)
        ]
    raise AssertionError("unreachable")


def _documents(text: str, fault: str) -> list[Any]:
    with _told(fault):
        documents = list(yaml.load_all(text, _Loader))
        json.dumps(documents, allow_nan=False)
        return documents
    raise AssertionError("unreachable")


@contextmanager
def _told(fault: str) -> Iterator[None]:
    """Turn whatever reading YAML raises into a ValueError with the line, and with nothing of the text."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{fault}{line}") from None
    except (yaml.YAMLError, *_OF_CONSTRUCTORS):
        raise ValueError(f"{fault}: it can't be written as JSON") from None


class _Loader(yaml.SafeLoader):
    """Reads scalars as Go's YAML does, which kubectl uses: dates and times are text, 1e3 is a number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in {_TIMESTAMP, _INTEGER, _FLOAT}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _INTEGER, re.compile(r"^[-+]?(0b[01_]+|0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(r"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"),
    list("-+.0123456789"),
)


def _keys(value: Any) -> object:
    """Return maps with their keys, and lists, without the scalars in them."""
    if isinstance(value, dict):
        return {key: _keys(item) for key, item in value.items()}
    return [_keys(item) for item in value] if isinstance(value, list) else None


def _check_object(document: Any, harmless: Any, namespace: str) -> None:
    """Check that a document is one object, of a kind that no value chose, in its own namespace."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict):
        raise ValueError("an object has apiVersion, kind and metadata")
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str) or document[field] != harmless[field]:
            raise ValueError(f"an object has its {field} written out")
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise ValueError("an object has a name in its metadata")
    if metadata["name"] in {".", ".."}:
        raise ValueError("an object's name is a part of a path, so neither . nor ..")
    if _is_namespace(document):
        if metadata["name"] != namespace or "namespace" in metadata:
            raise ValueError("a Namespace is that of its project and domain: name {{ namespace }}")
    elif metadata.get("namespace", namespace) != namespace:
        raise ValueError(f"a {document['kind']} lies in another namespace than that of its project and domain")


def _is_namespace(document: Mapping[str, Any]) -> bool:
    return (document["apiVersion"], document["kind"]) == ("v1", "Namespace")


def _placed(document: dict[str, Any], namespace: str) -> dict[str, JsonValue]:
    """Return an object with the namespace that it lies in."""
    if _is_namespace(document):
        return document
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}
