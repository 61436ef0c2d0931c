"""An in-memory Kubernetes API server, for development and tests: just what propeller, kubectl and our client call."""
