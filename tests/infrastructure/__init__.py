"""Prove what can be proven over template.yaml and its build without deploying them."""
