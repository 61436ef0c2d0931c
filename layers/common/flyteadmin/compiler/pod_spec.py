"""The part of a Kubernetes pod specification that compiling a pod task reads: its shape and its container names."""

import re
from typing import Annotated

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, ValidationError

from flyteadmin.compiler.quantity import QuantityError, parse_quantity

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_LABEL_LENGTH = 63


def _quantity(value: JsonValue) -> str:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise ValueError("not a quantity")
    try:
        parse_quantity(text)
    except QuantityError as error:
        raise ValueError(str(error)) from error
    return text


def _integral(value: JsonValue) -> JsonValue:
    """Turn whole numbers back into integers: a protobuf Struct knows doubles only."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Quantity = Annotated[str, BeforeValidator(_quantity)]
Integer = Annotated[int, BeforeValidator(_integral)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Resources(_Part):
    limits: dict[str, Quantity] | None = None
    requests: dict[str, Quantity] | None = None


class _EnvironmentVariable(_Part):
    name: str | None = None
    value: str | None = None
    valueFrom: dict[str, JsonValue] | None = None  # noqa: N815 - Kubernetes' name


class _Port(_Part):
    name: str | None = None
    containerPort: Integer | None = None  # noqa: N815 - Kubernetes' name
    protocol: str | None = None


class _VolumeMount(_Part):
    name: str | None = None
    mountPath: str | None = None  # noqa: N815 - Kubernetes' name
    readOnly: bool | None = None  # noqa: N815 - Kubernetes' name


class _Container(_Part):
    name: str | None = None
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    workingDir: str | None = None  # noqa: N815 - Kubernetes' name
    env: list[_EnvironmentVariable] | None = None
    ports: list[_Port] | None = None
    resources: _Resources | None = None
    volumeMounts: list[_VolumeMount] | None = None  # noqa: N815 - Kubernetes' name


class PodSpec(_Part):
    """The fields whose shape is checked; what else Kubernetes knows passes as it is."""

    containers: list[_Container] | None = None
    initContainers: list[_Container] | None = None  # noqa: N815 - Kubernetes' name
    nodeSelector: dict[str, str] | None = None  # noqa: N815 - Kubernetes' name
    restartPolicy: str | None = None  # noqa: N815 - Kubernetes' name
    serviceAccountName: str | None = None  # noqa: N815 - Kubernetes' name
    schedulerName: str | None = None  # noqa: N815 - Kubernetes' name
    hostNetwork: bool | None = None  # noqa: N815 - Kubernetes' name
    tolerations: list[dict[str, JsonValue]] | None = None
    volumes: list[dict[str, JsonValue]] | None = None
    affinity: dict[str, JsonValue] | None = None

    def bad_container_names(self) -> list[str]:
        """Return the container names that are no DNS labels; a missing name is one."""
        names = [container.name or "" for container in self.containers or ()]
        return [name for name in names if len(name) > _DNS_LABEL_LENGTH or not _DNS_LABEL.fullmatch(name)]


def parse_pod_spec(spec: Struct) -> PodSpec | None:
    """Read a pod specification, or give nothing where it has not the shape of one."""
    try:
        return PodSpec.model_validate(MessageToDict(spec))
    except ValidationError:
        return None
