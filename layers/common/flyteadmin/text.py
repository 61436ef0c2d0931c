"""Text that must fit: cut to a number of bytes, or named after an enum's value; pure."""

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

MAX_URI_BYTES = 2048
"""A longer URI is cut before it goes into a row: no object store has one, and an item must never outgrow its table."""


def truncate(text: str, limit: int, mark: str = "") -> str:
    """Cut text to at most `limit` bytes of UTF-8, whole characters only; a text that was cut ends in `mark`."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: max(0, limit - len(mark.encode()))].decode(errors="ignore") + mark


def truncate_uri(uri: str) -> str:
    """Cut a URI to the bytes that a row may hold of one."""
    return truncate(uri, MAX_URI_BYTES)


def enum_name(enum: EnumTypeWrapper, number: int) -> str:
    """Name an enum's value; a number that this version does not know stays a number, as Go prints it."""
    return enum.Name(number) if number in enum.values() else str(number)
