"""Build and read values of CloudFormation in their long form: `{"Ref": "Bucket"}` for `!Ref Bucket`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

type Value = str | int | bool | Sequence[Value] | Mapping[str, Value] | Commented


@dataclass(frozen=True)
class Commented:
    """An entry of a list, with a comment above it."""

    comment: str
    value: Value


@dataclass(frozen=True)
class Resource:
    """A resource of the template; `attributes` are those beside its properties, such as DeletionPolicy."""

    logical_id: str
    type: str
    properties: Mapping[str, Value]
    attributes: Mapping[str, Value] = field(default_factory=dict)
    comment: str = ""


class InvalidSource(Exception):
    """A source of the template is wrong; the message names the file and the field."""


def ref(name: str) -> Value:
    """Build `!Ref name`."""
    return {"Ref": name}


def attribute(name: str, of: str = "Arn") -> Value:
    """Build `!GetAtt name.of`."""
    return {"Fn::GetAtt": [name, of]}


def sub(text: str) -> Value:
    """Build `!Sub text`."""
    return {"Fn::Sub": text}


def only_if(condition: str, value: Value) -> Value:
    """Build a value that is left out where the condition is false."""
    return {"Fn::If": [condition, value, ref("AWS::NoValue")]}


def one_or_all(values: Sequence[Value]) -> Value:
    """Return the only value by itself, several as a list, as policies are usually written."""
    return values[0] if len(values) == 1 else values


def pascal_case(name: str) -> str:
    """Return "CreateExecution" for "create_execution": logical ids begin so."""
    return "".join(part.capitalize() for part in name.replace("/", "_").split("_"))


def read(text: str, file: str) -> Any:
    """Parse YAML with CloudFormation's tags; `Any`, since the caller validates it.

    Raises:
        InvalidSource: the text is no YAML, or a key stands twice in a mapping.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader with more tags
    except yaml.YAMLError as error:
        raise InvalidSource(f"{file}: {error}") from None


class _Loader(yaml.SafeLoader):
    """YAML's safe types, `!Ref` and its like in their long form, and each key of a mapping once."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  # as PyYAML calls it
        keys = [key.value for key, _ in node.value]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise yaml.MarkedYAMLError(problem=f"{repeated[0]} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Value:
    key = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            text = str(loader.construct_scalar(node))
            return {key: text.split(".", 1) if suffix == "GetAtt" else text}
        case yaml.SequenceNode():
            return {key: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {key: cast("Value", loader.construct_mapping(node, deep=True))}
        case _:
            raise yaml.MarkedYAMLError(problem=f"!{suffix} can't be read", problem_mark=node.start_mark)


_Loader.add_multi_constructor("!", _tagged)
