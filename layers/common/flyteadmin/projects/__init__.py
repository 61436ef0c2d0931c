"""Projects and domains, of the configuration and of rows.

`service` registers and updates, by `validation`, which also decides whether a request may work in a project and domain;
`reading` and `listing` answer reads, in the form that `messages` builds.
At rest: `models` declares the row, `repository` reads and writes it by key.
"""
