"""The operator's `flyteadmin.yaml`, read from S3 and kept for a minute."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel

from flyteadmin.clients import storage
from flyteadmin.clusters.checking import faults
from flyteadmin.errors import FlyteAdminError, Internal, Unavailable
from flyteadmin.observability import logger, measure
from flyteadmin.settings import Configuration, environment

MAX_BYTES = 1024 * 1024
"""The functions read no larger file."""

_KEPT_SECONDS = 60
_CHANGES_LOOKED_AT = 10
_NOT_RIGHT = (ValueError, storage.BlobMissing, FlyteAdminError)
_OF_CONSTRUCTORS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""Errors of PyYAML, beside its own, for a value that does not fit its tag."""

_MOST_VALUES = 200_000
_MOST_DEPTH = 100
_lock = Lock()


@dataclass(frozen=True)
class _Read:
    uri: str
    configuration: Configuration
    until: float


_kept: list[_Read] = []
_warned: set[tuple[str, ...]] = set()


def current() -> Configuration:
    """Return the configuration, at most a minute old; upstream's defaults if the deployment names no file.

    If the file is missing or wrong, the newest of its last ten versions that is right is in force; without one, the
    file that was read before. WrongConfigurations counts it, and the log says why.

    Raises:
        Internal: the file is missing or wrong, so are its last versions, and no right one was read before.
        Unavailable: the object store does not answer, and no file was read before.
    """
    fresh = kept()
    if fresh is not None:
        return fresh
    uri = environment().configuration_uri
    with _lock:
        last = next((read for read in _kept if read.uri == uri), None)
        if last is not None and time.monotonic() < last.until:
            return last.configuration
        configuration = _read(uri, last)
        _kept[:] = [_Read(uri, configuration, time.monotonic() + _KEPT_SECONDS)]
        return configuration


def kept() -> Configuration | None:
    """Return what `current` returns where that reads nothing and waits for nobody; None where it would."""
    uri = environment().configuration_uri
    if not uri:
        return _defaults()
    last = next(iter(_kept), None)
    return last.configuration if last is not None and last.uri == uri and time.monotonic() < last.until else None


@lru_cache(maxsize=1)
def _defaults() -> Configuration:
    return Configuration()


def forget() -> None:
    """Forget the configuration, so that the next call reads it again (for tests)."""
    with _lock:
        _kept.clear()
        _warned.clear()


def parse(text: str | bytes) -> tuple[Configuration, list[str]]:
    """Parse YAML to a configuration and the keys that nothing here reads ("server.httpPort"); key case is ignored.

    Raises:
        ValueError: not YAML, not a mapping, or a value has the wrong form; the message names it.
    """
    import yaml  # noqa: PLC0415  # 14 ms of a cold start, for deployments that bring a file

    with telling_where():
        raw = yaml.safe_load(text)
    known, unknown = aligned(raw)
    return Configuration.model_validate(known), unknown


@contextmanager
def telling_where(file: str = "") -> Iterator[None]:
    """Turn whatever reading YAML raises into a ValueError with the line, and with nothing of what the file holds."""
    import yaml  # noqa: PLC0415  # as above

    prefix = f"{file}: " if file else ""
    try:
        yield
    except yaml.MarkedYAMLError as error:  # its text holds a line of the file, which may hold a secret
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{prefix}not YAML: {error.problem or error.context}{line}") from None
    except (yaml.YAMLError, *_OF_CONSTRUCTORS):
        raise ValueError(f"{prefix}not YAML: a character or a value can't be read") from None


def aligned(raw: object) -> tuple[dict[str, object], list[str]]:
    """Separate what a file sets, under the names of `Configuration`, from the keys that nothing here reads.

    Raises:
        ValueError: not a mapping, too many values, or text that is no UTF-8 or holds NUL.
    """
    _check_values(raw)
    if raw is not None and not isinstance(raw, dict):
        raise ValueError("expected a mapping of sections")
    unknown: list[str] = []
    return _aligned(Configuration, raw or {}, "", unknown), unknown


