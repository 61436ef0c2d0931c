"""Description entities: the documentation that comes with a version of a task or workflow.

`reading` and `listing` answer reads, in the form that `messages` builds.
At rest: `models` declares the row, `repository` reads it, and builds the write that registers it with its version.
"""
