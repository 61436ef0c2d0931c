"""A task's command as propeller fills it in (pluginmachinery/core/template, flytek8s/k8s_resource_adds.go)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import Literal, LiteralMap, Primitive

from local.engine.faults import TemplateFault
from local.engine.identity import generated_name
from local.engine.places import Attempt

_TEMPLATE = re.compile(r"\{\{\s*[.$]([A-Za-z]+)(?:\.([^}\s]+))?\s*\}\}")
_NOT_ALPHABETIC_START, _NOT_ALPHANUMERIC = re.compile(r"^[^a-zA-Z_]+"), re.compile(r"[^a-zA-Z0-9_]+")
FAST_EXECUTE, DESTINATION = "pyflyte-fast-execute", "--dest-dir"
_NOT_IN_PATH = re.compile(r"^\.|[^\w.-]")
_CHECKPOINTS = "_flytecheckpoints"
_GO_EXPONENT_FROM = 1e21


@dataclass(frozen=True)
class Command:
    """A program with its arguments, run without a shell, and its variables besides the host's.

    `reads_template` says that it wants the task's template as a blob.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    reads_template: bool = False


@dataclass(frozen=True)
class Exit:
    """The exit code of a command (-9: killed by signal 9), and the end of its output."""

    code: int
    last_words: str = ""


@dataclass(frozen=True)
class Surroundings:
    """The execution that a command runs in; `workflow` is "project:domain:name"."""

    execution_id: WorkflowExecutionIdentifier
    workflow: str
    namespace: str
    raw_prefix: str
    environment: Mapping[str, str]

    def raw_output_prefix(self, attempt: Attempt, number: int | None = None) -> str:
        """Return the prefix of an attempt's files and data sets, without a slash at its end."""
        tried = attempt.number if number is None else number
        return f"{self.raw_prefix}/{generated_name(self.execution_id.name, attempt.place.unique_id, tried)}"

    def checkpoint_prefix(self, attempt: Attempt) -> str:
        """Return the prefix of an attempt's checkpoint, from which the next attempt may continue."""
        return f"{self.raw_output_prefix(attempt)}/{_CHECKPOINTS}"


def command_of(attempt: Attempt, inputs: LiteralMap, around: Surroundings) -> Command:
    """Return the command of an attempt.

    Raises:
        TemplateFault: its task has no container that could run here, or an argument names an input that is not there.
    """
    container = attempt.template.container
    if attempt.template.WhichOneof("target") != "container" or not (container.command or container.args):
        raise TemplateFault(
            f"task type [{attempt.template.type}] has no container command, which is all that runs here"
        )
    if container.data_config.enabled:
        raise TemplateFault("a raw container needs its image and flytecopilot, which are not at hand here")
    values = _values(attempt, around)
    arguments = _at_home([_filled(each, values, inputs) for each in (*container.command, *container.args)])
    own = {pair.key: pair.value for pair in container.env}
    reads_template = any(attempt.place.template_uri in each for each in arguments)
    return Command(arguments, own | _told(attempt, around) | dict(around.environment), reads_template)


def _at_home(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments, with the attempt's own folder where flytekit names one of the image to unpack code into."""
    if not arguments[0].endswith(FAST_EXECUTE):
        return tuple(arguments)
    before = ["", *arguments]
    return tuple("." if name == DESTINATION else each for name, each in zip(before, arguments, strict=False))


def _values(attempt: Attempt, around: Surroundings) -> dict[str, str]:
    place = attempt.place
    previous = ""
    if attempt.number:
        previous = f"{around.raw_output_prefix(attempt, attempt.number - 1)}/{_CHECKPOINTS}"
    name = generated_name(around.execution_id.name, place.unique_id, attempt.number)
    return {
        "input": place.inputs_uri,
        "inputprefix": place.inputs_directory,
        "outputprefix": place.output_directory,
        "rawoutputdataprefix": around.raw_output_prefix(attempt),
        "prevcheckpointprefix": previous or '""',
        "checkpointoutputprefix": around.checkpoint_prefix(attempt),
        "perretryuniquekey": _NOT_ALPHANUMERIC.sub("_", _NOT_ALPHABETIC_START.sub("a", name)),
        "tasktemplatepath": place.template_uri,
        "namespace": around.namespace,
    }


def _told(attempt: Attempt, around: Surroundings) -> dict[str, str]:
    execution, task = around.execution_id, attempt.template.id
    return {
        "FLYTE_INTERNAL_EXECUTION_WORKFLOW": around.workflow,
        "FLYTE_INTERNAL_EXECUTION_ID": execution.name,
        "FLYTE_INTERNAL_EXECUTION_PROJECT": execution.project,
        "FLYTE_INTERNAL_EXECUTION_DOMAIN": execution.domain,
        "FLYTE_ATTEMPT_NUMBER": str(attempt.number),
        "FLYTE_INTERNAL_TASK_PROJECT": task.project,
        "FLYTE_INTERNAL_TASK_DOMAIN": task.domain,
        "FLYTE_INTERNAL_TASK_NAME": task.name,
        "FLYTE_INTERNAL_TASK_VERSION": task.version,
    }


def _filled(argument: str, values: Mapping[str, str], inputs: LiteralMap) -> str:
    def value(found: re.Match[str]) -> str:
        name, variable = found[1].lower(), found[2]
        if name == "inputs" and variable:
            if variable not in inputs.literals:
                raise TemplateFault(f"input template [{found[0]}]: requested input is not found [{variable}]")
            return _text(inputs.literals[variable], found[0])
        return found[0] if variable else values.get(name, found[0])

    return _TEMPLATE.sub(value, argument)


def _text(literal: Literal, where: str) -> str:
    if literal.WhichOneof("value") == "collection":
        return f"[{','.join(_text(each, where) for each in literal.collection.literals)}]"
    scalar = literal.scalar
    match scalar.WhichOneof("value"):
        case "primitive":
            return _primitive(scalar.primitive)
        case "blob":
            return scalar.blob.uri
        case "schema":
            return scalar.schema.uri
        case kind:
            raise TemplateFault(f"input template [{where}]: a value of kind [{kind}] has no text")


def _primitive(primitive: Primitive) -> str:
    match primitive.WhichOneof("value"):
        case "boolean":
            return str(primitive.boolean).lower()
        case "float_value" if primitive.float_value.is_integer() and abs(primitive.float_value) < _GO_EXPONENT_FROM:
            return str(int(primitive.float_value))
        case "datetime":
            return primitive.datetime.ToJsonString()
        case "duration":
            return str(primitive.duration).strip().replace(": ", ":").replace("\n", " ")
        case kind:
            return str(getattr(primitive, kind or "string_value"))


def log_name(execution: WorkflowExecutionIdentifier, attempt: Attempt) -> str:
    """Return the name of an attempt's log: a relative path of its ids, escaped where a path can't hold them."""
    parts = (execution.project, execution.domain, execution.name, f"{attempt.place.unique_id}-{attempt.number}.txt")
    return "/".join(_NOT_IN_PATH.sub(lambda found: f"_{ord(found[0]):x}_", part) for part in parts)
