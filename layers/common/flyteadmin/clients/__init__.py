"""The edge: the only modules that talk to AWS or Kubernetes, one for each service."""
