"""Render template.yaml; `python docs/generate.py` writes it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.template import alarms, api, functions
from deploy.template.cloudformation import InvalidSource, Resource, read
from deploy.template.function_file import Function, TemplateNames, read_functions
from deploy.template.tables import Table, table_resource, tables
from deploy.template.yaml_text import WIDTH, entry, resource

FRAME = "deploy/template/frame.yaml"

_HEAD = """\
# Written by `python docs/generate.py`: change its sources, not this file. It is deployed as it stands, without macros.
# The comment above a part names its source; what has none is from deploy/template/frame.yaml.

"""
_RULE = "  # " + "-" * (WIDTH - 5)


def render(root: Path, rpcs: Mapping[str, Collection[str]]) -> str:
    """Render the template; `rpcs` are those that each function's handler claims.

    Raises:
        InvalidSource: a source is invalid; the message names its file and the field.
    """
    _, _, frame = (root / FRAME).read_text().partition("\n\n")  # its first paragraph is about the frame
    found = tables(root)
    every = read_functions(root, _names(frame, found))
    api.check(every, rpcs)
    return _HEAD + _filled(
        frame,
        {
            "tables": _text(map(table_resource, found)),
            "functions": "\n".join(_section(function) for function in every),
            "routes": _groups(every, "handler.py", lambda it: api.resources(it, rpcs.get(it.name, ()))),
            "alarms": _groups(every, "function.yaml", alarms.resources),
            "outputs": "".join(entry(key, value) for it in every for key, value in functions.outputs(it)),
        },
    )


def _names(frame: str, found: Sequence[Table]) -> TemplateNames:
    document = read(frame, FRAME)
    types = {name: it["Type"] for name, it in document["Resources"].items()}
    return TemplateNames(
        tables={table.name: frozenset(table.indexes) for table in found},
        queues=frozenset(name for name, kind in types.items() if kind == "AWS::SQS::Queue"),
        topics=frozenset(name for name, kind in types.items() if kind == "AWS::SNS::Topic"),
        conditions=frozenset(document["Conditions"]),
    )


def _filled(frame: str, parts: Mapping[str, str]) -> str:
    """Replace each `# <part>` of the frame; each must stand there once."""
    for name, text in parts.items():
        mark = f"  # <{name}>\n"
        if frame.count(mark) != 1:
            raise InvalidSource(f"{FRAME} needs one line that says {mark.strip()}")
        frame = frame.replace(mark, text)
    return frame


def _section(function: Function) -> str:
    heading = f"{_RULE}\n  # {function.name}: {function.definition.description}\n  # {function.file}\n{_RULE}\n\n"
    return heading + _text(functions.resources(function))


def _groups(every: Iterable[Function], file: str, of: Callable[[Function], Iterator[Resource]]) -> str:
    """Render some resources of each function below a comment that names their source."""
    parts = ((function, _text(of(function))) for function in every)
    return "\n".join(f"  # functions/{function.name}/{file}\n{text}" for function, text in parts if text)


def _text(resources: Iterable[Resource]) -> str:
    return "\n".join(map(resource, resources))
