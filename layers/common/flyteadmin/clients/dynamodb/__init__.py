"""DynamoDB on the tuned client: PynamoDB models in and out, every write with its condition, every list by its pages.

PynamoDB declares the tables, serialises items and renders expressions; the requests go out here, because PynamoDB
drops the old item that comes with a failed condition, and because the tuned client costs less CPU.

`keys` addresses items, `reads` and `writes` are the requests, `calls` repeats what was throttled, and `optimistic` is
the loop of read, decide and write. `pages` makes a list's page from the rows that `partitions` reads in order;
`streams` reads a table's changes.
"""