def _check_values(raw: object) -> None:
    """Bound the work on a file whose aliases repeat values; each repetition counts.

    Raises:
        ValueError: more than 200 000 values, nested too deep, or text that no message can hold.
    """
    left, count = [(raw, 0)], 1
    while left:
        value, depth = left.pop()
        if depth > _MOST_DEPTH:
            raise ValueError(f"not YAML of settings: nested more than {_MOST_DEPTH} deep")
        below = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
        count += len(below)
        if count > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values, where each alias counts as all that it repeats")
        left.extend((each, depth + 1) for each in below)
        if isinstance(value, str) and not _is_text(value):
            raise ValueError("a text holds NUL, or half of a surrogate pair")


def _is_text(value: str) -> bool:
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value)


def _read(uri: str, last: _Read | None) -> Configuration:
    try:
        return _version(uri)
    except Unavailable as error:
        if last is None:
            raise
        logger.error("the configuration can't be read", extra={"uri": uri}, exc_info=error)
        return last.configuration
    except _NOT_RIGHT as error:
        logger.error("the configuration is wrong", extra={"uri": uri}, exc_info=error)
        measure(WrongConfigurations=1)
        found = _newest_right(uri) or (last.configuration if last is not None else None)
        if found is None:
            raise Internal("the operator's configuration can't be read; the log says why") from error
        return found


def _version(uri: str, version: str = "") -> Configuration:
    """Read a version of the file, the newest unless one is named, and check it for this deployment.

    Raises:
        ValueError: it is wrong.
        BlobMissing, FlyteAdminError: it can't be read.
    """
    configuration, unknown = parse(storage.read(uri, MAX_BYTES, version))
    _validate_here(configuration)
    if unknown and tuple(unknown) not in _warned:
        _warned.add(tuple(unknown))
        logger.warning("keys of the configuration that nothing here reads", extra={"uri": uri, "keys": unknown})
    return configuration


def _newest_right(uri: str) -> Configuration | None:
    """Return the newest version that is right, so that new instances agree with those that read it in time."""
    try:
        versions = storage.versions(uri, _CHANGES_LOOKED_AT)
    except FlyteAdminError as error:
        logger.error("the versions of the configuration can't be listed", extra={"uri": uri}, exc_info=error)
        return None
    for version in versions:
        try:
            found = _version(uri, version)
        except _NOT_RIGHT:
            continue
        logger.warning("an older version of the configuration is in force", extra={"uri": uri, "version": version})
        return found
    return None


def _validate_here(configuration: Configuration) -> None:
    """Check what depends on the deployment.

    Raises:
        ValueError: naming the key.
    """
    here = environment()
    found = list(faults(configuration.clusters, here.cluster_name, is_lambda=here.stage == "production"))
    if found:
        raise ValueError("; ".join(map(str, found)))


def _aligned(model: type[BaseModel], raw: Mapping[object, object], path: str, unknown: list[str]) -> dict[str, object]:
    """Rename known keys to the model's names; an empty section counts as missing."""
    names = {name.lower(): name for name in model.model_fields}
    names |= {(field.alias or name).lower(): name for name, field in model.model_fields.items()}
    aligned: dict[str, object] = {}
    for key, value in raw.items():
        name = names.get(str(key).lower())
        if name is None:
            unknown.append(f"{path}{key}")
        elif value is not None:
            annotation = model.model_fields[name].annotation
            aligned[name] = _value(annotation, value, f"{path}{key}", unknown)
    return aligned


def _value(annotation: object, value: object, path: str, unknown: list[str]) -> object:
    section = next(_sections(annotation), None)
    if section is not None and isinstance(value, dict):
        return _aligned(section, value, f"{path}.", unknown)
    if section is not None and isinstance(value, list):
        return [item if isinstance(item, list) else _value(section, item, path, unknown) for item in value]
    if get_origin(annotation) is dict:
        return _map(annotation, value, path, unknown)
    if annotation is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)  # a quantity such as `gpu: 1`
    return value


def _map(annotation: object, value: object, path: str, unknown: list[str]) -> object:
    """Align a map, which may be written as a list of maps, as upstream's Helm values do to keep the case of keys."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        value = {str(key): item for each in value for key, item in each.items()}
    if not isinstance(value, dict):
        return value
    held = get_args(annotation)[1]
    return {key: _value(held, item, f"{path}.{key}", unknown) for key, item in value.items()}


def _sections(annotation: object) -> Iterator[type[BaseModel]]:
    """Return the models that a field holds: its own, or the elements of its tuple or union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in {tuple, list, Union, UnionType}:
        for argument in get_args(annotation):
            yield from _sections(argument)
