"""template.yaml out of its sources; `python docs/generate.py` writes it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.template import alarms, api, functions
from deploy.template.cloudformation import Resource, WrongSource, read
from deploy.template.function_file import Function, Known
from deploy.template.function_file import functions as read_functions
from deploy.template.tables import Table, table_resource, tables
from deploy.template.yaml_text import WIDTH, entry, resource

FRAME = "deploy/template/frame.yaml"

_HEAD = """\
# Written by `python docs/generate.py`: change its sources, not this file. It is deployed as it stands, without macros.
# The comment above a part names its source; what has none is from deploy/template/frame.yaml.

"""
_RULE = "  # " + "-" * (WIDTH - 5)


def render(root: Path, rpcs: Mapping[str, Collection[str]]) -> str:
    """Return the template; `rpcs` are those that each function's handler claims.

    Raises:
        WrongSource: a source says what can't be; the message names its file and the field.
    """
    _, _, frame = (root / FRAME).read_text().partition("\n\n")  # its first paragraph is about the frame
    found = tables(root)
    every = read_functions(root, _known(frame, found))
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


def _known(frame: str, found: Sequence[Table]) -> Known:
    document = read(frame, FRAME)
    types = {name: it["Type"] for name, it in document["Resources"].items()}
    return Known(
        tables={table.name: frozenset(table.indexes) for table in found},
        queues=frozenset(name for name, kind in types.items() if kind == "AWS::SQS::Queue"),
        topics=frozenset(name for name, kind in types.items() if kind == "AWS::SNS::Topic"),
        conditions=frozenset(document["Conditions"]),
    )


def _filled(frame: str, parts: Mapping[str, str]) -> str:
    """Return the frame with each `# <part>` replaced; a part must stand there once."""
    for name, text in parts.items():
        mark = f"  # <{name}>\n"
        if frame.count(mark) != 1:
            raise WrongSource(f"{FRAME} needs one line that says {mark.strip()}")
        frame = frame.replace(mark, text)
    return frame


def _section(function: Function) -> str:
    heading = f"{_RULE}\n  # {function.name}: {function.says.description}\n  # {function.file}\n{_RULE}\n\n"
    return heading + _text(functions.resources(function))


def _groups(every: Iterable[Function], file: str, of: Callable[[Function], Iterator[Resource]]) -> str:
    """Render something of each function, below a comment that names its source."""
    parts = ((function, _text(of(function))) for function in every)
    return "\n".join(f"  # functions/{function.name}/{file}\n{text}" for function, text in parts if text)


def _text(resources: Iterable[Resource]) -> str:
    return "\n".join(map(resource, resources))
