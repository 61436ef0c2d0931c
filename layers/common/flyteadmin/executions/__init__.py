"""Executions as rows: moved by events, aborted, archived and read. `launching` creates them.

`phases` is the rule by which events and the control plane move an execution. `terminating` aborts one in its cluster;
`service` archives one. `reading` and `listing` (with `columns`) answer reads, checked by `validation`, in the form that
`messages` gives a row.

At rest: `models` and `leases` are the rows, `repository` reads and writes them by key. `leases` also gives the
operations that join the transactions of a create and of an end.
"""
