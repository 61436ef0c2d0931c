"""Bearer tokens for the API servers of clusters: a service account's, or EKS's for this function or a role."""

import base64
import re
from pathlib import Path

from botocore.credentials import Credentials
from botocore.signers import RequestSigner

from flyteadmin.clients.aws import client, session, translate_errors
from flyteadmin.clusters.targets import Cluster
from flyteadmin.errors import Internal

_TOKEN_SECONDS = 60
_TOKEN = re.compile(r"[\x21-\x7e]+")


def token(cluster: Cluster) -> str:
    """Return a new token for a cluster: the one in its secret or its file, else EKS's.

    Raises:
        Internal: the secret, the file or the role can't be used, or holds no token.
        Unavailable: AWS does not answer.
    """
    if not (cluster.token_secret_arn or cluster.token_path):
        return eks_token(cluster.eks_name, _credentials(cluster))
    found = (_in_secret(cluster) if cluster.token_secret_arn else _in_file(cluster)).strip()
    if not _TOKEN.fullmatch(found):  # the client would print it in its own error
        raise Internal(f"what is kept as the token of cluster {cluster.name} is none")
    return found


def _in_secret(cluster: Cluster) -> str:
    with translate_errors(f"the token of cluster {cluster.name}"):
        return client("secretsmanager").get_secret_value(SecretId=cluster.token_secret_arn)["SecretString"]


def _in_file(cluster: Cluster) -> str:
    try:
        return Path(cluster.token_path).read_text()
    except (OSError, ValueError) as error:
        raise Internal(f"the token of cluster {cluster.name} can't be read from its file") from error


def _credentials(cluster: Cluster) -> Credentials:
    """Return the function's own credentials, or those of the role by which the cluster knows it."""
    if cluster.eks_role_arn:
        with translate_errors(f"the role for cluster {cluster.name}"):
            given = client("sts").assume_role(RoleArn=cluster.eks_role_arn, RoleSessionName="flyteadmin")["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    own = session().get_credentials()
    if own is None:
        raise Internal("no AWS credentials to make the cluster's token from")
    return own


def eks_token(eks_name: str, credentials: Credentials) -> str:
    """Return a bearer token by which an EKS cluster knows whose credentials these are.

    `k8s-aws-v1.` and the presigned URL of GetCallerIdentity in unpadded base64, with EKS's name of the cluster as a
    signed header.
    """
    sts = client("sts")
    region = sts.meta.region_name
    signer = RequestSigner(sts.meta.service_model.service_id, region, "sts", "v4", credentials, session().events)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{sts.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": eks_name},
            "context": {},
        },
        region_name=region,
        expires_in=_TOKEN_SECONDS,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
