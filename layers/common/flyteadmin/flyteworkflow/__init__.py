"""The FlyteWorkflow custom resource: its model, built from a compiled closure and prepared for one execution; pure.

`builder` makes it of a closure, with `node` and `interface`; `inputs` checks the inputs; `prepare` adds what belongs to
one execution. `crd` is the model and writes the JSON (`FlyteWorkflow.to_json_object`), in the styles of `encoding`.
`offload` decides whether it is too large for etcd, and makes the smaller one that refers to S3.
"""
