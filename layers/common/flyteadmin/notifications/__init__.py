"""Notifications: messages to subscribers when an execution enters a phase.

`service` reads the stream of executions and publishes; `rules` decides which transitions are announced; `schema` is
the message.
"""
