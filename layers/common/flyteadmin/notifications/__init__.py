"""Notifications: what subscribers hear when an execution's phase moves."""
