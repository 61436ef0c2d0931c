"""An OIDC issuer whose tokens a bridge may trust."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


@dataclass
class Issuer:
    """An OIDC issuer: its configuration and keys over HTTP, and tokens as it would sign them."""

    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def token(self, key: object = None, **claims: object) -> str:
        """Return a token, "Bearer …", with these claims; one that is None is left out."""
        said = {"iss": self.url, "aud": "flyte", "sub": "ada", "exp": int(time.time()) + 300, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return f"Bearer {jwt.encode(said, key or self.key, 'RS256', headers={'kid': 'k'})}"  # type: ignore[arg-type]

    def document(self, path: str) -> object:
        """Return the document at a path."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [{**RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": "k", "use": "sig"}]}


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer at a port of this machine."""
    state = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(state.document(self.path)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
