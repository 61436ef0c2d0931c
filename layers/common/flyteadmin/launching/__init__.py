"""Turns a request into an execution: its row, its blobs and its FlyteWorkflow.

`service` runs a create's steps in order: `reading` reads the rows that the request names, `validation` checks the
request against them, `reading` reads what those refer to, `planning` decides, `storing` builds rows and resource and
writes the blobs, `service` writes the row, and `starting` makes the resource in the cluster.

Pure are `validation`, `context` (everything that a plan depends on), `planning` with `inputs`, `decisions` (what
configuration decides, and by which level) with `config`, `resources`, `queues`, `pools` and `clusters`, `parents` (what
an execution takes over from the one that launches it), `single_tasks` (the workflow and launch plan around a task),
`idempotency` with `names` (a call, its name, its digest, and whether it repeats another), `stored` (the request of a
stored execution, what was decided for it, and whether it may still be launched), and `relaunching` (the create that a
relaunch or a recovery is).
"""
