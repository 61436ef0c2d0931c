"""Serves a bridge's metrics for Prometheus, and its health, over HTTP on a port of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from bridge.settings import is_loopback

type _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CALLS: Final = Counter("flyteadmin_bridge_calls", "gRPC calls, by RPC and the code of the answer", ["rpc", "code"])
UNNAMED_PRODUCERS: Final = Counter(
    "flyteadmin_bridge_unnamed_producers", "Events that name no cluster, where the configuration has several"
)
SECONDS: Final = Histogram(
    "flyteadmin_bridge_call_seconds",
    "How long gRPC calls took, by RPC",
    ["rpc"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


@web.middleware
async def _for_this_machine(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse a Host that is another machine's: a web page under a name that its DNS moved here."""
    if not is_loopback(request.host if ":" in request.host else f"{request.host}:80"):
        return web.Response(status=403)
    return await handler(request)


@asynccontextmanager
async def exposed(listen: str, is_serving: Callable[[], bool]) -> AsyncIterator[None]:
    """/metrics and /healthz on host:port; /healthz answers 503 while `is_serving` says no."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(status=200 if is_serving() else 503)

    app = web.Application(middlewares=[_for_this_machine] if is_loopback(listen) else [])
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        yield
    finally:
        await runner.cleanup()
