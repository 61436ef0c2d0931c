"""Named entities: the description and state that all versions of a task, workflow or launch plan share.

`service` updates a name, by `validation`; `reading` and `listing` answer reads, in the form that `messages` builds.
For the nouns that have versions: `repository` stores a version with its name, `conflicts` words the refusal of a taken
identifier, `versions` has the columns and indexes of their lists.
At rest: `models` declares the row, `repository` reads and writes it by key.
"""
