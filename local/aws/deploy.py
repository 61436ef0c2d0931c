"""A SAM build into the local AWS: zips to S3, then CloudFormation. Real AWS is deployed to by `sam deploy`."""

import argparse
import hashlib
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from local.aws.client import DEFAULT_ACCOUNT, ROOT_SECRET, Endpoint

type Report = Callable[[str], None]

_PACKAGED = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold: no file's own time gets into the digest
_POLL_SECONDS = 0.1


class DeploymentFailed(Exception):
    """A stack didn't get where it was going; the message lists the resources that failed and why."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A built template, whose code paths are relative to it, and the name of its stack."""

    template: Path
    stack: str
    parameters: Mapping[str, str]

    @property
    def bucket(self) -> str:
        """The bucket for this stack's zips and template."""
        return f"{self.stack.lower()}-artifacts"


def deploy(
    deployment: Deployment, endpoint: Endpoint, *, account_id: str = DEFAULT_ACCOUNT, report: Report = lambda _: None
) -> dict[str, str]:
    """Create or update the stack and wait for it.

    Args:
        deployment: What to deploy.
        endpoint: Where.
        account_id: The account to deploy into.
        report: Gets a line for each upload and each step of a resource.

    Returns:
        The stack's outputs.

    Raises:
        DeploymentFailed: CloudFormation failed or rolled back.
    """
    s3, cloudformation = endpoint.client("s3", account_id), endpoint.client("cloudformation", account_id)
    _ensure_bucket(s3, deployment.bucket)
    template = packaged(deployment.template, lambda folder: _upload(s3, deployment.bucket, folder, report))
    url = _upload_template(s3, deployment.bucket, template)
    _apply(cloudformation, deployment, url, report)
    _await_versions(cloudformation, endpoint.client("lambda", account_id), deployment.stack)
    return _outputs(cloudformation, deployment.stack)


def packaged(template: Path, upload: Callable[[Path], str]) -> dict[str, Any]:
    """Return a template whose local code folders are replaced by what `upload` returns for each, an `s3://` URI."""
    document: dict[str, Any] = yaml_parse(template.read_text())
    for properties, name in _code_properties(document):
        if isinstance(properties.get(name), str) and not properties[name].startswith("s3://"):
            properties[name] = upload((template.parent / properties[name]).resolve())
    return document


def zipped(folder: Path) -> bytes:
    """Return a folder as a zip with the same bytes for the same content, wherever and whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in _files(folder):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = _mode(file) << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def digest(folder: Path) -> str:
    """Return a SHA-256 over a folder's paths, modes and bytes."""
    total = hashlib.sha256()
    for file in _files(folder):
        total.update(f"{file.relative_to(folder).as_posix()}\0{_mode(file):o}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there: build first")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _mode(file: Path) -> int:
    return 0o755 if file.stat().st_mode & 0o100 else 0o644


def _code_properties(document: Mapping[str, Any]) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    shared = (document.get("Globals") or {}).get("Function")
    if shared:
        yield shared, "CodeUri"
    for resource in document["Resources"].values():
        if name := _PACKAGED.get(resource["Type"]):
            yield resource["Properties"], name


def _ensure_bucket(s3: Any, bucket: str) -> None:
    if bucket not in {existing["Name"] for existing in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket)


def _upload(s3: Any, bucket: str, folder: Path, report: Report) -> str:
    key = f"{digest(folder)}.zip"
    if not _exists(s3, bucket, key):
        report(f"upload {folder.name}")
        s3.put_object(Bucket=bucket, Key=key, Body=zipped(folder))
    return f"s3://{bucket}/{key}"


def _exists(s3: Any, bucket: str, key: str) -> bool:
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"))


def _upload_template(s3: Any, bucket: str, template: Mapping[str, Any]) -> str:
    body = json.dumps(template, default=str).encode()  # YAML reads an unquoted format version as a date
    key = f"{hashlib.sha256(body).hexdigest()}.template"
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def _apply(cloudformation: Any, deployment: Deployment, template_url: str, report: Report) -> None:
    status = _status(cloudformation, deployment.stack)
    if status == "ROLLBACK_COMPLETE":  # a first deployment that failed: CloudFormation can only delete it
        cloudformation.delete_stack(StackName=deployment.stack)
        _follow(cloudformation, deployment.stack, set(), report)
        status = None
    request = {
        "StackName": deployment.stack,
        "TemplateURL": template_url,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in deployment.parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    seen = {event["EventId"] for event in _events(cloudformation, deployment.stack)} if status else set()
    try:
        (cloudformation.update_stack if status else cloudformation.create_stack)(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise DeploymentFailed(f"{deployment.stack}: {error}") from error
    _follow(cloudformation, deployment.stack, seen, report)


def _follow(cloudformation: Any, stack: str, seen: set[str], report: Report) -> None:
    """Report a stack's events until it stands still; `seen` are those of earlier deployments."""
    failures: list[str] = []
    while True:
        status = _status(cloudformation, stack)
        for event in _events(cloudformation, stack) if status else ():
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                line = _rendered(event)
                report(line)
                failures += [line] * event["ResourceStatus"].endswith("_FAILED")
        if status is None or not status.endswith("_IN_PROGRESS"):
            break
        time.sleep(_POLL_SECONDS)
    if status and status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise DeploymentFailed(f"{stack} is {status}:\n" + "\n".join(failures))


def _rendered(event: Mapping[str, Any]) -> str:
    reason = event.get("ResourceStatusReason")
    return f"{event['ResourceStatus']} {event['LogicalResourceId']}" + (f": {reason}" if reason else "")


def _status(cloudformation: Any, stack: str) -> str | None:
    try:
        status: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if status == "DELETE_COMPLETE" else status


def _events(cloudformation: Any, stack: str) -> list[Any]:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    return list(reversed([event for page in pages for event in page["StackEvents"]]))


def _await_versions(cloudformation: Any, functions: Any, stack: str) -> None:
    """Wait for published versions: a SnapStart version is pending for a moment after its stack is complete."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    for resource in (summary for page in pages for summary in page["StackResourceSummaries"]):
        if resource["ResourceType"] == "AWS::Lambda::Version":
            while (
                functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"])["State"] == "Pending"
            ):
                time.sleep(_POLL_SECONDS)


def _outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Deploy, print progress on stderr and the outputs as JSON on stdout; exit 1 with the failed resources."""
    parser = argparse.ArgumentParser(prog="python -m local.aws.deploy", description=__doc__)
    parser.add_argument("--endpoint", default="http://127.0.0.1:4566")
    parser.add_argument("--template", type=Path, default=Path(".aws-sam/build/template.yaml"))
    parser.add_argument("--stack", default="flyte")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT)
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    parameters = dict(text.split("=", 1) for text in options.parameter)
    deployment = Deployment(options.template, options.stack, parameters)
    try:
        outputs = deploy(
            deployment,
            Endpoint(options.endpoint, os.environ.get(ROOT_SECRET, "")),
            account_id=options.account,
            report=lambda line: print(line, file=sys.stderr),
        )
    except (DeploymentFailed, FileNotFoundError) as error:
        sys.exit(str(error))
    print(json.dumps(outputs, indent=2))


if __name__ == "__main__":
    main()
