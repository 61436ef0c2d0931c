"""Tests of template.yaml and its build that need no deployment."""
