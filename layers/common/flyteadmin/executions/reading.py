"""What happens when executions are read, whole or with their data."""

from dataclasses import dataclass
from datetime import timedelta

from flyteidl.admin.common_pb2 import UrlBlob
from flyteidl.admin.execution_pb2 import (
    Execution,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from google.protobuf.message import DecodeError

from flyteadmin.clients import configuration, storage
from flyteadmin.errors import Internal, InvalidArgument, NotFound, missing
from flyteadmin.executions import messages, repository
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.identifiers import execution_key
from flyteadmin.observability import logger
from flyteadmin.settings import SignedUrls


def get(request: WorkflowExecutionGetRequest) -> Execution:
    """GetExecution.

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such execution.
    """
    return messages.execution(existing(request.id))


def get_data(request: WorkflowExecutionGetDataRequest) -> WorkflowExecutionGetDataResponse:
    """GetExecutionData: inputs as resolved at create, outputs once there are any (GET-05…10); errors as `get`."""
    stored = existing(request.id)
    inline = stored.state.output_data
    inputs = remote_data(stored.specification.inputs_uri)
    outputs = remote_data(stored.state.outputs_uri, LiteralMap.FromString(inline) if inline else None)
    return WorkflowExecutionGetDataResponse(
        inputs=inputs.url, outputs=outputs.url, full_inputs=inputs.literals, full_outputs=outputs.literals
    )


@dataclass(frozen=True)
class RemoteData:
    """Inputs or outputs: in full, unless they are too large beside a signed URL, and that URL if URLs are signed."""

    literals: LiteralMap
    url: UrlBlob


def remote_data(uri: str | None, inline: LiteralMap | None = None) -> RemoteData:
    """What lies at a URI, or came with an event, as the operator wants it handed out (GET-06…10).

    Without signed URLs it is always whole: a client would have no other way to it, and a large answer is a redirect.
    A limit of 0 is none, for events too (KD-38).

    Raises:
        InvalidArgument: a URL is to be signed for something that is not an s3:// URI.
        Internal: a URL is to be signed for an object that is not there.
    """
    here = configuration.current().remote_data
    url = _signed(uri, here.signed_urls) if uri and here.signed_urls.enabled else UrlBlob()
    size = inline.ByteSize() if inline is not None else url.bytes
    if here.max_size_in_bytes and size >= here.max_size_in_bytes:
        return RemoteData(LiteralMap(), url)
    return RemoteData(inline if inline is not None else read_literals(uri), url)


def _signed(uri: str, how: SignedUrls) -> UrlBlob:
    stored = storage.head(uri)
    if stored is None:
        raise Internal(f"failed to get object size for {uri}")
    return UrlBlob(url=storage.presign_get(uri, timedelta(minutes=how.duration_minutes)), bytes=stored.size)


def read_literals(uri: str | None) -> LiteralMap:
    """The literals at a URI; none where there is no URI, none and a log line where they can't be read (GET-09)."""
    if not uri:
        return LiteralMap()
    try:
        return LiteralMap.FromString(storage.read(uri))
    except (storage.BlobMissing, InvalidArgument, Internal, DecodeError) as error:
        logger.warning("literals can't be read", extra={"uri": uri, "cause": type(error).__name__})
        return LiteralMap()


def existing(identifier: WorkflowExecutionIdentifier) -> StoredExecution:
    """Both items of an execution; errors as `get`."""
    validate_identifier(identifier)
    stored = repository.read(execution_key(identifier))
    if stored is None:
        raise missing_execution(identifier)
    return stored


def missing_execution(identifier: WorkflowExecutionIdentifier) -> NotFound:
    """The error for an execution that there is not, in upstream's wording."""
    return NotFound(
        "missing entity of type execution with identifier"
        f" project:{identifier.project} domain:{identifier.domain} name:{identifier.name}"
    )


def validate_identifier(identifier: WorkflowExecutionIdentifier) -> None:
    """Check that an execution's identifier is whole (VAL-03, GET-01).

    Raises:
        InvalidArgument: naming the missing field.
    """
    for field in ("project", "domain", "name"):
        if not getattr(identifier, field):
            raise missing(field)
