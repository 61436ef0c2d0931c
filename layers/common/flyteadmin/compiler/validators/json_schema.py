"""Decides whether one dataclass may stand for another, by the JSON schemas in flytekit's type metadata.

Follows the schema comparison that upstream's `isSuperTypeInJSON` calls, its gaps included: what that library doesn't
implement counts as no difference, except inside allOf, anyOf and oneOf, where a match must be free of it.
"""

import json
from collections.abc import Iterable
from enum import IntFlag
from typing import Literal

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pydantic import JsonValue

JsonSchema = dict[str, JsonValue] | bool

_LATEST_DRAFT = "http://json-schema.org/schema#"
_DRAFTS = (_LATEST_DRAFT, *(f"http://json-schema.org/draft-0{n}/schema#" for n in (4, 6, 7)))
_MOST_PAIRS = 10_000
_DEEPEST = 100


class _Difference(IntFlag):
    NONE = 0
    NOT_IMPLEMENTED = 1
    REAL = 2


class _NotCompilableError(Exception):
    """The document is no JSON schema of a draft that upstream knows, or one that takes too long to compare."""


def is_super_type(source: Struct, target: Struct) -> bool:
    """Return whether a value of schema `source` has all that `target` asks for; False if either can't be used."""
    try:
        comparison = _Comparison(_document(target), _document(source))
        return not comparison.compare(comparison.subset_root, comparison.superset_root) & _Difference.REAL
    except _NotCompilableError:
        return False


def _document(metadata: Struct) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = MessageToDict(metadata)
    if not document:
        raise _NotCompilableError
    if document.get("$schema", _LATEST_DRAFT) not in _DRAFTS:
        raise _NotCompilableError
    return document


