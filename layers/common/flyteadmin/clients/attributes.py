"""Attributes of messages, of a queue or a topic: they may not hold every character."""

import re

_UNSENDABLE = re.compile("[^\\x20-\\x7e\\x80-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that an attribute may not hold; also tabs and line ends, which read better written out."""


def visible(text: str) -> str:
    """Write out the characters of a text that an attribute may not hold."""
    return _UNSENDABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
