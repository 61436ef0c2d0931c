"""Runs nodes, one module per kind."""
