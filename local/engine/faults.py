"""Errors that end a node or a run early."""

import asyncio

from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.literals_pb2 import Literal, Scalar, Union
from flyteidl.core.types_pb2 import Error, LiteralType, SimpleType, TypeStructure

_MAX_MESSAGE_BYTES = 256 * 1024
_CUT = "\n … (cut) …\n".encode()
AUTO_ABORT = "Some node execution failed, auto-abort."


class BindingFault(Exception):
    """An input can't be resolved; the node fails with "BindingResolutionFailure"."""


class BranchFault(Exception):
    """A branch can't be decided, or is told to fail; the node fails with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code as propeller's branch evaluator names it."""
        super().__init__(message)
        self.code = code


class ArrayFault(Exception):
    """An array node's inputs don't make an array; the node fails with "InvalidArrayLength"."""


class TemplateFault(Exception):
    """A task's command can't be filled in, or is of a kind that can't be run here."""


class Superseded(Exception):
    """FlyteAdmin holds another terminal phase: nothing more is to be said."""


class Lost(Exception):
    """The execution can't go on; it fails with this error."""

    def __init__(self, error: ExecutionError) -> None:
        """Keep the error that the execution fails with."""
        super().__init__(error.message)
        self.error = error


def reason_of(stop: asyncio.CancelledError | Lost) -> str:
    """Why something stops that had not ended: what `Task.cancel` was told, or propeller's words."""
    if isinstance(stop, Lost):
        return AUTO_ABORT
    return str(stop.args[0]) if stop.args else "node timed out"


def user_error(code: str, message: str) -> ExecutionError:
    """Return an error that the user's code or workflow is to blame for."""
    return ExecutionError(code=code, message=message, kind=ExecutionError.USER)


def system_error(code: str, message: str) -> ExecutionError:
    """Return an error of the engine or its surroundings."""
    return ExecutionError(code=code, message=message, kind=ExecutionError.SYSTEM)


def documented_error(document: ErrorDocument, uri: str) -> tuple[ExecutionError, bool]:
    """Return the error of an error.pb, and whether to retry (ioutils/remote_file_output_reader.go)."""
    if not document.HasField("error"):
        return system_error("ErrorFileBadFormat", f"error not formatted correctly, nil error @path [{uri}]"), True
    told = document.error
    error = ExecutionError(
        code=told.code,
        message=_both_ends(told.message),
        kind=told.origin,
        timestamp=told.timestamp if told.HasField("timestamp") else None,
        worker=told.worker,
    )
    return error, told.kind == ContainerError.RECOVERABLE


def _both_ends(message: str) -> str:
    """Return a message of at most 256 KiB: of a longer one, its beginning and its end, where a traceback says most."""
    text = message.encode(errors="replace")
    if len(text) <= _MAX_MESSAGE_BYTES:
        return message
    half = (_MAX_MESSAGE_BYTES - len(_CUT)) // 2
    return (text[:half] + _CUT + text[-half:]).decode(errors="ignore")


def error_literal(node_id: str, error: ExecutionError) -> Literal:
    """Return the input `err` of a failure node (nodes/resolve.go, ResolveErrorInputLiteralData)."""
    value = Literal(scalar=Scalar(error=Error(message=error.message, failed_node_id=node_id)))
    kind = LiteralType(simple=SimpleType.ERROR, structure=TypeStructure(tag="FlyteError"))
    return Literal(scalar=Scalar(union=Union(value=value, type=kind)))
