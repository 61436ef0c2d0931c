"""Read functions/<name>/function.yaml: a function's memory and time, event source, permissions and alarms.

The file leaves out what follows from it: the log and the permission to write to it, polling the event source, the
variables that name tables and bucket, routes, the alarm on errors. Permissions of the function's own code are always
written: they are a decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from deploy.template.cloudformation import InvalidSource, pascal_case, read

SERVICES = {"tables": "dynamodb", "indexes": "dynamodb", "bucket": "s3", "queue": "sqs", "topic": "sns"}
"""The service of a statement's actions, by the field that names its resources."""


@dataclass(frozen=True)
class TemplateNames:
    """The names that function.yaml can refer to: tables with their indexes, and logical ids in the frame."""

    tables: Mapping[str, frozenset[str]]
    queues: frozenset[str]
    topics: frozenset[str]
    conditions: frozenset[str]


def _table(name: str, info: ValidationInfo) -> str:
    return _one_of(_names(info).tables, "table", name)


def _queue(name: str, info: ValidationInfo) -> str:
    return _one_of(_names(info).queues, "queue in the frame", name)


def _topic(name: str, info: ValidationInfo) -> str:
    return _one_of(_names(info).topics, "topic in the frame", name)


def _condition(name: str, info: ValidationInfo) -> str:
    return _one_of(_names(info).conditions, "condition in the frame", name)


def _names(info: ValidationInfo) -> TemplateNames:
    return cast("TemplateNames", info.context)


def _one_of(known: Mapping[str, object] | frozenset[str], kind: str, name: str) -> str:
    if name not in known:
        raise ValueError(f"no {kind} is called {name!r}: {', '.join(sorted(known))}")
    return name


type Table = Annotated[str, AfterValidator(_table)]
type Queue = Annotated[str, AfterValidator(_queue)]
type Topic = Annotated[str, AfterValidator(_topic)]
type Condition = Annotated[str, AfterValidator(_condition)]
type Expression = Any
"""A value of CloudFormation, used unchanged."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Statement(_Strict):
    """A permission: actions on tables and their indexes, on objects of the bucket, on a queue or on the topic.

    `actions` are written without their service ("Query"). `bucket` lists patterns of keys. `resources` is for any other
    resource, an expression of CloudFormation; its actions name their service ("s3:ListBucket"). With `condition`, a
    condition of the frame, the permission is granted only where it is true. `why` becomes a comment.
    """

    actions: list[Annotated[str, Field(pattern=r"^([a-z0-9]+:)?[A-Z][A-Za-z]+$")]] = Field(min_length=1)
    tables: list[Table] = []
    indexes: dict[Table, list[str]] = {}
    bucket: list[str] = []
    queue: Queue | None = None
    topic: Topic | None = None
    resources: Expression = None
    condition: Condition | None = None
    why: str = ""

    @model_validator(mode="after")
    def _is_about_one_thing(self, info: ValidationInfo) -> "Statement":
        about = {SERVICES.get(field, "") for field in (*SERVICES, "resources") if getattr(self, field)}
        if len(about) != 1:
            raise ValueError("name one of: tables and indexes, bucket, queue, topic, resources")
        for action in self.actions:
            if (":" in action) != (about == {""}):
                raise ValueError(f"{action}: actions on resources name their service, others do not")
        for table, names in self.indexes.items():
            for name in names:
                if name != "*":
                    _one_of(_names(info).tables[table], f"index of {table}", name)
        return self


class QueueSource(_Strict):
    """A queue that the function reads, while a condition of the frame is true if one is named."""

    queue: Queue
    batch_size: int
    condition: Condition | None = None


class StreamSource(_Strict):
    """A table's stream that the function reads; records that failed too often or are too old go to `on_failure`.

    Without a `filter` the function reads all. With a `condition` of the frame it reads while that is true.
    """

    stream: Table
    batch_size: int
    maximum_retry_attempts: int
    maximum_record_age_seconds: int
    on_failure: Queue
    filter: str | None = None
    condition: Condition | None = None


class Schedule(_Strict):
    """The time between two calls of the function, such as "5 minutes", on while a condition of the frame is true."""

    every: str = Field(pattern=r"^[1-9][0-9]* (minutes|hours|days)$")
    condition: Condition


class Alarm(_Strict):
    """An alarm on a metric of a queue, or of the function itself if no queue is named."""

    description: str
    metric: str
    above: int
    queue: Queue | None = None


class PlainRoute(_Strict):
    """A route of API Gateway by its key, such as "GET /healthcheck" or "$default"."""

    key: str = Field(pattern=r"^(\$default|[A-Z]+ /.*)$")
    is_signed: bool = True
    why: str = ""


class FunctionDefinition(_Strict):
    """The content of function.yaml.

    `memory` is in MB, `timeout` in seconds; the frame's Globals have the defaults. `calls_cluster` brings the cluster's
    client, its variables, its token and the VPC; `reads_configuration` brings flyteadmin.yaml and the permission to
    read it. `environment` has further variables, `routes` those beside the routes of RPCs. `event_source` may be
    several streams; `schedule` calls the function at intervals.
    """

    description: str
    memory: int | None = Field(default=None, ge=128, le=10240)
    timeout: int | None = Field(default=None, ge=1, le=900)
    calls_cluster: bool = False
    reads_configuration: bool = False
    environment: dict[str, Expression] = {}
    event_source: QueueSource | StreamSource | list[StreamSource] | None = None
    schedule: Schedule | None = None
    statements: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")], Statement] = {}
    routes: list[PlainRoute] = []
    alarms: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+Alarm$")], Alarm] = {}

    @property
    def sources(self) -> Sequence[QueueSource | StreamSource]:
        """All that the function reads."""
        if isinstance(self.event_source, list):
            return self.event_source
        return [self.event_source] if self.event_source else []


@dataclass(frozen=True)
class Function:
    """A function: `name` is that of its folder, `file` the path of its function.yaml."""

    name: str
    file: str
    definition: FunctionDefinition

    @property
    def prefix(self) -> str:
        """The beginning of its logical ids: "CreateExecution"."""
        return pascal_case(self.name)

    @property
    def dashed(self) -> str:
        """Its name in names of AWS: "create-execution"."""
        return self.name.replace("_", "-")


def read_functions(root: Path, names: TemplateNames) -> Sequence[Function]:
    """Read function.yaml of each function, sorted by name.

    Raises:
        InvalidSource: a file is missing or invalid.
    """
    folders = sorted(path.parent for path in root.glob("functions/*/handler.py"))
    return [_read_function(folder, root, names) for folder in folders]


def _read_function(folder: Path, root: Path, names: TemplateNames) -> Function:
    path = folder / "function.yaml"
    file = str(path.relative_to(root))
    if not path.exists():
        raise InvalidSource(f"{file} is missing: each function has one")
    try:
        definition = FunctionDefinition.model_validate(read(path.read_text(), file), context=names)
    except ValidationError as error:
        found = (f"{file}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InvalidSource("\n".join(found)) from None
    return Function(folder.name, file, definition)
