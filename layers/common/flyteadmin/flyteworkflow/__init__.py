"""The FlyteWorkflow custom resource: its model, built from a compiled closure and prepared for one execution."""
