"""How lists are paged: limits, and tokens that resume after a row whatever was inserted meanwhile; pure.

A decimal token is an offset, which flytectl makes up itself (LST-14); what is given out is opaque.
"""

import base64
import binascii
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from flyteadmin.errors import InvalidArgument, invalid

type Place = tuple[int, str]
"""Where a row stands in its list: places sort as the list does."""


class Cursor(BaseModel):
    """The last row of a page: where the next one resumes; `created_at` in ns, `key` for rows of the same time."""

    created_at: int
    key: str

    def place(self, *, ascending: bool) -> Place:
        """The row's place in a list by creation time."""
        return (self.created_at if ascending else -self.created_at), self.key


@dataclass(frozen=True)
class Start:
    """Where a page begins: after a row, or so many rows in."""

    after: Cursor | None = None
    offset: int = 0


def start_of(token: str, rpc: str) -> Start:
    """Where the page that a token asks for begins.

    Raises:
        InvalidArgument: neither a token of ours nor a decimal offset.
    """
    if not token:
        return Start()
    if token.isascii() and token.isdigit() and len(token) < 10:
        return Start(offset=int(token))
    try:
        return Start(after=Cursor.model_validate_json(base64.urlsafe_b64decode(token.encode())))
    except (binascii.Error, UnicodeEncodeError, ValidationError) as error:
        raise InvalidArgument(
            f"invalid pagination token {token[:100]!r} for {rpc}: send back the token of the previous page"
        ) from error


def token_after(cursor: Cursor) -> str:
    """The token that resumes after a row."""
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode()


def validate_limit(limit: int) -> None:
    """A list must say how much it wants (LST-16).

    Raises:
        InvalidArgument: the limit is 0.
    """
    if limit == 0:
        raise invalid("limit", "expected a number above 0")
