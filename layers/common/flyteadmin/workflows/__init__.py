"""Workflows: registered once per version, compiled, never changed."""
