"""What a workflow must fulfil: one module per element of the specification, named as upstream's validators."""
