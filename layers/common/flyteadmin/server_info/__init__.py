"""The control plane's own description: `version`, and `openapi`, the document of its API."""
