"""Label and field selectors: their syntax, and what they match."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from local.cluster.objects import Object
from local.cluster.status import bad_request


class Operator(Enum):
    """The comparison of a requirement with a label."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"


@dataclass(frozen=True)
class Requirement:
    """One condition on one label; != and notin also match objects without the label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value in self.values
            case Operator.NOT_IN:
                return value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.ABSENT:
                return value is None


@dataclass(frozen=True)
class Selector:
    """The selector of a list, watch or deletecollection; all requirements must match."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.fields)

    def matches(self, item: Object) -> bool:
        labels = item.metadata.labels or {}
        fields = {"metadata.name": item.metadata.name, "metadata.namespace": item.metadata.namespace or ""}
        return all(one.matches(labels) for one in self.labels) and all(one.matches(fields) for one in self.fields)


EVERYTHING = Selector()

_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"(?P<key>[^\s!=(),]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(r"(?P<key>[^\s!=(),]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s!=(),]*)")
_EXISTENCE = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s!=(),]+)")
_FIELDS = frozenset({"metadata.name", "metadata.namespace"})


def parse(label_selector: str, field_selector: str) -> Selector:
    """Return the two query parameters of a list, "" for none.

    Raises:
        Refused: 400, a selector can't be parsed or names a field that is not supported.
    """
    return Selector(_labels(label_selector), _fields(field_selector))


def _labels(text: str) -> tuple[Requirement, ...]:
    return tuple(_requirement(part.strip()) for part in _COMMA.split(text)) if text.strip() else ()


def _requirement(text: str) -> Requirement:
    if found := _SET.fullmatch(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return Requirement(found["key"], Operator(found["operator"]), values)
    if found := _EQUALITY.fullmatch(text):
        return _equality(found)
    if found := _EXISTENCE.fullmatch(text):
        return Requirement(found["key"], Operator.ABSENT if found["absent"] else Operator.EXISTS)
    raise bad_request(f"unable to parse requirement: {text!r}")


def _fields(text: str) -> tuple[Requirement, ...]:
    return tuple(_field(part.strip()) for part in text.split(",")) if text.strip() else ()


def _field(text: str) -> Requirement:
    found = _EQUALITY.fullmatch(text)
    if not found:
        raise bad_request(f"invalid field selector: {text!r}")
    if found["key"] not in _FIELDS:
        raise bad_request(f"field label not supported: {found['key']}")
    return _equality(found)


def _equality(found: re.Match[str]) -> Requirement:
    operator = Operator.NOT_IN if found["operator"] == "!=" else Operator.IN
    return Requirement(found["key"], operator, frozenset({found["value"]}))
