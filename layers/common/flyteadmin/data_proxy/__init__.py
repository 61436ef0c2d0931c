"""The data proxy: presigned URLs for what clients upload and download, and the data behind flyte:// URLs."""
