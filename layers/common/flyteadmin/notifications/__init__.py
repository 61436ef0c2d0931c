"""Notifications: one message to subscribers for each phase that an execution enters.

`service` reads the stream of execution rows and publishes; `rules` decides which phases are new and gives each message
its id; `schema` is the JSON that subscribers receive.
"""
