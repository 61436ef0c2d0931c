"""Launch plans: a workflow with its defaults, of which at most one version is active.

`service` registers, activates and deactivates, by `validation` and, for their schedules, `schedules`; `reading` and
`listing` answer reads, in the form that `messages` builds.
At rest: `models` declares the rows, `repository` reads and writes them by key.
"""
