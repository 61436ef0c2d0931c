"""The workflow compiler: a registered template becomes a checked closure, or the errors that a flytekit user reads.

Rebuilds upstream's `flytepropeller/pkg/compiler`; pure functions over flyteidl messages, arguments stay as they were.

`task_compiler` compiles a task (`pod_spec`, `quantity`). `workflow_compiler` compiles a workflow: `requirements` names
what it needs, `index` finds it, `builders` hold the graph, and `validators` check its parts. `errors` collects what is
wrong. `admin` reads the launch plans that a workflow starts.
"""
