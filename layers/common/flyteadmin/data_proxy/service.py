"""Serves the data proxy: uploads, downloads, and data by its flyte:// URL."""

import secrets
from base64 import b64encode
from datetime import UTC, datetime, timedelta

from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, TaskExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.service.dataproxy_pb2 import (
    CreateDownloadLinkRequest,
    CreateDownloadLinkResponse,
    CreateDownloadLocationRequest,
    CreateDownloadLocationResponse,
    CreateUploadLocationRequest,
    CreateUploadLocationResponse,
    GetDataRequest,
    GetDataResponse,
    PreSignedURLs,
)
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.blobs import validate_readable
from flyteadmin.clients import configuration, storage
from flyteadmin.data_proxy import flyte_urls
from flyteadmin.data_proxy.flyte_urls import FlyteUrl, Kind
from flyteadmin.data_proxy.validation import (
    expiry,
    is_same,
    upload_key,
    validate_download_link,
    validate_upload,
)
from flyteadmin.errors import AlreadyExists, InvalidArgument, NotFound
from flyteadmin.identifiers import execution_key
from flyteadmin.node_executions import reading as node_executions
from flyteadmin.projects import repository as projects
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.settings import environment
from flyteadmin.task_executions import reading as task_executions
from flyteadmin.task_executions import repository as task_execution_rows


def create_upload_location(request: CreateUploadLocationRequest) -> CreateUploadLocationResponse:
    """CreateUploadLocation: a URL that takes one PUT of the content with the given MD5 (DAT-01…06).

    Raises:
        InvalidArgument: naming the field; or the project or domain takes nothing (KD-48).
        AlreadyExists: another file has this name, or one without an MD5 to compare it by.
    """
    validate_upload(request)
    current = configuration.current()
    granted = current.server.data_proxy.upload
    lasts = expiry(request.expires_in if request.HasField("expires_in") else None, granted.max_expires_in)
    validate_project_and_domain(projects.read(request.project), request.project, request.domain, current)
    filename = (
        request.filename or secrets.token_hex(granted.default_file_name_length)[: granted.default_file_name_length]
    )
    target = storage.uri(*upload_key(request, filename, granted.storage_prefix))
    is_named = bool(request.filename and request.filename_root)
    signed = storage.presign_put(
        target,
        lasts,
        content_md5=b64encode(request.content_md5).decode(),
        note_md5=request.add_content_md5_metadata,
        only_if_absent=is_named and _is_absent(target, request.content_md5),
    )
    return CreateUploadLocationResponse(
        signed_url=signed.url, native_url=target, expires_at=_from_now(lasts), headers=signed.headers
    )


def _is_absent(target: str, content_md5: bytes) -> bool:
    """Return whether a file is new; its URL then allows one upload only: a second one is refused (KD-48)."""
    stored = storage.head(target)
    if stored is not None and not is_same(content_md5, stored):
        raise AlreadyExists(
            f"file already exists at location [{target}], specify a matching hash if you wish to rewrite"
        )
    return stored is None


def create_download_location(request: CreateDownloadLocationRequest) -> CreateDownloadLocationResponse:
    """CreateDownloadLocation: a URL that reads a blob (DAT-10).

    Raises:
        InvalidArgument: naming the field.
        PermissionDenied: users may not read what lies there.
    """
    granted = configuration.current().server.data_proxy.download
    lasts = expiry(request.expires_in if request.HasField("expires_in") else None, granted.max_expires_in)
    validate_readable(request.native_url, environment().readable)
    return CreateDownloadLocationResponse(
        signed_url=storage.presign_get(request.native_url, lasts), expires_at=_from_now(lasts)
    )


def create_download_link(request: CreateDownloadLinkRequest) -> CreateDownloadLinkResponse:
    """CreateDownloadLink: a URL that reads the deck of a node execution (DAT-08, DAT-09).

    Raises:
        InvalidArgument: naming the field; or there is no such node execution.
        NotFound: it has no deck, or the deck is not there.
        PermissionDenied: its event put it where users may not read.
    """
    validate_download_link(request)
    granted = configuration.current().server.data_proxy.download
    lasts = expiry(request.expires_in if request.HasField("expires_in") else None, granted.max_expires_in)
    links = _deck_links(request.node_execution_id, lasts)
    return CreateDownloadLinkResponse(signed_url=links.signed_url, expires_at=links.expires_at, pre_signed_urls=links)


def _deck_links(identifier: NodeExecutionIdentifier, lasts: timedelta) -> PreSignedURLs:
    try:
        deck = node_executions.existing(identifier).deck_uri
    except (NotFound, InvalidArgument) as error:
        raise InvalidArgument(f"failed to find node execution. Error: {error.message}") from error
    if not deck:
        raise NotFound(f"no deckUrl found for node execution {identifier.node_id}")
    validate_readable(deck, environment().readable, "deck_uri")
    if storage.head(deck) is None:
        raise NotFound("object not found")
    return PreSignedURLs(signed_url=[storage.presign_get(deck, lasts)], expires_at=_from_now(lasts))


def get_data(request: GetDataRequest) -> GetDataResponse:
    """GetData: what a flyte:// URL names, a literal, all of them, or links to a deck (DAT-11, DAT-12).

    Raises:
        InvalidArgument: the URL has another form, or names a literal or attempt that is not there.
        NotFound: there is no such node execution, or no deck.
    """
    url = flyte_urls.parse(request.flyte_url)
    if url.attempt is not None:
        literals = _literals_of_attempt(url)
    elif url.kind is Kind.DECK:
        node_executions.existing(url.node)
        granted = configuration.current().server.data_proxy.download
        return GetDataResponse(pre_signed_urls=_deck_links(url.node, granted.max_expires_in))
    else:
        node = node_executions.existing(url.node)
        data = node_executions.inputs(node) if url.kind is Kind.INPUTS else node_executions.outputs(node)
        literals = data.literals
    if not url.literal:
        return GetDataResponse(literal_map=literals)
    if url.literal not in literals.literals:
        raise InvalidArgument(f"name [{url.literal}] not found in [{request.flyte_url[:300]}]")
    return GetDataResponse(literal=literals.literals[url.literal])


def _literals_of_attempt(url: FlyteUrl) -> LiteralMap:
    rows = task_execution_rows.of_node(execution_key(url.node.execution_id), url.node.node_id)
    row = next((row for row in rows if _attempt(row.identifier) == url.attempt), None)
    if row is None:
        raise InvalidArgument(f"no task executions were listed for attempt {url.attempt} of node {url.node.node_id}")
    if url.kind is Kind.DECK:
        raise InvalidArgument("deck type cannot be specified with a retry attempt, just use the node instead")
    data = task_executions.inputs(row) if url.kind is Kind.INPUTS else task_executions.outputs(row)
    return data.literals


def _attempt(identifier: bytes) -> int:
    return TaskExecutionIdentifier.FromString(identifier).retry_attempt


def _from_now(lasts: timedelta) -> Timestamp:
    end = Timestamp()
    end.FromDatetime(datetime.now(UTC) + lasts)
    return end
