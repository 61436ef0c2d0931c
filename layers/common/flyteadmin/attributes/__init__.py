"""Matchable attributes: what an operator sets for a project, a domain, a workflow or a launch plan."""
