"""The settings of a deployment: the functions' environment and the operator's `flyteadmin.yaml`.

The only reader of `os.environ`. `Environment` is what template.yaml hands to a function; `Configuration` holds the
keys of upstream's `flyteadmin.yaml`, so that an operator can bring the file they have (docs/architecture.md#state).
"""

import os
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from flyteadmin.clusters.sections import ClusterPools, ClustersSection
from flyteadmin.clusters.targets import Cluster, Clusters, clusters_of
from flyteadmin.durations import parse_duration
from flyteadmin.namespaces import validate_template
from flyteadmin.sections import SECTION
from flyteadmin.templates.sections import ClusterResources

RESERVED_PROJECTS = frozenset({"admin", "long-names", "propeller"})
"""Ids that read as a prefix of the bucket, below metadata/: of the registry, of long names, of propeller."""

_QUANTITY = r"^(\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?)?$"
_Quantity = Annotated[str, Field(pattern=_QUANTITY, description="a quantity such as 500m or 2Gi")]


class Environment(BaseModel):
    """The variables that template.yaml sets; a function gets those only that its role may use."""

    model_config = ConfigDict(frozen=True)

    stage: str = Field("", description="production or local, where the function reads the configuration")
    table_prefix: str = ""
    bucket: str = ""
    events_queue_url: str = ""
    dead_letter_queue_url: str = ""
    notifications_topic_arn: str = ""
    notify_failures_queue_url: str = ""
    namespaces_queue_url: str = Field("", description="where namespaces are asked for; empty if nothing makes them")
    templates_prefix: str = Field("", description="where the templates of namespaces lie in the bucket")
    configuration_uri: str = ""
    cluster_name: str = ""
    cluster_endpoint: str = ""
    cluster_certificate_authority: str = Field("", description="PEM, base64 as `aws eks describe-cluster` prints it")
    cluster_token_secret_arn: str = Field("", description="a service-account token instead of the EKS one")
    role_arn: str = Field("", description="this function's own role, for the operator who has to let it in")
    dead_letter_after: int = Field(5, description="receives of one message before it is set aside")
    bridge_role_arn: str = Field("", description="the role whose word counts for who its callers are")
    powertools_metrics_namespace: str = Field("", description="where metrics go: the stack's name; empty for nowhere")
    build: str = Field("unknown", description="the commit that was deployed")
    build_time: str = Field("unknown", description="when that commit was made, ISO 8601")
    readable_data: str = Field("", description="ARNs of the objects that may be handed out, with * and commas")

    @property
    def readable(self) -> tuple[str, ...]:
        """ARNs of the objects that users may read, with *."""
        return tuple(arn for arn in self.readable_data.split(",") if arn)

    @property
    def cluster(self) -> Cluster:
        """The cluster that the `cluster_*` variables describe."""
        return Cluster(
            name=self.cluster_name,
            endpoint=self.cluster_endpoint,
            certificate_authority=self.cluster_certificate_authority,
            token_secret_arn=self.cluster_token_secret_arn,
            eks_name=self.cluster_name,
            role_arn=self.role_arn,
        )


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the environment of this process, read once.

    Raises:
        pydantic.ValidationError: a variable has the wrong form; the deployment is at fault, not a request.
    """
    return Environment.model_validate(
        {name: os.environ[name.upper()] for name in Environment.model_fields if name.upper() in os.environ}
    )


class _Section(BaseModel):
    model_config = SECTION


def _duration(value: object) -> object:
    """Go's text, or its nanoseconds; anything else is left to pydantic."""
    if isinstance(value, str):
        return timedelta(microseconds=parse_duration(value) / 1000)
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(microseconds=value / 1000)
    return value


type GoDuration = Annotated[timedelta, BeforeValidator(_duration)]


class FlyteAdminSection(_Section):
    """The `flyteadmin` section; defaults as upstream's."""

    role_name_key: str = ""
    max_parallelism: int = Field(25, ge=-(2**31), le=2**31 - 1)
    event_version: int = Field(2, ge=0, le=2**31 - 1)
    assumable_iam_role: str = ""
    k8s_service_account: str = Field("", alias="k8sServiceAccount")
    console_url: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    interruptible: bool = False
    overwrite_cache: bool = False
    output_location_prefix: str = Field("", description="where tasks write offloaded data, in s3://")
    envs: dict[str, str] = {}
    attributes_merge: Literal["fields", "row"] = Field(
        "fields",
        description="merge an execution's configuration down the scopes of matchable attributes by field,"
        " or take upstream's single row",
    )
    max_nesting: int = Field(
        100, ge=0, le=1_000_000, description="how many executions may launch one another; upstream has no limit"
    )
    recover_in_any_phase: bool = Field(
        default=False, description="let people recover executions that run or have succeeded, as upstream does"
    )
    max_flyteworkflow_bytes: int = Field(
        1024 * 1024, ge=0, description="above it, the closure goes to S3; etcd takes 1.5 MB"
    )


class Domain(_Section):
    """One entry of `domains`."""

    id: str
    name: str


class TaskResourceSet(_Section):
    """Quantities as Kubernetes writes them; an empty string is unset."""

    cpu: _Quantity = ""
    memory: _Quantity = ""
    gpu: _Quantity = ""
    ephemeral_storage: _Quantity = ""


