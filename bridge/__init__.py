"""gRPC for clients that speak nothing else: every unary RPC of Flyte's services over the HTTPS API; knows no noun."""
