"""Matchable attributes: the settings that an operator makes for a project, a domain, a workflow or a launch plan.

`matching` decides which of them apply, pure; `repository` reads the rows that may match; `models` declares them.
"""
