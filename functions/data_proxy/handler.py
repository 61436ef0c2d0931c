"""Data is uploaded and downloaded through URLs that this function's role signs, and looked at by its flyte:// URL."""

from flyteidl.service.dataproxy_pb2 import (
    CreateDownloadLinkRequest,
    CreateDownloadLinkResponse,
    CreateDownloadLocationRequest,
    CreateDownloadLocationResponse,
    CreateUploadLocationRequest,
    CreateUploadLocationResponse,
    GetDataRequest,
    GetDataResponse,
)

from flyteadmin.api.handler import api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.clients.storage import offload_answer
from flyteadmin.data_proxy import service


def create_upload_location(request: CreateUploadLocationRequest, _caller: Identity) -> CreateUploadLocationResponse:
    """POST /api/v1/dataproxy/artifact_urn."""
    return service.create_upload_location(request)


def create_download_location(
    request: CreateDownloadLocationRequest, _caller: Identity
) -> CreateDownloadLocationResponse:
    """GET /api/v1/dataproxy/artifact_urn."""
    return service.create_download_location(request)


def create_download_link(request: CreateDownloadLinkRequest, _caller: Identity) -> CreateDownloadLinkResponse:
    """POST /api/v1/dataproxy/artifact_link."""
    return service.create_download_link(request)


def get_data(request: GetDataRequest, _caller: Identity) -> GetDataResponse:
    """GET /api/v1/data."""
    return service.get_data(request)


lambda_handler = api_handler(
    {
        "CreateUploadLocation": create_upload_location,
        "CreateDownloadLocation": create_download_location,
        "CreateDownloadLink": create_download_link,
        "GetData": get_data,
    },
    offload=offload_answer,
)
