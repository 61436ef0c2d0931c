"""Runs one attempt of a task: fills in its command, starts its process, reads what it wrote."""
