"""The clusters that run executions: how the operator names them, and which one a row means; pure.

`sections` has the form of the file, `targets` the clusters as the functions call them, `checking` what a deployment
refuses of a file. The choice for a new execution is `launching/clusters.py`.
"""
