"""The edge: the only modules that talk to AWS or to Kubernetes; one module per thing talked to."""
