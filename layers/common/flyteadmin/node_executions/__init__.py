"""Node executions: rows that are projections of node events.

`phases` is the rule by which events move a node's row. `reading` and `listing` (by `columns`) serve reads, in the form
that `messages` gives a row; `validation` checks identifiers. At rest: `models` is the row, `repository` reads and
writes it. Events are taken and applied by the room events/.
"""
