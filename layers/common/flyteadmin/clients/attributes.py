"""What an attribute of a message may hold, of a queue or a topic; texts of ours may hold anything."""

import re

_UNSENDABLE = re.compile("[^\\x20-\\x7e\\x80-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What an attribute may not hold; tabs and ends of lines, which it may, show better as text."""


def visible(text: str) -> str:
    """Text as an attribute may hold it: what it may not is written out."""
    return _UNSENDABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
