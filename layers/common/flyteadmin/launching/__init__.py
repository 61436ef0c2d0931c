"""Turns a request into an execution: its row, its blobs and its FlyteWorkflow.

`service` runs a create's stages in order; `validation`, `idempotency` (with `names`) and `parents` interpret the
request; `reading` reads what a launch depends on (`single_tasks` for a task launched by itself); `planning` decides,
with `inputs`, `config`, `resources` and `queues`, all pure; `storing` writes the blobs and builds the rows; `starting`
creates the resource in the cluster.
"""
