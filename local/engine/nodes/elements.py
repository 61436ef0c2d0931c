"""Inputs, outputs and combined failures of an array node's elements (nodes/array, plugins/array)."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from math import ceil

from flyteidl.core.literals_pb2 import Literal, LiteralCollection, LiteralMap, Scalar, Void
from flyteidl.core.tasks_pb2 import TaskTemplate

from flyteadmin.flyteworkflow.crd import ArrayNodeSpec
from local.engine.faults import ArrayFault
from local.engine.outcome import Outcome

MAX_SUMMARY = 100 * 1024
_AND_MORE = "... and many more."
_NONE = Literal(scalar=Scalar(none_type=Void()))


def size_of(inputs: LiteralMap, bound: Collection[str]) -> int:
    """Count the elements: the length of the inputs that are lists and are not bound.

    Raises:
        ArrayFault: they differ in length, or there is none.
    """
    size = None
    for name in sorted(inputs.literals):
        literal = inputs.literals[name]
        if name in bound or literal.WhichOneof("value") != "collection":
            continue
        length = len(literal.collection.literals)
        if size is not None and size != length:
            raise ArrayFault(f"input arrays have different lengths: expecting '{size}' found '{length}'")
        size = length
    if size is None and len(bound) != len(inputs.literals):
        raise ArrayFault("no input array provided")
    return 1 if size is None else size


def element_inputs(inputs: LiteralMap, index: int, bound: Collection[str]) -> LiteralMap:
    """Return the inputs of an element: its item of each list, other inputs whole."""
    own = {
        name: literal.collection.literals[index]
        if literal.WhichOneof("value") == "collection" and name not in bound
        else literal
        for name, literal in inputs.literals.items()
    }
    return LiteralMap(literals=own)


def fewest_successes(spec: ArrayNodeSpec, size: int) -> int:
    """Return the number of elements that must succeed."""
    if spec.min_successes is not None:
        return spec.min_successes
    return size if spec.min_success_ratio is None else ceil(spec.min_success_ratio * size)


def collected(outcomes: Sequence[Outcome], template: TaskTemplate | None) -> LiteralMap:
    """Return a list per output; an element that failed, where it may, has nothing in its place."""
    names = set(template.interface.outputs.variables) if template else set()
    names.update(name for outcome in outcomes for name in outcome.outputs.literals)
    lists = {name: [outcome.outputs.literals.get(name, _NONE) for outcome in outcomes] for name in sorted(names)}
    return LiteralMap(
        literals={name: Literal(collection=LiteralCollection(literals=each)) for name, each in lists.items()}
    )


def summary(messages: Mapping[int, str]) -> str:
    """Return the elements' errors, each once with the indexes that had it: "[0-2][5]: message"."""
    lines = []
    for message in sorted(set(messages.values())):
        indexes = sorted(index for index, each in messages.items() if each == message)
        lines.append(f"{''.join(_ranges(indexes))}: {message}\n")
    text = "".join(lines)
    limit = MAX_SUMMARY - len(_AND_MORE)
    return text if len(text) < limit else text[:limit] + _AND_MORE


def _ranges(indexes: Sequence[int]) -> list[str]:
    runs = [list(run) for _, run in groupby(enumerate(indexes), lambda pair: pair[1] - pair[0])]
    ends = [(run[0][1], run[-1][1]) for run in runs]
    return [f"[{first}]" if first == last else f"[{first}-{last}]" for first, last in ends]
