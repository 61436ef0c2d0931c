"""Data is uploaded and downloaded through URLs that this function's role signs, and looked at by its flyte:// URL."""

from flyteadmin.api.handler import api_handler
from flyteadmin.clients.storage import offload_answer
from flyteadmin.data_proxy import service as data_proxy

lambda_handler = api_handler(
    {
        "CreateUploadLocation": data_proxy.create_upload_location,
        "CreateDownloadLocation": data_proxy.create_download_location,
        "CreateDownloadLink": data_proxy.create_download_link,
        "GetData": data_proxy.get_data,
    },
    offload=offload_answer,
)
