"""`python -m local.aws.server`: MiniStack on 127.0.0.1, with every patch of `patches/`; it prints a line when ready."""
# ruff: noqa: PLC0415  MiniStack reads its environment when it is imported, so it is imported after `environment` is set.

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.aws.client import ROOT_SECRET
from local.web_pages import refusal

READY = "ready "
_ENVIRONMENT = """Environment: PATCHES_OFF, names of patches to leave out, by commas; TRANSACTION_CONFLICT_MS, for how
long a transaction holds its items against others (0); LOG_LEVEL (WARNING); LOCAL_AWS_SECRET, the secret of the root
users (random)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; Lambda workers end with it, when their pipes close."""
    options = _parser().parse_args(arguments)
    listener = socket.create_server(("127.0.0.1", options.port), backlog=1024)
    os.environ.update(environment(listener.getsockname()[1], auth=options.auth))
    if options.scratch:
        threading.Thread(target=_end_with_starter, args=(options.scratch,), daemon=True).start()
        _run(listener, options.scratch, options)
    else:
        with tempfile.TemporaryDirectory(prefix="local-aws-", ignore_cleanup_errors=True) as scratch:
            _run(listener, Path(scratch), options)


def _run(listener: socket.socket, scratch: Path, options: argparse.Namespace) -> None:
    os.environ |= {"TMPDIR": str(scratch), "STATE_DIR": str(scratch)}
    tempfile.tempdir = str(scratch)

    from local.aws import audit, invocations, patches

    patches.apply(off=frozenset(filter(None, os.environ.get("PATCHES_OFF", "").split(","))))
    if options.audit:
        audit.record_decisions(options.audit)
    if options.invocations:
        invocations.record_invocations(options.invocations, dict(map(_share, options.kill)))
    asyncio.run(_serve(listener, options.origin))


def environment(port: int, *, auth: bool) -> dict[str, str]:
    """MiniStack's settings: one port of the loopback interface, no listener beside it, credentials that mean root."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",  # any other name breaks the routing of HTTP APIs by Host header
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true" if auth else "false",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": os.environ.get(ROOT_SECRET) or secrets.token_urlsafe(30),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.aws.server", description=__doc__, epilog=_ENVIRONMENT)
    parser.add_argument("--port", type=int, default=4566, help="0 takes a free one")
    parser.add_argument("--auth", action="store_true", help="check signatures and IAM policies")
    parser.add_argument("--audit", type=Path, help="append each decision about a role to this file, as JSON lines")
    parser.add_argument("--invocations", type=Path, help="append each invocation to this file, as JSON lines")
    parser.add_argument(
        "--kill", action="append", default=[], metavar="FUNCTION=SHARE", help="with --invocations: kill some half way"
    )
    parser.add_argument(
        "--origin", action="append", default=[], help="a web site whose pages may call; may be repeated"
    )
    parser.add_argument(
        "--scratch", type=Path, help="temporary files; removed, and the process group ended, at stdin's end"
    )
    return parser


def _share(option: str) -> tuple[str, float]:
    function, _, share = option.rpartition("=")
    return function, float(share)


async def _serve(listener: socket.socket, origins: Sequence[str]) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ["LOG_LEVEL"]
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    announcement = asyncio.create_task(_announce(int(os.environ["GATEWAY_PORT"])))
    await serve(_for_programs(app, origins), config, shutdown_trigger=stopped.wait)
    announcement.cancel()


def _for_programs(app: Any, origins: Sequence[str]) -> Any:
    """Answer 403 to what web pages send, before MiniStack sees it; `Any`, since ASGI has no types here."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        why = refusal(headers, origins) if scope["type"] in {"http", "websocket"} else ""
        if not why:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"{why}\n".encode()})

    return guarded


async def _announce(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /_ministack/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
    await reader.readline()
    writer.close()
    sys.stdout.write(f"{READY}http://127.0.0.1:{port}\n")
    sys.stdout.flush()


def _end_with_starter(scratch: Path) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
