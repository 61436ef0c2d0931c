"""Executions: what they are, how they launch, how their phase moves, how they are read."""
