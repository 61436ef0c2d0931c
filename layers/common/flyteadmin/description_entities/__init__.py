"""Description entities: the documentation that comes with a version of a task or workflow."""
