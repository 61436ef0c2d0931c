"""HTTP to RPC and back, as grpc-gateway does it; without any noun.

`handler` is a function's Lambda handler. It finds the RPC by `routes` (over `bindings`, generated), the caller by
`identity`, and the request by `codec`, which reads bodies (`json_body`) and paths and queries (`parameters`), and
writes answers (`json_form`). `status` turns errors into what clients read.
"""
