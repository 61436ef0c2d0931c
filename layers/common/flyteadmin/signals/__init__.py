"""Signals: values that a gate node of an execution waits for.

`service` makes and sets them, by `validation`; `listing` lists them, in the form that `messages` builds.
At rest: `models` declares the row, `repository` reads and writes it by key.
"""
