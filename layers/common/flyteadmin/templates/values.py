"""The variables of a project and domain: the system's, and those whose values operators and users set; pure.

A user's attribute counts before the domain's value in the file, and that before the value for all domains. None of
them can set a variable of the system.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SYSTEM = frozenset({"project", "domain", "namespace"})
"""The variables that are always set; upstream lets an attribute replace them."""

_LINE_END = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
_DOCUMENT = re.compile(r"\s*(---|\.\.\.)")


@dataclass(frozen=True)
class Place:
    """A project and a domain, and the namespace of their executions."""

    project: str
    domain: str
    namespace: str

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the system."""
        return {"project": self.project, "domain": self.domain, "namespace": self.namespace}


@dataclass(frozen=True)
class Source:
    """A variable's value, or the secret that holds it."""

    value: str = ""
    secret_arn: str = ""


def faults(values: Mapping[str, str]) -> Iterator[str]:
    """Say what can't be set, by the variables' names; a value is never repeated, since it may be a secret."""
    for name, value in sorted(values.items()):
        if name in SYSTEM:
            yield f"{name} is a variable of the system and can't be set"
        elif _LINE_END.search(value):
            yield f"the value of {name} has more than one line"
        elif _DOCUMENT.match(value):
            yield f"the value of {name} would begin or end a YAML document"
