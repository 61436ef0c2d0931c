"""Namespaces of projects and domains, with what the operator's templates put into them, in every cluster.

`sweeping` compares what is applied with what should be, `changes` reads the streams of projects and attributes; both
ask through `asking` for a cluster and a project's domain. `delivery` takes the messages, and
`service` applies what each asks for. `wanted` knows what
should be applied, `templates` reads the operator's files, `rules` decides what is due, pure. `repository` reads and
writes the rows that `models` declares: what was applied, when, and what failed.
"""
