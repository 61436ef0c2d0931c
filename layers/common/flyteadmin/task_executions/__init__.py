"""Task executions, one per attempt: rows that are projections of task events.

`phases` is the rule by which events move an attempt's row, `merging` how lists and metadata of an event join those of
the row. `reading` and `listing` (by `columns`) serve reads, in the form that `messages` gives a row; `validation`
checks identifiers. At rest: `models` is the row, `repository` reads and writes it. Events are taken and applied by the
room events/.
"""
