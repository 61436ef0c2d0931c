"""Makes names for executions that come without one: at random, or the same one for the same call; pure."""

import secrets
from hashlib import sha256

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LENGTH = 20


def generated_name() -> str:
    """Return a random name of 20 characters that Kubernetes takes; it has no vowels, so it spells no word (CRE-05)."""
    return "a" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))


def derived_name(*parts: str) -> str:
    """Return a name of the same form from 90 bits of the parts' digest: the same name for the same parts."""
    digest = sha256(b"".join(sha256(part.encode()).digest() for part in parts)).digest()
    number, name = int.from_bytes(digest), "a"
    for _ in range(_LENGTH - 1):
        number, letter = divmod(number, len(_ALPHABET))
        name += _ALPHABET[letter]
    return name
