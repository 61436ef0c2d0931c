"""The data proxy: presigned URLs for what clients upload and download, and the data behind flyte:// URLs.

`service` answers, by `validation`; `flyte_urls` parses flyte:// URLs. It has no rows of its own.
"""
