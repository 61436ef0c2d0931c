"""Task executions, one per attempt: a projection of their events."""
