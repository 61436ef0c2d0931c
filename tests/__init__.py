"""The tests, by what they run.

`unit/` calls pure modules, one folder per room. `functional/` calls the real handlers on an embedded AWS (`conftest`).
`property/` generates events and their deliveries. `dynamodb/` asks every DynamoDB request of two emulators.
`infrastructure/` reads the template. `conformance/` compares the compiler with upstream's files. `local/` tests the
local stack. `e2e/` deploys it and uses unmodified flytekit.

Shared here: `builders`, `entities` and `aws_events` make inputs; `execution_client`, `register_calls`,
`flytekit_registration`, `sent_events` and `event_delivery` call the API, the bridge and process_event; `in_process` and
`grpc_stack` serve them without a deployment; `operating` calls the operators' tool; `faults` breaks calls; `sql_oracle`
runs upstream's SQL over the rows of `sql_oracle_rows`; `configuration` sets a flyteadmin.yaml, `metrics` reads metrics,
`issuer` issues tokens.
"""
