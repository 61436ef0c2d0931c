"""Signals: values that a gate node of an execution waits for."""
