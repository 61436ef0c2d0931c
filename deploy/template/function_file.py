"""functions/<name>/function.yaml: a function's memory and time, its event source, what it may touch, its alarms.

What follows from the rest is not written there: the log and the right to write it, the variables that name the tables
and the bucket, the routes, the alarm on errors. What it may touch is a decision and always written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from deploy.template.cloudformation import WrongSource, prefix, read

SERVICES = {"tables": "dynamodb", "indexes": "dynamodb", "bucket": "s3", "queue": "sqs", "topic": "sns"}
"""The service prefix of a statement's actions, by the kind of resource."""


@dataclass(frozen=True)
class Known:
    """The names that a function's file may use: tables with their indexes, and logical ids of the frame."""

    tables: Mapping[str, frozenset[str]]
    queues: frozenset[str]
    topics: frozenset[str]
    conditions: frozenset[str]


def _table(name: str, info: ValidationInfo) -> str:
    return _one_of(_known(info).tables, "table", name)


def _queue(name: str, info: ValidationInfo) -> str:
    return _one_of(_known(info).queues, "queue in the frame", name)


def _topic(name: str, info: ValidationInfo) -> str:
    return _one_of(_known(info).topics, "topic in the frame", name)


def _condition(name: str, info: ValidationInfo) -> str:
    return _one_of(_known(info).conditions, "condition in the frame", name)


def _known(info: ValidationInfo) -> Known:
    return cast("Known", info.context)


def _one_of(known: Mapping[str, object] | frozenset[str], kind: str, name: str) -> str:
    if name not in known:
        raise ValueError(f"no {kind} is called {name!r}: {', '.join(sorted(known))}")
    return name


type Table = Annotated[str, AfterValidator(_table)]
type Queue = Annotated[str, AfterValidator(_queue)]
type Topic = Annotated[str, AfterValidator(_topic)]
type Condition = Annotated[str, AfterValidator(_condition)]
type Expression = Any
"""A value of CloudFormation as it is."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Statement(_Strict):
    """A statement of a role: actions on tables and their indexes, on objects of the bucket, on a queue or the topic.

    `actions` are named without their service ("Query"), but for `resources`, which are written as CloudFormation has
    them. `bucket` has patterns of keys. `why` becomes a comment; without `condition` it holds always.
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
            raise ValueError("say one of tables and indexes, bucket, queue, topic, resources")
        for action in self.actions:
            if (":" in action) != (about == {""}):
                raise ValueError(f"{action}: the service is named with resources, and only there")
        for table, names in self.indexes.items():
            for name in names:
                if name != "*":
                    _one_of(_known(info).tables[table], f"index of {table}", name)
        return self


class QueueSource(_Strict):
    """A queue that feeds the function."""

    queue: Queue
    batch_size: int


class StreamSource(_Strict):
    """A table's stream that feeds the function; what it gives up on goes to the queue `on_failure`."""

    stream: Table
    batch_size: int
    maximum_retry_attempts: int
    maximum_record_age_seconds: int
    on_failure: Queue
    filter: str


class Alarm(_Strict):
    """An alarm on a metric of a queue, or without one of the function itself."""

    description: str
    metric: str
    above: int
    queue: Queue | None = None


class PlainRoute(_Strict):
    """A route of API Gateway that belongs to no RPC: "GET /healthcheck", "$default"."""

    key: str = Field(pattern=r"^(\$default|[A-Z]+ /.*)$")
    is_signed: bool = True
    why: str = ""


class FunctionFile(_Strict):
    """A function as its file says; `environment` are variables of its own, `memory` in MB, `timeout` in seconds."""

    description: str
    memory: int | None = Field(default=None, ge=128, le=10240)
    timeout: int | None = Field(default=None, ge=1, le=900)
    calls_cluster: bool = False
    reads_configuration: bool = False
    environment: dict[str, Expression] = {}
    event_source: QueueSource | StreamSource | None = None
    statements: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")], Statement] = {}
    routes: list[PlainRoute] = []
    alarms: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+Alarm$")], Alarm] = {}


@dataclass(frozen=True)
class Function:
    """A function: `name` is its folder's, `file` the path of its file."""

    name: str
    file: str
    says: FunctionFile

    @property
    def prefix(self) -> str:
        """The beginning of its logical ids: "CreateExecution"."""
        return prefix(self.name)

    @property
    def dashed(self) -> str:
        """Its name as AWS's names are written: "create-execution"."""
        return self.name.replace("_", "-")


def functions(root: Path, known: Known) -> Sequence[Function]:
    """Read the file of each folder in functions/, by name.

    Raises:
        WrongSource: a file lacks, or says what can't be.
    """
    return [
        _function(folder, root, known) for folder in sorted(path.parent for path in root.glob("functions/*/handler.py"))
    ]


def _function(folder: Path, root: Path, known: Known) -> Function:
    path = folder / "function.yaml"
    file = str(path.relative_to(root))
    if not path.exists():
        raise WrongSource(f"{file} is missing: each function has one")
    try:
        says = FunctionFile.model_validate(read(path.read_text(), file), context=known)
    except ValidationError as error:
        found = (f"{file}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise WrongSource("\n".join(found)) from None
    return Function(folder.name, file, says)
