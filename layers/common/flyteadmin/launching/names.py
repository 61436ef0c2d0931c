"""Names for executions that come without one: at random, or from what makes a call the same call; pure."""

import secrets
from hashlib import sha256

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LENGTH = 20


def generated_name() -> str:
    """An execution name of 20 characters that Kubernetes takes and nobody reads a word into (CRE-05)."""
    return "a" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))


def derived_name(*parts: str) -> str:
    """A name of the same form, the same for the same parts: 90 bits of their digest."""
    digest = sha256(b"".join(sha256(part.encode()).digest() for part in parts)).digest()
    number, name = int.from_bytes(digest), "a"
    for _ in range(_LENGTH - 1):
        number, letter = divmod(number, len(_ALPHABET))
        name += _ALPHABET[letter]
    return name
