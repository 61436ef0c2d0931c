"""The Kubernetes API of a cluster that runs workflows; the only module that imports `kubernetes`."""

import base64
import tempfile
import time
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from botocore.signers import RequestSigner
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import HTTPError

from flyteadmin.clients.aws import client, faults, session
from flyteadmin.errors import Internal, Unavailable
from flyteadmin.settings import Cluster

GROUP, VERSION, PLURAL = "flyte.lyft.com", "v1alpha1", "flyteworkflows"

_TOKEN_SECONDS = 60
_TOKEN_USED_SECONDS = 600
_TIMEOUT_SECONDS = (2, 10)
_CLIENTS_KEPT = 8
_ALREADY_EXISTS = "AlreadyExists"
_NOT_FOUND = 404
_UNREACHABLE = "the cluster can't be reached right now"
_AMBIGUOUS = frozenset({0, 401, 408, 429})


class Refused(Exception):
    """The cluster refuses the resource for good; `reason` is Kubernetes' word, e.g. "Forbidden"."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep both."""
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class _Status(BaseModel):
    reason: str = ""
    message: str = ""


def create(cluster: Cluster, namespace: str, body: object) -> None:
    """Create a FlyteWorkflow; one of that name that exists already counts as created (CRE-33).

    Raises:
        Refused: the API server answered 4xx and will answer so again.
        Unavailable: a time-out, a 5xx or throttling: the resource may exist or not.
    """
    try:
        _api(cluster).create_namespaced_custom_object(
            GROUP, VERSION, namespace, PLURAL, body, _request_timeout=_TIMEOUT_SECONDS
        )
    except ApiException as error:
        _raise(error)
    except HTTPError as error:
        raise Unavailable(_UNREACHABLE) from error


def delete(cluster: Cluster, namespace: str, name: str) -> bool:
    """Delete a FlyteWorkflow and tell whether there was one; its finalizer keeps it until propeller has aborted it.

    Raises:
        Refused: the API server answered 4xx and will answer so again.
        Unavailable: a time-out, a 5xx or throttling: it may be deleted or not.
    """
    try:
        _api(cluster).delete_namespaced_custom_object(
            GROUP,
            VERSION,
            namespace,
            PLURAL,
            name,
            propagation_policy="Background",
            _request_timeout=_TIMEOUT_SECONDS,
        )
    except ApiException as error:
        if error.status == _NOT_FOUND:
            return False
        _raise(error)
    except HTTPError as error:
        raise Unavailable(_UNREACHABLE) from error
    return True


def _raise(error: ApiException) -> None:
    try:
        status = _Status.model_validate_json(error.body or "{}")
    except ValidationError:
        status = _Status(message=str(error.reason))
    if error.status == 409 and status.reason == _ALREADY_EXISTS:
        return
    if error.status in _AMBIGUOUS or error.status >= 500:
        raise Unavailable(f"the cluster answered {error.status}") from error
    raise Refused(status.reason or str(error.status), status.message) from error


def _api(cluster: Cluster) -> CustomObjectsApi:
    return _api_until(cluster, int(time.time()) // _TOKEN_USED_SECONDS)


@lru_cache(maxsize=_CLIENTS_KEPT)
def _api_until(cluster: Cluster, _period: int) -> CustomObjectsApi:
    """A cluster's API client, whose token is younger than ten minutes; EKS takes one for fifteen."""
    if not cluster.endpoint:
        raise Internal("no cluster is configured: set the stack's ClusterEndpoint")
    configuration = Configuration()
    configuration.host = cluster.endpoint
    configuration.api_key = {"authorization": f"Bearer {_token(cluster)}"}
    configuration.ssl_ca_cert = _authority(cluster.certificate_authority)
    configuration.retries = False
    return CustomObjectsApi(ApiClient(configuration))


@lru_cache(maxsize=_CLIENTS_KEPT)
def _authority(certificate: str) -> str | None:
    """Write a certificate, PEM in base64, where the client reads it from: a file of its own for each."""
    if not certificate:
        return None
    file = Path(tempfile.gettempdir()) / f"cluster-ca-{sha256(certificate.encode()).hexdigest()[:16]}.pem"
    file.write_bytes(base64.b64decode(certificate))
    return str(file)


def _token(cluster: Cluster) -> str:
    """The service-account token where the cluster has one, else EKS's: a presigned GetCallerIdentity."""
    if cluster.token_secret_arn:
        with faults("the cluster's token"):
            return client("secretsmanager").get_secret_value(SecretId=cluster.token_secret_arn)["SecretString"]
    return eks_token(cluster.name)


def eks_token(cluster_name: str) -> str:
    """A bearer token by which an EKS cluster knows this function's role.

    `k8s-aws-v1.` and the presigned URL in unpadded base64, with the cluster's name as a signed header.
    """
    sts = client("sts")
    credentials = session().get_credentials()
    if credentials is None:
        raise Internal("no AWS credentials to make the cluster's token from")
    region = sts.meta.region_name
    signer = RequestSigner(sts.meta.service_model.service_id, region, "sts", "v4", credentials, session().events)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{sts.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster_name},
            "context": {},
        },
        region_name=region,
        expires_in=_TOKEN_SECONDS,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
