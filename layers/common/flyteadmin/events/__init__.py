"""Events: admitted, queued, logged, then applied; the log is the truth, the rows are its projection.

On the way in: `service` takes one, `validation` and `admission` decide, `envelope` and `opening` are how it travels.
Out of the queue: `processing` has a batch's steps in order, by `workers`; `log` stores, `applying` folds by entity,
`offloading` puts large parts into S3, `projection` moves the rows by the rules of each noun's `phases`, `outcome` says
what becomes of each message.
Later: `redrive` sends again what was set aside.
"""
