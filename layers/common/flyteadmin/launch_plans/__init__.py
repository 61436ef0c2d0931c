"""Launch plans: a workflow with its defaults, of which at most one version is active."""
