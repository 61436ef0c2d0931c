"""The two ways in which a patch gets between MiniStack and one of its own functions."""

import functools
from collections.abc import Callable, MutableMapping
from typing import Any

from ministack.services.cloudformation import provisioners

type Replacement = Callable[..., Any]


def around(owner: Any, name: str, replacement: Replacement) -> None:
    """Make `replacement` answer for `owner.name`; its first argument is what it replaces.

    Raises:
        AttributeError: MiniStack has no such function (any more).
    """
    setattr(owner, name, _bound(getattr(owner, name), replacement))


def around_resource(resource_type: str, operation: str, replacement: Replacement) -> None:
    """Make `replacement` answer for what CloudFormation does on `create` or `update` of a resource type.

    Raises:
        KeyError: MiniStack doesn't do that with such a resource.
    """
    handlers: MutableMapping[str, Any] = provisioners._RESOURCE_HANDLERS[resource_type]
    handlers[operation] = _bound(handlers[operation], replacement)


def _bound(original: Replacement, replacement: Replacement) -> Replacement:
    @functools.wraps(original)
    def patched(*arguments: Any, **named: Any) -> Any:
        return replacement(original, *arguments, **named)

    return patched
