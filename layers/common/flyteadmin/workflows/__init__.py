"""Workflows: registered once per version, compiled, never changed.

`service` registers, by `validation`; `reading` and `listing` answer reads, in the form that `messages` builds.
At rest: `models` declares the row, `repository` reads and writes it by key, and the compiled closure in S3.
"""
