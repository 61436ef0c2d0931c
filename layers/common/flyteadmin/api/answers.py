"""Bounds answers by their JSON form, so that what was stored before requests had bounds spoils no list; pure.

A page that would take a function more time and memory in JSON than it has is asked for again with a lower limit, and
its token continues from there. An entity that is too large alone is listed by its identifier.
"""

from collections.abc import Callable
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from flyteadmin.api.codec import Form
from flyteadmin.bounds import clear_unreadable, json_bytes
from flyteadmin.errors import ResourceExhausted

MAX_JSON_BYTES = 64 * 1024 * 1024
"""The largest JSON form of an answer: two seconds of a function's CPU, and a third of its memory."""

_SURELY_SMALL_BYTES = 256 * 1024


def serve_within_bounds[R: Message](serve: Callable[[R], Message], request: R, form: Form) -> Message:
    """Serve a request; a page that is too large in the client's form is served again, shorter.

    Times that no client of binary forms reads are left out, since earlier versions stored them; JSON has null there.

    Raises:
        ResourceExhausted: the answer is no list, and too large in JSON.
    """
    answer = serve(request)
    if form is Form.BINARY:
        clear_unreadable(answer)
        return answer
    if _fits(answer):
        return answer
    listed = _listed(request, answer)
    if listed is None:
        raise ResourceExhausted(
            f"message larger than max (more than {MAX_JSON_BYTES} in JSON): ask for it as application/octet-stream"
        )
    shorter = type(request)()
    shorter.CopyFrom(request)
    shorter.limit = max(1, _fitting(getattr(answer, listed.name)))  # type: ignore[attr-defined]  # a list request has it
    answer = serve(shorter)
    if not _fits(answer):
        for element in getattr(answer, listed.name):
            _reduce(element)
    return answer


def _fits(answer: Message) -> bool:
    if answer.ByteSize() <= _SURELY_SMALL_BYTES:
        return True
    return json_bytes(answer, MAX_JSON_BYTES) <= MAX_JSON_BYTES


def _listed(request: Message, answer: Message) -> FieldDescriptor | None:
    """Return the field that holds a page's elements; None where a request has no limit."""
    fields = cast("Descriptor", answer.DESCRIPTOR).fields
    if "limit" not in cast("Descriptor", request.DESCRIPTOR).fields_by_name:
        return None
    return next((field for field in fields if field.is_repeated and field.message_type is not None), None)


def _fitting(elements: Any) -> int:
    """Return the number of elements whose JSON forms fit into an answer together."""
    left = MAX_JSON_BYTES
    for number, element in enumerate(elements):
        left -= json_bytes(element, left)
        if left < 0:
            return number
    return len(elements)


def _reduce(element: Message) -> None:
    """Clear what an element holds besides its identifier."""
    for field, _ in element.ListFields():
        if field.message_type is not None and field.name != "id":
            element.ClearField(field.name)
