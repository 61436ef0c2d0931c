"""Validates workflows: one module per element of the specification, named as upstream's validators."""