class TaskResources(_Section):
    """The `task_resources` section (RES-01); what a part leaves out keeps its default, as with upstream."""

    defaults: TaskResourceSet = TaskResourceSet(cpu="2", memory="200Mi")
    limits: TaskResourceSet = TaskResourceSet(cpu="2", memory="1Gi", gpu="1")

    @field_validator("defaults", "limits", mode="before")
    @classmethod
    def _completed(cls, given: object, field: ValidationInfo) -> object:
        default = cls.model_fields[field.field_name or ""].default
        return default.model_dump() | given if isinstance(given, dict) else given


class NamespaceMapping(_Section):
    """The `namespace_mapping` section; only `{{ project }}` and `{{ domain }}` are replaced, and both must be there."""

    template: str = "{{ project }}-{{ domain }}"


class ExecutionQueue(_Section):
    """A queue, and the tags by which a workflow gets it."""

    dynamic: str = ""
    attributes: tuple[str, ...] = ()


class WorkflowQueueTags(_Section):
    """The tags of a domain's workflows; of all domains without an entry, where it names none."""

    domain: str = ""
    tags: tuple[str, ...] = ()


class Queues(_Section):
    """The `queues` section (QUE-01…05)."""

    execution_queues: tuple[ExecutionQueue, ...] = ()
    workflow_configs: tuple[WorkflowQueueTags, ...] = ()


class Registration(_Section):
    """The `registration` section; 0 is unlimited."""

    max_workflow_nodes: int = Field(100, ge=0)
    max_label_entries: int = Field(0, ge=0)
    max_annotation_entries: int = Field(0, ge=0)
    workflow_size_limit: str = Field("", description="a quantity such as 100Mi", pattern=_QUANTITY)


class SignedUrls(_Section):
    """The URLs that data RPCs sign for data too large for an answer."""

    enabled: bool = False
    duration_minutes: int = Field(3, ge=1, le=7 * 24 * 60)


class RemoteData(_Section):
    """The `remoteData` section; sizes in bytes."""

    max_size_in_bytes: int = Field(2 * 1024 * 1024, ge=0, description="0 is unlimited")
    signed_urls: SignedUrls = SignedUrls()
    inline_event_data_policy: Literal["Offload", "StoreInline"] = "Offload"


class Upload(_Section):
    """The limits of CreateUploadLocation."""

    max_expires_in: GoDuration = timedelta(hours=1)
    default_file_name_length: int = Field(20, ge=1, le=255)
    storage_prefix: str = Field("", description="below uploads/, which the role may write to")


class Download(_Section):
    """The limits of CreateDownloadLocation and CreateDownloadLink."""

    max_expires_in: GoDuration = timedelta(hours=1)


class DataProxy(_Section):
    """The `dataProxy` section of `server`."""

    upload: Upload = Upload()
    download: Download = Download()


class Server(_Section):
    """The `server` section, of which most is about a process that listens."""

    data_proxy: DataProxy = DataProxy()


class WhitelistScope(_Section):
    """The scope of a task type in `task_type_whitelist`; a blank part matches any."""

    project: str = ""
    domain: str = ""


class Configuration(_Section):
    """The operator's `flyteadmin.yaml`; a missing section has upstream's defaults."""

    flyteadmin: FlyteAdminSection = FlyteAdminSection()
    domains: tuple[Domain, ...] = tuple(Domain(id=name, name=name) for name in ("development", "staging", "production"))
    projects: tuple[str, ...] = Field(("flytesnacks",), description="seeded on the first deployment")
    task_resources: TaskResources = Field(TaskResources(), alias="task_resources")
    task_type_whitelist: dict[str, tuple[WhitelistScope, ...]] = Field({}, alias="task_type_whitelist")
    namespace_mapping: NamespaceMapping = Field(NamespaceMapping(), alias="namespace_mapping", validate_default=True)
    queues: Queues = Queues()
    registration: Registration = Registration()
    remote_data: RemoteData = RemoteData()
    server: Server = Server()
    clusters: ClustersSection = ClustersSection()
    cluster_pools: ClusterPools = ClusterPools()
    cluster_resources: ClusterResources = Field(ClusterResources(), alias="cluster_resources")

    @field_validator("domains")
    @classmethod
    def _have_ids_of_their_own(cls, given: tuple[Domain, ...]) -> tuple[Domain, ...]:
        if not given or len({domain.id for domain in given}) < len(given):
            raise ValueError("give at least one domain, and each an id of its own")
        return given

    @field_validator("projects")
    @classmethod
    def _are_no_prefixes(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for project in RESERVED_PROJECTS.intersection(given):
            raise ValueError(f"blobs of others lie below metadata/{project}/; choose another id than {project!r}")
        return given

    @field_validator("namespace_mapping")
    @classmethod
    def _is_one_for_each(cls, given: NamespaceMapping, checked: ValidationInfo) -> NamespaceMapping:
        validate_template(given.template, [domain.id for domain in checked.data.get("domains", ())])
        return given


def deployed_clusters(configuration: Configuration) -> Clusters:
    """Return the clusters of this deployment: the file's, or the one of the stack's parameters."""
    return clusters_of(configuration.clusters, environment().cluster)
