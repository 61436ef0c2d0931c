"""Matchable attributes: the settings that an operator makes for a project, a domain, a workflow or a launch plan.

`service` sets and deletes them, by `validation`; `reading` shows what applies to a scope, and `listing` all scopes, in
the form that `messages` builds. `matching` decides which of them apply, and `configs` which fields of an execution's
configuration a level sets; both are pure. At rest: `models` declares the row, `repository` reads and writes it by key.
"""
