"""Node executions: a projection of their events."""
