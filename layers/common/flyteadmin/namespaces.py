"""Namespaces of projects and domains, and whether two can share one; pure."""

from collections.abc import Iterable
from itertools import combinations

_PROJECT = "{{ project }}"
_DOMAIN = "{{ domain }}"


def namespace(template: str, project: str, domain: str) -> str:
    """Return the namespace of a project and domain; only these two words of the template are replaced."""
    return template.replace(_PROJECT, project).replace(_DOMAIN, domain)


def validate_template(template: str, domains: Iterable[str]) -> None:
    """Check that no two projects, whatever their ids, share a namespace in any of the domains.

    Executions of one name in a shared namespace would be one FlyteWorkflow: the second would never run, and ending it
    would end the first.

    Raises:
        ValueError: naming the fix.
    """
    if template.count(_PROJECT) != 1 or _DOMAIN not in template:
        raise ValueError(
            f"template {template!r} lets projects share a namespace: name {_PROJECT} once, and {_DOMAIN},"
            f" e.g. {_PROJECT}-{_DOMAIN}"
        )
    for one, other in combinations(domains, 2):
        if one != other and _can_meet(_around(template, one), _around(template, other)):
            raise ValueError(
                f"template {template!r} can map two projects, one in the domain {one!r} and one in {other!r}, to one"
                f" namespace, e.g. {_example(template, one, other)!r}; rename one of these domains"
            )


def _around(template: str, domain: str) -> tuple[str, str]:
    """Return the texts before and after the project."""
    before, _, after = template.replace(_DOMAIN, domain).partition(_PROJECT)
    return before, after


def _can_meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Return whether some two projects in such surroundings make the same text."""
    starts = one[0].startswith(other[0]) or other[0].startswith(one[0])
    return starts and (one[1].endswith(other[1]) or other[1].endswith(one[1]))


def _example(template: str, one: str, other: str) -> str:
    """Return a namespace of two projects: each project holds what the other's surroundings have more."""
    (before, after), (others_before, others_after) = _around(template, one), _around(template, other)
    return f"{max(before, others_before, key=len)}a{max(after, others_after, key=len)}"
