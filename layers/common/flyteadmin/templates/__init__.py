"""Templates of what a namespace holds: the operator's Kubernetes objects with `{{ variables }}`; pure.

`sections` has the form of the file's section, `values` the variables of a project and domain and where their values
come from, `rendering` the objects. Source: flyteadmin pkg/clusterresource/controller.go.
"""
