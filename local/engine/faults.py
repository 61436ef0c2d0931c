"""What ends a node or a run early."""

from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.literals_pb2 import Literal, Scalar, Union
from flyteidl.core.types_pb2 import Error, LiteralType, SimpleType, TypeStructure


class BindingFault(Exception):
    """An input can't be resolved; the node fails with "BindingResolutionFailure"."""


class BranchFault(Exception):
    """A branch can't be decided, or is told to fail; the node fails with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code as propeller's branch evaluator names it."""
        super().__init__(message)
        self.code = code


def user_error(code: str, message: str, error_uri: str = "") -> ExecutionError:
    """An error that the user's code or workflow is to blame for."""
    return ExecutionError(code=code, message=message, kind=ExecutionError.USER, error_uri=error_uri)


def system_error(code: str, message: str) -> ExecutionError:
    """An error of the engine or its surroundings."""
    return ExecutionError(code=code, message=message, kind=ExecutionError.SYSTEM)


def error_document(code: str, message: str) -> ErrorDocument:
    """What a task leaves as error.pb when its code raises a recoverable error."""
    error = ContainerError(code=code, message=message, kind=ContainerError.RECOVERABLE, origin=ExecutionError.USER)
    return ErrorDocument(error=error)


def error_literal(node_id: str, error: ExecutionError) -> Literal:
    """What a failure node gets as its input `err` (nodes/resolve.go, ResolveErrorInputLiteralData)."""
    value = Literal(scalar=Scalar(error=Error(message=error.message, failed_node_id=node_id)))
    kind = LiteralType(simple=SimpleType.ERROR, structure=TypeStructure(tag="FlyteError"))
    return Literal(scalar=Scalar(union=Union(value=value, type=kind)))
