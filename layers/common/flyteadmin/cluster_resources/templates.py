"""The operator's templates, read from the bucket and kept for a minute: files that end in .yaml, by their names."""

import time
from collections.abc import Sequence

from flyteadmin.clients import storage
from flyteadmin.errors import Unavailable
from flyteadmin.settings import environment
from flyteadmin.templates.rendering import Template

_KEPT_SECONDS = 60
_LARGEST = 256 * 1024
_kept: dict[str, tuple[Sequence[Template], float]] = {}
"""Templates by their prefix, and the monotonic time until which they are kept."""
_files: dict[tuple[str, str], Template] = {}
"""Files by URI and entity tag: one that has not changed is listed only."""


def read() -> Sequence[Template]:
    """Read all templates.

    Raises:
        Unavailable: the object store does not answer, or a file went while it was read.
        InvalidArgument: a file is larger than any template.
    """
    prefix = storage.uri(environment().templates_prefix)
    found, until = _kept.get(prefix, ((), 0.0))
    if time.monotonic() >= until:
        found = _read_all(prefix)
        _kept[prefix] = found, time.monotonic() + _KEPT_SECONDS
    return found


def forget() -> None:
    """Let the next read list the files again."""
    _kept.clear()


def _read_all(prefix: str) -> Sequence[Template]:
    listed = [(uri, tag) for uri, tag in storage.listed(prefix) if uri.endswith(".yaml")]
    found = {key: _files.get(key) or _read(key[0], prefix) for key in listed}
    _files.clear()
    _files.update(found)
    return sorted(found.values(), key=lambda each: each.name)


def _read(uri: str, prefix: str) -> Template:
    try:
        text = storage.read(uri, _LARGEST)
    except storage.BlobMissing:
        raise Unavailable(f"the template {uri} is gone, try again") from None
    return Template(uri.removeprefix(prefix), text.decode(errors="replace"))
