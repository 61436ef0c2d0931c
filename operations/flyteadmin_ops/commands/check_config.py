"""Check an operator's `flyteadmin.yaml` before, or while, a stack reads it."""

from collections import Counter
from typing import BinaryIO

import click
from pydantic import BaseModel

from flyteadmin.clients import storage
from flyteadmin_ops.configuration import Deployed, Finding, check
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

    FILE is a path, or - for stdin; without it, the file is checked that the stack reads from its bucket.
    """
    if file is not None and session.stack is not None:
        raise click.UsageError("give FILE or --stack, not both")
    output = session.output()
    if file is not None:
        source, findings = file.name, check(file.read())
    else:
        with output.progress("files read"):
            source, findings = _of_stack(session)
    fatal = {"error", "unknown"} if strict else {"error"}
    report = Report(source=source, ok=not any(finding.kind in fatal for finding in findings), findings=findings)
    if source or session.as_json:
        output.record(report)
    output.note(f"{source}: {_counts(report)}" if source else "the stack names no file: upstream's defaults hold")
    if not report.ok:
        raise click.exceptions.Exit(1)


def _of_stack(session: Session) -> tuple[str, tuple[Finding, ...]]:
    """Check the file that the stack's ConfigurationKey names; its URI, "" where there is none, and the findings.

    Raises:
        Refused: the object is not there.
    """
    deployment = session.deployment()
    uri, parameters = deployment.configuration_uri, deployment.parameters
    deployed = Deployed(parameters.get("ClusterName", ""), is_lambda=parameters.get("Stage") != "local")
    try:
        return uri, check(storage.read(uri) if uri else b"", deployed)
    except storage.BlobMissing:
        raise Refused(f"{uri} does not exist; the stack's parameter ConfigurationKey names it") from None


def _line(finding: Finding) -> str:
    place = f"line {finding.line}" if finding.line else ""
    said = f": {finding.message}" if finding.message else f" = {finding.value!r}"
    return f"{finding.kind:<8}  {place:<8}  {finding.path}{said}"


def _counts(report: Report) -> str:
    counts = Counter(finding.kind for finding in report.findings)
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("error", "unknown", "ignored", "accepted"))
