"""An operator's `flyteadmin.yaml` checked against what the functions read; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from flyteadmin.clients.configuration import MAX_BYTES, aligned
from flyteadmin.clusters.checking import faults
from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.settings import Configuration
from flyteadmin_ops import files, unused_keys

_EXPECTED: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_type": "a mapping of keys",
    "string_type": "text",
    "tuple_type": "a list",
}
"""The expected types by pydantic's kinds of errors, in YAML's words."""

_SHOWN_CHARACTERS = 80


class Finding(BaseModel):
    """A finding about one key: its `path` in upstream's spelling ("" for the whole file), and its `line`, from 1.

    `file` is the name of its file, "" where there is one alone.
    """

    kind: Literal["error", "warning", "unknown", "ignored", "accepted"]
    path: str = ""
    file: str = ""
    line: int | None = None
    message: str = ""
    value: Any = None


@dataclass(frozen=True)
class _Place:
    path: str
    field: FieldInfo | None


@dataclass(frozen=True)
class Deployed:
    """The deployment that is to read a file: its ClusterName, "" for none, and whether its functions run in AWS.

    `secrets` and `roles` are the ARNs that its functions may use for clusters; None where they are not known.
    """

    cluster: str = ""
    is_lambda: bool = True
    secrets: frozenset[str] | None = None
    roles: frozenset[str] | None = None


IN_AWS = Deployed()
"""A deployment of which nothing is known but that its functions run in AWS."""


def check(given: Sequence[files.File], deployed: Deployed = IN_AWS) -> tuple[Finding, ...]:
    """Check files as one: wrong values, keys nobody knows, keys that are ignored and why, and what is accepted."""
    try:
        document = files.read(given)
        known, unknown = aligned(document.value())
    except ValueError as error:
        return (Finding(kind="error", message=" ".join(str(error).split())),)
    found = [*_wrong(known, deployed), *map(_unread, unknown)]
    wrong = {finding.path for finding in found}
    found += [finding for finding in _accepted(Configuration, known, "") if not _is_within(finding.path, wrong)]
    placed = (_placed(finding, document.position(finding.path), given) for finding in found)
    return (*_about(document, given), *_too_large(given), *placed)


def to_upload(given: Sequence[files.File]) -> bytes:
    """Return the object that says what files say: a single file as it is, several as one, with what is read alone.

    Raises:
        ValueError: not YAML, or not a mapping.
    """
    if len(given) == 1:
        return given[0].text
    sections = {(field.alias or name).lower() for name, field in Configuration.model_fields.items()}
    return files.written(files.read(given), sections)


def clusters_in(given: Sequence[files.File]) -> ClustersSection | None:
    """Return the clusters of files; None where they are wrong."""
    try:
        return Configuration.model_validate(aligned(files.read(given).value())[0]).clusters
    except ValueError:
        return None


def _placed(finding: Finding, position: files.Position | None, given: Sequence[files.File]) -> Finding:
    if position is None:
        return finding
    file = position.file if len(given) > 1 else ""
    return finding.model_copy(update={"file": file, "line": position.line})


def _about(document: files.Document, given: Sequence[files.File]) -> Iterator[Finding]:
    """Find keys that a file has twice, and values that no file gets through."""
    for path, first, second in document.repeated:
        finding = Finding(kind="error", path=path, message=f"is on line {first.line} already")
        yield _placed(finding, second, given)
    for path, position in document.passed_over:
        message = "an earlier file has keys here, so this value counts for nothing, as with upstream"
        yield _placed(Finding(kind="warning", path=path, message=message), position, given)


def _too_large(given: Sequence[files.File]) -> Iterator[Finding]:
    if len(to_upload(given)) > MAX_BYTES:
        yield Finding(kind="error", message=f"the functions read no file above {MAX_BYTES} bytes")


def dropped(labels: Mapping[str, int]) -> tuple[Finding, ...]:
    """Warn of labels that running executions carry and the file has no cluster for, by their counts."""
    return tuple(
        Finding(
            kind="warning",
            path="clusters.labelClusterMap",
            message=f"running executions carry the label {label}, which has no cluster here: {count};"
            " their children would be refused",
            value=count,
        )
        for label, count in labels.items()
    )


def _is_within(path: str, wrong: set[str]) -> bool:
    """Tell whether a key, or something in it, was found wrong."""
    return any(re.match(rf"{re.escape(path)}(\.|\[|$)", whole) for whole in wrong)


def _wrong(known: Mapping[str, object], deployed: Deployed) -> Iterator[Finding]:
    try:
        clusters = Configuration.model_validate(known).clusters
        for fault in faults(clusters, deployed.cluster, is_lambda=deployed.is_lambda):
            yield Finding(kind="error", path=fault.path, message=fault.message)
        yield from _not_permitted(clusters, deployed)
    except ValidationError as error:
        yield from map(_finding, error.errors())


def _not_permitted(clusters: ClustersSection, deployed: Deployed) -> Iterator[Finding]:
    """Find the secrets and roles of enabled clusters that the stack's functions have no right to."""
    for index, entry in enumerate(clusters.cluster_configs):
        uses = (
            ("auth.secretArn", entry.auth.secret_arn, deployed.secrets, "ClusterSecretArns"),
            ("auth.eks.roleArn", entry.auth.eks.role_arn if entry.auth.eks else "", deployed.roles, "ClusterRoleArns"),
        )
        for key, arn, permitted, parameter in uses:
            if entry.enabled and arn and permitted is not None and arn not in permitted:
                message = f"no function may use it: the stack's parameter {parameter} does not name it"
                yield Finding(kind="error", path=f"clusters.clusterConfigs[{index}].{key}", message=message)


