"""Executions: created, moved by their events, ended, read.

A create: `creating` has its stages in order; `validation`, `idempotency` (with `names`) and `parents` say what the
request means, `gathering` reads what the launch looks at (`single_tasks` for a task by itself), `launch` decides, from
`inputs`, `config`, `resources` and `queues`, `storing` and `repository` write, `starting` makes the resource.

Afterwards: `phases` is the rule by which events move one, `terminating` and `archiving` what people do to one,
`reading` and `listing` (by `columns`) what they see of one, as `messages` shows it.

At rest: `models` and `leases` are the rows, `repository` writes them, and reads them by their keys.
"""