class _Comparison:
    """Two schema documents, and what is known of their pairs: each is compared once, and may refer to itself."""

    def __init__(self, subset: dict[str, JsonValue], superset: dict[str, JsonValue]) -> None:
        self.subset_root = subset
        self.superset_root = superset
        self._known: dict[tuple[int, int], _Difference] = {}
        self._depth = 0

    def compare(self, subset: JsonValue, superset: JsonValue) -> _Difference:
        sub = _resolve(subset, self.subset_root)
        sup = _resolve(superset, self.superset_root)
        pair = id(sub), id(sup)
        if pair in self._known:
            return self._known[pair]
        if len(self._known) >= _MOST_PAIRS or self._depth >= _DEEPEST:
            raise _NotCompilableError
        self._known[pair] = _Difference.NONE  # what comes back to a pair under comparison adds no difference
        self._depth += 1
        self._known[pair] = self._compare(sub, sup)
        self._depth -= 1
        return self._known[pair]

    def _compare(self, sub: JsonSchema, sup: JsonSchema) -> _Difference:
        types, super_types = _types(sub), _types(sup)
        difference = _Difference.NONE
        if types - super_types or (super_types - types and (types or super_types != {"object"})):
            difference |= _Difference.REAL
        if "string" in types:
            difference |= _compare_strings(sub, sup)
        if "number" in types:
            difference |= _compare_numbers(sub, sup)
        if "array" in types:
            difference |= self._compare_arrays(sub, sup)
        if "object" in types or not types:
            difference |= self._compare_objects(sub, sup)
        for keyword in ("allOf", "anyOf", "oneOf"):
            difference |= self._compare_lists(_list(sub, keyword), _list(sup, keyword))
        return difference | _compare_constants(sub, sup)

    def _compare_lists(self, subs: list[JsonValue], sups: list[JsonValue]) -> _Difference:
        """Each member of the superset's list needs a counterpart without any difference."""
        if bool(subs) != bool(sups):
            return _Difference.REAL
        matched = all(any(self._same_truth(sub, sup) is _Difference.NONE for sub in subs) for sup in sups)
        return _Difference.NONE if matched else _Difference.REAL

    def _same_truth(self, subset: JsonValue, superset: JsonValue) -> _Difference:
        sub, sup = _resolve(subset, self.subset_root), _resolve(superset, self.superset_root)
        if (isinstance(sub, bool) or isinstance(sup, bool)) and sub is not sup:
            return _Difference.REAL
        return self.compare(sub, sup)

    def _compare_arrays(self, sub: JsonSchema, sup: JsonSchema) -> _Difference:
        difference = _at_least(sub, sup, "minItems") | _at_most(sub, sup, "maxItems")
        if _get(sub, "items") is not None:
            difference |= self._compare_items(_get(sub, "items"), _get(sup, "items"))
        if isinstance(_get(sub, "items"), list) or isinstance(_get(sup, "items"), list):
            difference |= _Difference.NOT_IMPLEMENTED  # such lists always have additional items
        if _get(sub, "uniqueItems") and not _get(sup, "uniqueItems"):
            difference |= _Difference.REAL
        return difference

    def _compare_items(self, items: JsonValue, super_items: JsonValue) -> _Difference:
        if isinstance(items, list) and isinstance(super_items, list):
            if len(items) != len(super_items):
                return _Difference.REAL
            return _all(self.compare(sub, sup) for sub, sup in zip(items, super_items, strict=True))
        if super_items is None or isinstance(items, list) or isinstance(super_items, list):
            return _Difference.REAL
        return self.compare(items, super_items)

    def _compare_objects(self, sub: JsonSchema, sup: JsonSchema) -> _Difference:
        difference = _at_least(sub, sup, "minProperties") | _at_most(sub, sup, "maxProperties")
        if _names(sub, "required") - _names(sup, "required"):
            difference |= _Difference.REAL
        if any(_get(schema, "additionalProperties") not in (None, True) for schema in (sub, sup)):
            difference |= _Difference.NOT_IMPLEMENTED
        if any(_get(schema, keyword) for schema in (sub, sup) for keyword in ("dependencies", "patternProperties")):
            difference |= _Difference.NOT_IMPLEMENTED
        if any(_get(schema, "not") is not None for schema in (sub, sup)):
            difference |= _Difference.NOT_IMPLEMENTED
        return difference | self._compare_conditions(sub, sup) | self._compare_properties(sub, sup)

    def _compare_properties(self, sub: JsonSchema, sup: JsonSchema) -> _Difference:
        wanted, given = _properties(sub), _properties(sup)
        if wanted.keys() - given.keys():
            return _Difference.REAL
        return _all(self.compare(wanted[name], given[name]) for name in wanted)

    def _compare_conditions(self, sub: JsonSchema, sup: JsonSchema) -> _Difference:
        """`if`, `then` and `else` must be there on both sides or none, without any difference."""
        conditional = [
            _get(schema, "if") is not None and (_get(schema, "then") is not None or _get(schema, "else") is not None)
            for schema in (sub, sup)
        ]
        for keyword in ("if", "then", "else"):
            ours, theirs = (
                _get(schema, keyword) if there else None for schema, there in zip((sub, sup), conditional, strict=True)
            )
            if (ours is None) != (theirs is None):
                return _Difference.REAL
            if ours is not None and self._same_truth(ours, theirs) is not _Difference.NONE:
                return _Difference.REAL
        return _Difference.NONE


def _resolve(schema: JsonValue, root: dict[str, JsonValue]) -> JsonSchema:
    """Follow `$ref` within the document."""
    seen = 0
    while isinstance(schema, dict) and "$ref" in schema:
        schema = _pointed(schema["$ref"], root)
        seen += 1
        if seen > 100:
            raise _NotCompilableError
    if not isinstance(schema, dict | bool):
        raise _NotCompilableError
    return schema


def _pointed(reference: JsonValue, root: dict[str, JsonValue]) -> JsonValue:
    if reference in ("", "#", "#/"):
        return root
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise _NotCompilableError
    found: JsonValue = root
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(found, dict):
            raise _NotCompilableError
        found = found.get(step.replace("~1", "/").replace("~0", "~"))
    return found


def _all(differences: Iterable[_Difference]) -> _Difference:
    total = _Difference.NONE
    for difference in differences:
        total |= difference
    return total


def _get(schema: JsonSchema, keyword: str) -> JsonValue:
    return None if isinstance(schema, bool) else schema.get(keyword)


