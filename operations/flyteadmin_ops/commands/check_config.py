"""Check an operator's `flyteadmin.yaml` before, or while, a stack reads it, and put it there."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from pydantic import BaseModel

from flyteadmin.clients import storage
from flyteadmin_ops import labels
from flyteadmin_ops.aws import Deployment, NotDeployed
from flyteadmin_ops.configuration import IN_AWS, Deployed, Finding, check, clusters_in, dropped, to_upload
from flyteadmin_ops.failures import Refused
from flyteadmin_ops.files import File
from flyteadmin_ops.output import Output
from flyteadmin_ops.session import Command, Session

_READS_NONE = "the stack reads no file; deploy it with the parameter ConfigurationKey=flyteadmin.yaml"


class Report(BaseModel):
    """The findings in files; `source` is their names or the URI, "" where the stack names none.

    `ok` says that the functions read the files as they are meant. `version` is the object's that was written, "" where
    nothing was.
    """

    source: str
    ok: bool
    findings: tuple[Finding, ...]
    version: str = ""

    def __str__(self) -> str:
        """Write one line a finding."""
        return "\n".join(map(_line, self.findings))


@dataclass(frozen=True)
class _Checked:
    """The findings in some files, and the deployment that they were checked for, if there is one."""

    source: str
    findings: tuple[Finding, ...]
    deployment: Deployment | None = None


class _Parameters(click.ParamType[Mapping[str, str]]):
    """Parameters of a deployment, Key=Value …, as `sam deploy --parameter-overrides` takes them."""

    name = "parameters"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Mapping[str, str]:
        """Return the values by their keys."""
        try:
            pairs = [word.partition("=") for word in shlex.split(value)]
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if wrong := next((key for key, equals, _ in pairs if not equals), None):
            self.fail(f"expected Key=Value, not {wrong!r}", param, ctx)
        return {key: found for key, _, found in pairs}


@click.command("check-config", cls=Command)
@click.argument("files", nargs=-1, type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option("--strict", is_flag=True, help="Unknown keys are errors too.")
@click.option("--upload", is_flag=True, help="Write FILES to the stack's bucket, if nothing is wrong with them.")
@click.option(
    "--deploying", type=_Parameters(), metavar="PARAMETERS", help="Check for a deployment to come: Key=Value …"
)
@click.pass_obj
def command(
    session: Session, files: Sequence[Path], *, strict: bool, upload: bool, deploying: Mapping[str, str] | None
) -> None:
    """Check a flyteadmin.yaml: wrong values, unknown keys, what is ignored and why, what is accepted.

    FILES are paths, or - for stdin; several, or a folder's *.yaml, count as one, merged as FlyteAdmin merges its
    folder. Without them, the file is checked that the stack reads from its bucket. With --stack, FILES are checked for
    that stack: its clusters, and the labels that its running executions carry. With --upload, several are written as
    one, without the sections that nothing reads. With --deploying, the stack may not exist yet.
    """
    if upload and (not files or deploying is not None):
        raise click.UsageError("--upload takes FILES, and no --deploying")
    output = session.output()
    given, name = tuple(_read(files)), " ".join(map(str, files))
    with output.progress("files read"):
        if given and session.stack is None and not upload and deploying is None:
            checked = _Checked(name, check(given, IN_AWS))
        else:
            checked = _for_stack(session, name, given, deploying)
    fatal = {"error", "unknown"} if strict else {"error"}
    is_right = not any(finding.kind in fatal for finding in checked.findings)
    version = _write(checked.deployment, given) if upload and is_right and checked.deployment else ""
    _print(output, Report(source=checked.source, ok=is_right, findings=checked.findings, version=version), session)
    if not is_right:
        raise click.exceptions.Exit(1)


def _print(output: Output, report: Report, session: Session) -> None:
    if report.source or session.as_json:
        output.record(report)
    output.note(
        f"{report.source}: {_counts(report)}" if report.source else "there is no file: upstream's defaults hold"
    )
    if report.version:
        output.note(f"written as version {report.version}; functions read it within a minute")


def _read(paths: Sequence[Path]) -> Iterator[File]:
    """Read files, and of folders those whose names end in .yaml, in the order of their names, as upstream does."""
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise click.UsageError(f"no file in {path} ends in .yaml")
        for each in found:
            with click.open_file(str(each), "rb") as stream:
                yield File(str(each), stream.read())


def _for_stack(session: Session, name: str, given: Sequence[File], deploying: Mapping[str, str] | None) -> _Checked:
    """Check files, which the command line calls so, or the one that the stack's ConfigurationKey names.

    Raises:
        NotDeployed: the stack does not exist, and nobody is about to deploy it.
        Refused: the object is not there, or the stack that comes would read none.
    """
    try:
        found = session.deployment()
    except NotDeployed:
        if deploying is None:
            raise
        if given and not deploying.get("ConfigurationKey"):
            raise Refused(_READS_NONE) from None
        return _Checked(name, check(given, _deployed(deploying)))
    deployment = replace(found, parameters={**found.parameters, **(deploying or {})})
    if given and not deployment.configuration_uri and deploying is not None:
        raise Refused(_READS_NONE)
    read = given or tuple(_of_stack(deployment.configuration_uri))
    clusters = clusters_in(read) if read else None
    running = dropped(labels.refused(clusters)) if clusters is not None else ()
    return _Checked(
        name or deployment.configuration_uri, (*running, *check(read, _deployed(deployment.parameters))), deployment
    )


def _deployed(parameters: Mapping[str, str]) -> Deployed:
    def arns(*names: str) -> frozenset[str]:
        return frozenset(arn for name in names for arn in parameters.get(name, "").split(",") if arn)

    return Deployed(
        cluster=parameters.get("ClusterName", ""),
        is_lambda=parameters.get("Stage") != "local",
        secrets=arns("ClusterSecretArns", "ClusterTokenSecretArn"),
        roles=arns("ClusterRoleArns"),
    )


def _of_stack(uri: str) -> Iterator[File]:
    try:
        if uri:
            yield File(uri, storage.read(uri))
    except storage.BlobMissing:
        raise Refused(f"{uri} does not exist; the stack's parameter ConfigurationKey names it") from None


def _write(deployment: Deployment, given: Sequence[File]) -> str:
    """Write files as the stack's object, read it back, and return its version.

    Raises:
        Refused: the stack names no object, or reads another one than was written.
    """
    uri = deployment.configuration_uri
    if not uri:
        raise Refused(_READS_NONE)
    text = to_upload(given)
    version = storage.write(text, uri)
    if storage.read(uri) != text:
        raise Refused(f"{uri} is not what was written as version {version}: somebody replaced it at the same time")
    return version


def _line(finding: Finding) -> str:
    place = f"line {finding.line}" if finding.line else ""
    if finding.file:
        place = f"{finding.file}:{finding.line}"
    said = f": {finding.message}" if finding.message else f" = {finding.value!r}"
    return f"{finding.kind:<8}  {place:<8}  {finding.path}{said}"


def _counts(report: Report) -> str:
    counts = Counter(finding.kind for finding in report.findings)
    warnings = ("warning",) if counts["warning"] else ()
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("error", *warnings, "unknown", "ignored", "accepted"))
