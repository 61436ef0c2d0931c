"""Executions as rows: moved by events, ended, read. `launching` creates them.

`phases` is the rule by which events move an execution, `service` and `terminating` are what people do to one,
`reading` and `listing` (by `columns`) answer reads of one, by `validation`, in the form that `messages` gives it.

At rest: `models` and `leases` are the rows, `repository` reads and writes them by key.
"""