def _finding(error: ErrorDetails) -> Finding:
    place = _place(error["loc"])
    value = error["input"]
    match error["type"]:
        case "missing":
            return Finding(kind="error", path=place.path, message="is missing")
        case "value_error":
            message = error["msg"].removeprefix("Value error, ")
        case "string_pattern_mismatch" if place.field is not None and place.field.description:
            message = f"expected {place.field.description}, not {_shown(value)}"
        case kind:
            expected = _EXPECTED.get(kind) or error["msg"].removeprefix("Input should be ")
            message = f"expected {expected}, not {_shown(value)}"
    return Finding(kind="error", path=place.path, message=message, value=value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _place(location: tuple[int | str, ...]) -> _Place:
    """Return the path of a place that pydantic names, in upstream's spelling ("domains[1].name"), and its field."""
    model: type[BaseModel] | None = Configuration
    path, field = "", None
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        field = model.model_fields.get(part) if model else None
        path += f"{'.' if path else ''}{(field.alias if field else None) or part}"
        if field is not None:
            model = next(_models_in(field.annotation), None)
    return _Place(path, field)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _unread(path: str) -> Finding:
    reason = unused_keys.reason(path)
    if reason is not None:
        return Finding(kind="ignored", path=path, message=reason)
    parent, _, name = path.lower().rpartition(".")
    all_known = [*unused_keys.REASONS, *_all_paths(Configuration, "")]
    siblings_last = sorted(all_known, key=lambda known: known.lower().rpartition(".")[0] == parent)
    spellings = {known.lower().rpartition(".")[2]: known for known in siblings_last}
    close = get_close_matches(name, spellings, n=1, cutoff=0.8)
    hint = f"; did you mean {spellings[close[0]]}?" if close else ""
    return Finding(kind="unknown", path=path, message=f"nothing reads a key of this name{hint}")


def _all_paths(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield path
        for section in _models_in(field.annotation):
            yield from _all_paths(section, f"{path}.")


def _accepted(model: type[BaseModel], known: Mapping[str, object], prefix: str) -> Iterator[Finding]:
    for name, value in known.items():
        field = model.model_fields[name]
        path = f"{prefix}{field.alias or name}"
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel) and isinstance(value, dict):
            yield from _accepted(section, value, f"{path}.")
        else:
            yield Finding(kind="accepted", path=path, value=value)
