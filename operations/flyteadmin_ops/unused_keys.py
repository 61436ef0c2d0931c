"""Keys of upstream's `flyteadmin.yaml` that nothing here reads, and why; a key stands for all below it.

Source: the sections that flyteadmin registers (flyteadmin/pkg/runtime/interfaces, pkg/config, auth/config; flytestdlib
database, storage, logger, otelutils, profutils), and those of other programs that share its folder.
"""

from collections.abc import Mapping

_NO_SERVER = "no server process listens: API Gateway and the bridge do"
_NO_PROCESS = "no long-running process: metrics and logs go to CloudWatch"
_NOT_YET = "not served yet"
_PROPELLER = "it configures flytepropeller"
_CALLS = "a function makes one call at a time; how long it takes is bounded"
_CLUSTERS = "clusters.clusterConfigs names the clusters, or the stack's parameters Cluster* the only one"
_STORAGE = "tasks' storage is not limited; ephemeralStorage is read"

REASONS: Mapping[str, str] = {
    "admin": "it configures a client of the API",
    "application": "it configures datacatalog",
    "auth": "callers sign with SigV4; the bridge has its own settings for tokens and certificates",
    "catalog-cache": _PROPELLER,
    "cloudEvents": _NOT_YET,
    "cluster_resources.refreshInterval": "changes are applied within five minutes, everything once a day",
    "cluster_resources.standaloneDeployment": "functions of this stack apply the templates",
    "cluster_resources.templatePath": "the stack's parameter TemplatesPrefix names the templates in its bucket",
    "clusters.clusterConfigs.auth.type": "auth.eks or auth.secretArn says by being there which way in it is",
    "clusters.clusterConfigs.kubeClientConfig": _CALLS,
    "database": "rows are in DynamoDB; there is no SQL database",
    "datacatalog": "it configures datacatalog",
    "externalEvents": _NOT_YET,
    "flyteadmin.asyncEventsBufferSize": "events wait in a queue of SQS",
    "flyteadmin.featureGates": "there are no feature gates",
    "flyteadmin.metadataStoragePrefix": "always metadata/admin: the functions' roles may write there only",
    "flyteadmin.identityAnnotationKeys": _NOT_YET,
    "flyteadmin.identityAnnotationPrefix": _NOT_YET,
    "flyteadmin.injectIdentityAnnotations": _NOT_YET,
    "flyteadmin.metricsKeys": _NO_PROCESS,
    "flyteadmin.metricsScope": _NO_PROCESS,
    "flyteadmin.profilerPort": _NO_PROCESS,
    "flyteadmin.testing": "only upstream's own tests read it",
    "flyteadmin.useOffloadedInputs": "inputs always go to S3",
    "flyteadmin.useOffloadedWorkflowClosure": "closures go to S3 by size: flyteadmin.maxFlyteworkflowBytes",
    "logger": "the functions log JSON to CloudWatch",
    "manager": "it configures flytepropeller's manager",
    "namespace_mapping.mapping": "upstream no longer reads it either; namespace_mapping.template is read",
    "notifications": "executions are announced on the stack's topic; e-mail is not served yet",
    "otel": "the functions send no traces",
    "plugins": _PROPELLER,
    "prof": _NO_PROCESS,
    "propeller": _PROPELLER,
    "qualityOfService": "propeller reads no queueing budget, so nothing would act on it",
    "remoteData.region": "objects are in the stack's region",
    "remoteData.scheme": "objects are in S3",
    "remoteData.signedUrls.signingPrincipal": "a function's own role signs URLs",
    "scheduler": "schedules are not served yet",
    "secrets": _NO_SERVER,
    "server.gracefulShutdownTimeoutSeconds": _NO_SERVER,
    "server.grpc": _NO_SERVER,
    "server.grpcPort": _NO_SERVER,
    "server.grpcServerReflection": _NO_SERVER,
    "server.httpPort": _NO_SERVER,
    "server.kube-config": _CLUSTERS,
    "server.kubeClientConfig": _CALLS,
    "server.master": _CLUSTERS,
    "server.readHeaderTimeoutSeconds": _NO_SERVER,
    "server.security": _NO_SERVER,
    "storage": "objects are in the stack's own bucket",
    "task_resources.defaults.storage": _STORAGE,
    "task_resources.limits.storage": _STORAGE,
    "tasks": _PROPELLER,
    "webhook": _PROPELLER,
}

_BY_LOWER_CASE = {key.lower(): reason for key, reason in REASONS.items()}


def reason(path: str) -> str | None:
    """Return why nothing here reads a key ("server.grpc.port", in any case); None if upstream does not know it."""
    parts = path.lower().split(".")
    longest_first = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_BY_LOWER_CASE[prefix] for prefix in longest_first if prefix in _BY_LOWER_CASE), None)
