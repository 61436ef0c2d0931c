"""Pagination tokens, which say where the next page begins (LST-14, LST-15); pure.

A decimal token is an offset, which flytectl computes itself. The tokens that we return are opaque and resume behind a
row: a page costs the same wherever it is, and rows that are inserted meanwhile shift nothing.
"""

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flyteadmin.errors import InvalidArgument

type SortValue = int | str
"""The value of a row's sort key."""

_OFFSET = re.compile(r"\+?[0-9]+|-0+", re.ASCII)
_MAX_OFFSET = 2**63 - 1
_MAX_TOKEN = 8192
_MAX_SORT_VALUE = 10**21
"""Above the nanoseconds of every year that protobuf allows."""

_MAX_KEY_BYTES = 1024


def _fits(text: str) -> str:
    if len(text.encode()) > _MAX_KEY_BYTES:
        raise ValueError("longer than any key")
    return text


type _Text = Annotated[str, AfterValidator(_fits)]
type _Key = Annotated[_Text, Field(min_length=1)]


class Cursor(BaseModel):
    """The last row of a page: the number of its partition, its sort value, and its key in the table."""

    model_config = ConfigDict(frozen=True, strict=True)

    partition: Annotated[int, Field(ge=0, le=1000)] = 0
    sort_value: Annotated[int, Field(ge=-_MAX_SORT_VALUE, le=_MAX_SORT_VALUE)] | _Text
    key: Annotated[tuple[_Key, ...], Field(min_length=1, max_length=2)]


class Start(BaseModel):
    """The start of a page: behind a row if there is one, then `skip` matching rows later."""

    model_config = ConfigDict(frozen=True, strict=True)

    after: Cursor | None = None
    skip: Annotated[int, Field(ge=0, le=_MAX_OFFSET)] = 0
    order: str = ""


def start_from(token: str, rpc: str, order: str) -> Start:
    """Return the start that a token stands for, in a list of this order.

    Raises:
        InvalidArgument: neither a decimal offset, nor a token that a list of this order gave out.
    """
    if not token:
        return Start(order=order)
    if _OFFSET.fullmatch(token) and len(token) < 20 and int(token) <= _MAX_OFFSET:
        return Start(skip=int(token), order=order)
    try:
        start = Start.model_validate_json(base64.urlsafe_b64decode(token[:_MAX_TOKEN].encode()))
    except (binascii.Error, UnicodeEncodeError, ValidationError) as error:
        raise invalid_token(rpc, token) from error
    if start.order != order:
        raise invalid_token(rpc, token)
    return start


def token_of(start: Start | None) -> str:
    """Return the token of a start; "" for None."""
    return base64.urlsafe_b64encode(start.model_dump_json().encode()).decode() if start is not None else ""


def invalid_token(rpc: str, token: str = "") -> InvalidArgument:
    """Return the error for a token that does not belong to this list."""
    return InvalidArgument(
        f"invalid pagination token {token[:100]} for {rpc}: send back the token of the previous page, to the same list"
    )
