"""HTTP to RPC and back, as grpc-gateway does it; knows no noun."""
