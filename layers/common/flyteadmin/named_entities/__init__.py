"""Named entities: what is said about all versions of a task, workflow or launch plan together."""
