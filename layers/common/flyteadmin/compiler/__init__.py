"""The workflow compiler: a registered template becomes a checked closure, or the errors that a flytekit user reads.

Rebuilds upstream's `flytepropeller/pkg/compiler`; pure functions over flyteidl messages, arguments stay as they were.
"""