def _list(schema: JsonSchema, keyword: str) -> list[JsonValue]:
    value = _get(schema, keyword)
    if value is not None and not isinstance(value, list):
        raise _NotCompilableError
    return value or []


def _properties(schema: JsonSchema) -> dict[str, JsonValue]:
    value = _get(schema, "properties")
    if value is not None and not isinstance(value, dict):
        raise _NotCompilableError
    return value or {}


def _types(schema: JsonSchema) -> set[str]:
    value = _get(schema, "type")
    return {value} if isinstance(value, str) else _names(schema, "type")


def _names(schema: JsonSchema, keyword: str) -> set[str]:
    names = {name for name in _list(schema, keyword) if isinstance(name, str)}
    if len(names) < len(_list(schema, keyword)):
        raise _NotCompilableError  # no text, or one twice
    return names


def _number(schema: JsonSchema, keyword: str) -> float | None:
    value = _get(schema, keyword)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _NotCompilableError
    return value


def _count(schema: JsonSchema, keyword: str) -> float:
    """Return a limit, -1 if there is none; the schemas `true` and `false` come with limits of 0."""
    if isinstance(schema, bool):
        return 0
    value = _number(schema, keyword)
    return -1 if value is None else value


def _at_least(sub: JsonSchema, sup: JsonSchema, keyword: str) -> _Difference:
    wanted, given = _count(sub, keyword), _count(sup, keyword)
    return _Difference.REAL if wanted != -1 and given < wanted else _Difference.NONE


def _at_most(sub: JsonSchema, sup: JsonSchema, keyword: str) -> _Difference:
    wanted, given = _count(sub, keyword), _count(sup, keyword)
    return _Difference.REAL if wanted != -1 and (given == -1 or given > wanted) else _Difference.NONE


def _compare_strings(sub: JsonSchema, sup: JsonSchema) -> _Difference:
    if (_get(sub, "format") or "") != (_get(sup, "format") or ""):
        return _Difference.REAL
    if _get(sub, "enum") is not None and any(value not in ["", *_list(sub, "enum")] for value in _list(sup, "enum")):
        return _Difference.REAL
    if _get(sub, "pattern") is not None and _get(sub, "pattern") != _get(sup, "pattern"):
        return _Difference.REAL
    return _at_most(sub, sup, "maxLength") | _at_least(sub, sup, "minLength")


def _compare_numbers(sub: JsonSchema, sup: JsonSchema) -> _Difference:
    difference = _bounded(sub, sup, "maximum") | _bounded(sub, sup, "minimum")
    if any(_get(s, word) not in (None, False) for s in (sub, sup) for word in ("exclusiveMinimum", "exclusiveMaximum")):
        difference |= _Difference.NOT_IMPLEMENTED
    return difference | _compare_multiples(_number(sub, "multipleOf"), _number(sup, "multipleOf"))


def _bounded(sub: JsonSchema, sup: JsonSchema, keyword: Literal["maximum", "minimum"]) -> _Difference:
    wanted, given = _number(sub, keyword), _number(sup, keyword)
    if wanted is None:
        return _Difference.NONE
    outside = given is None or (given > wanted if keyword == "maximum" else given < wanted)
    return _Difference.REAL if outside else _Difference.NONE


def _compare_multiples(wanted: float | None, given: float | None) -> _Difference:
    if wanted is None and given is None:
        return _Difference.NONE
    if wanted is None or given is None or int(wanted) == 0 or int(given) % int(wanted):
        return _Difference.REAL
    whole = float(wanted).is_integer() and float(given).is_integer()
    return _Difference.NONE if whole else _Difference.NOT_IMPLEMENTED


def _compare_constants(sub: JsonSchema, sup: JsonSchema) -> _Difference:
    if isinstance(sub, bool) or "const" not in sub:
        return _Difference.NONE
    same = isinstance(sup, dict) and "const" in sup and _text(sup["const"]) == _text(sub["const"])
    return _Difference.NONE if same else _Difference.REAL


def _text(value: JsonValue) -> str:
    """Return a value as text: to Python, true is equal to 1."""
    return json.dumps(value, sort_keys=True)
