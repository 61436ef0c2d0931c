"""Events: admitted, queued, logged, then applied. The log is the truth, the rows are its projection.

Into the queue: `service` takes an event, `validation` and `nesting` check it, `admission` decides by the execution's
row, `envelope` is the message's form, and `opening` stores what is too large for a message.

Out of the queue: `processing` runs the steps of a batch, on the threads of `workers`. `log` stores the events
(`models`); `applying` groups them by entity and `projection` moves each row, by the rules in the `phases` of its noun,
with large parts in S3 (`offloading`). `outcome` decides for each message: done, dead letter or redelivery.

Later: `redrive` sends dead letters again.
"""
