"""The callers of AWS in the local stack, each with exactly the rights that it has in a cluster."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TypedDict

from botocore.credentials import Credentials

from local.aws.client import REGION, Endpoint

STACK = "flyteadmin"
ACCOUNT = "000000000000"
CONFIGURATION_KEY = "config/flyteadmin.yaml"
TEMPLATES_PREFIX = "config/templates/"
BRIDGE_ROLE = "bridge"
BRIDGE_ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{BRIDGE_ROLE}"
_BRIDGE_POLICY = Path(__file__).parents[1] / "deploy" / "kubernetes" / "bridge-policy.json"
_PROFILE = """\
[profile {role}]
role_arn = {arn}
source_profile = host
[profile host]
aws_access_key_id = {host.access_key}
aws_secret_access_key = {host.secret_key}
"""


class Statement(TypedDict):
    """One of a policy."""

    Effect: str
    Action: list[str]
    Resource: list[str]


def calling(outputs: Mapping[str, str]) -> Statement:
    """Return the rights to call the API."""
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{outputs['ApiId']}/*"
    return {"Effect": "Allow", "Action": ["execute-api:Invoke"], "Resource": [resource]}


def _bridging(outputs: Mapping[str, str]) -> list[Statement]:
    """Return the rights of the bridge's role, as in deploy/kubernetes/bridge-policy.json."""
    text = _BRIDGE_POLICY.read_text()
    names = {
        "PARTITION": "aws",
        "REGION": REGION,
        "ACCOUNT": ACCOUNT,
        "STACK": STACK,
        "API": outputs["ApiId"],
        "BUCKET": outputs["Bucket"],
        "QUEUE": outputs["EventsQueueUrl"].rpartition("/")[2],
        "CONFIGURATION": CONFIGURATION_KEY,
    }
    statements: list[Statement] = json.loads(Template(text).substitute(names))["Statement"]
    return statements


def keeping_data(outputs: Mapping[str, str]) -> list[Statement]:
    """Return the rights of the cluster's role: propeller and its tasks write data to the bucket and read code."""
    places = [f"arn:aws:s3:::{outputs['Bucket']}/{prefix}/*" for prefix in ("metadata/propeller", "raw")]
    return [{"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": places}, *reading_data(outputs)]


def reading_data(outputs: Mapping[str, str]) -> list[Statement]:
    """Return the rights to read all data of executions; listing lets S3 answer "missing" instead of "forbidden"."""
    bucket = f"arn:aws:s3:::{outputs['Bucket']}"
    places = [f"{bucket}/{prefix}/*" for prefix in ("metadata", "raw", "uploads")]
    return [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": places},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket]},
    ]


def _policy(statements: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user(endpoint: Endpoint, name: str, statements: Sequence[Statement]) -> Credentials:
    """Return an IAM user that may do this, and nothing else."""
    iam = endpoint.client("iam", ACCOUNT)
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=_policy(statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def bridge_profile(endpoint: Endpoint, outputs: Mapping[str, str]) -> str:
    """Return the bridge under a role of its own, which botocore assumes anew before its session ends."""
    assuming: Statement = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [BRIDGE_ROLE_ARN]}
    host = user(endpoint, "bridge-host", [assuming])
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    iam = endpoint.client("iam", ACCOUNT)
    iam.create_role(RoleName=BRIDGE_ROLE, AssumeRolePolicyDocument=_policy([trust]))
    iam.put_role_policy(RoleName=BRIDGE_ROLE, PolicyName="bridge", PolicyDocument=_policy(_bridging(outputs)))
    return _PROFILE.format(role=BRIDGE_ROLE, arn=BRIDGE_ROLE_ARN, host=host)
