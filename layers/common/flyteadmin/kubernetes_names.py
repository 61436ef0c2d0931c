"""Names that Kubernetes takes, and its own words for what is wrong with others; pure.

Source: k8s.io/apimachinery pkg/util/validation/validation.go.
"""

import re
from typing import Final

_ALPHANUMERIC: Final = "must start and end with an alphanumeric character"
_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE: Final = f"({_QUALIFIED})?"

_LABEL_WORDS: Final = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and {_ALPHANUMERIC}"
)
_SUBDOMAIN_WORDS: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and"
    f" {_ALPHANUMERIC}"
)
_QUALIFIED_WORDS: Final = f"must consist of alphanumeric characters, '-', '_' or '.', and {_ALPHANUMERIC}"
_VALUE_WORDS: Final = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and {_ALPHANUMERIC}"
)

_MOST: Final = 63
_MOST_OF_A_SUBDOMAIN: Final = 253


def dns_label_faults(name: str) -> list[str]:
    """Say what keeps a name from being a DNS label (`IsDNS1123Label`); nothing if it is one."""
    return [*_too_long(name, _MOST), *_unlike(name, _LABEL, _LABEL_WORDS, "my-name", "123-abc")]


def label_value_faults(value: str) -> list[str]:
    """Say what keeps a text from being a label's value (`IsValidLabelValue`)."""
    return [*_too_long(value, _MOST), *_unlike(value, _VALUE, _VALUE_WORDS, "MyValue", "my_value", "12345")]


def label_key_faults(key: str) -> list[str]:
    """Say what keeps a text from being a label's key (`IsQualifiedName`)."""
    prefix, separator, name = key.partition("/")
    if "/" in name:
        words = _words(_QUALIFIED, _QUALIFIED_WORDS, "MyName", "my.name", "123-abc")
        return [f"a qualified name {words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if not separator:
        prefix, name = "", key
    faults = [f"prefix part {fault}" for fault in _prefix_faults(prefix)] if separator else []
    if not name:
        faults.append("name part must be non-empty")
    else:
        faults += [f"name part {fault}" for fault in _too_long(name, _MOST)]
    unlike = _unlike(name, _QUALIFIED, _QUALIFIED_WORDS, "MyName", "my.name", "123-abc")
    return [*faults, *(f"name part {fault}" for fault in unlike)]


def _prefix_faults(prefix: str) -> list[str]:
    if not prefix:
        return ["must be non-empty"]
    return [
        *_too_long(prefix, _MOST_OF_A_SUBDOMAIN),
        *_unlike(prefix, _SUBDOMAIN, _SUBDOMAIN_WORDS, "example.com"),
    ]


def _too_long(text: str, most: int) -> list[str]:
    return [f"must be no more than {most} characters"] if len(text.encode()) > most else []


def _unlike(text: str, pattern: str, words: str, *examples: str) -> list[str]:
    return [] if re.fullmatch(pattern, text) else [_words(pattern, words, *examples)]


def _words(pattern: str, words: str, *examples: str) -> str:
    named = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {named}regex used for validation is '{pattern}')"
