"""Check an operator's `flyteadmin.yaml` before, or while, a stack reads it."""

from collections import Counter
from collections.abc import Mapping
from typing import BinaryIO

import click
from pydantic import BaseModel

from flyteadmin.clients import storage
from flyteadmin_ops import labels
from flyteadmin_ops.configuration import Deployed, Finding, check, clusters_in, dropped
from flyteadmin_ops.failures import Refused
from flyteadmin_ops.session import Command, Session


class Report(BaseModel):
    """The findings in a file; `source` is its name or URI, "" where the stack names none.

    `ok` says that the functions read the file as it is meant.
    """

    source: str
    ok: bool
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        """Write one line a finding."""
        return "\n".join(map(_line, self.findings))


@click.command("check-config", cls=Command)
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--strict", is_flag=True, help="Unknown keys are errors too.")
@click.pass_obj
def command(session: Session, file: BinaryIO | None, *, strict: bool) -> None:
    """Check a flyteadmin.yaml: wrong values, unknown keys, what is ignored and why, what is accepted.

    FILE is a path, or - for stdin; without it, the file is checked that the stack reads from its bucket. With --stack
    a FILE is checked for that stack: its cluster's name, and the labels that its running executions carry.
    """
    output = session.output()
    if file is not None and session.stack is None:
        source, findings = file.name, check(file.read())
    else:
        with output.progress("files read"):
            source, findings = _for_stack(session, file)
    fatal = {"error", "unknown"} if strict else {"error"}
    report = Report(source=source, ok=not any(finding.kind in fatal for finding in findings), findings=findings)
    if source or session.as_json:
        output.record(report)
    output.note(f"{source}: {_counts(report)}" if source else "the stack names no file: upstream's defaults hold")
    if not report.ok:
        raise click.exceptions.Exit(1)


def _for_stack(session: Session, file: BinaryIO | None) -> tuple[str, tuple[Finding, ...]]:
    """Check a file, or the one that the stack's ConfigurationKey names; its name or URI, and the findings.

    Raises:
        Refused: the object is not there.
    """
    deployment = session.deployment()
    source, text = (file.name, file.read()) if file is not None else _of_stack(deployment.configuration_uri)
    clusters = clusters_in(text) if source else None
    running = dropped(labels.refused(clusters)) if clusters is not None else ()
    return source, (*running, *check(text, _deployed(deployment.parameters)))


def _deployed(parameters: Mapping[str, str]) -> Deployed:
    def arns(*names: str) -> frozenset[str]:
        return frozenset(arn for name in names for arn in parameters.get(name, "").split(",") if arn)

    return Deployed(
        cluster=parameters.get("ClusterName", ""),
        is_lambda=parameters.get("Stage") != "local",
        secrets=arns("ClusterSecretArns", "ClusterTokenSecretArn"),
        roles=arns("ClusterRoleArns"),
    )


def _of_stack(uri: str) -> tuple[str, bytes]:
    try:
        return uri, storage.read(uri) if uri else b""
    except storage.BlobMissing:
        raise Refused(f"{uri} does not exist; the stack's parameter ConfigurationKey names it") from None


def _line(finding: Finding) -> str:
    place = f"line {finding.line}" if finding.line else ""
    said = f": {finding.message}" if finding.message else f" = {finding.value!r}"
    return f"{finding.kind:<8}  {place:<8}  {finding.path}{said}"


def _counts(report: Report) -> str:
    counts = Counter(finding.kind for finding in report.findings)
    warnings = ("warning",) if counts["warning"] else ()
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("error", *warnings, "unknown", "ignored", "accepted"))
