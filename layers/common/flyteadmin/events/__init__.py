"""Events: admitted, queued, logged, then applied; the log is the truth, the rows are its projection."""
