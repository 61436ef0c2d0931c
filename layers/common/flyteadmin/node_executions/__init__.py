"""Node executions: rows that follow from their events.

`phases` is the rule by which events move a node; `reading` and `listing` (by `columns`) answer reads, by `validation`,
in the form that `messages` builds.
At rest: `models` declares the row, `repository` reads and writes it by key.
"""
