"""The gRPC server: Flyte's services, health and reflection on one port, until SIGTERM and then until calls are done."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp
import grpc
from flyteidl.service import admin_pb2, auth_pb2, dataproxy_pb2, identity_pb2, signal_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bridge.api import Api
from bridge.callers import credentials
from bridge.events import Events
from bridge.messages import LARGEST
from bridge.metrics import exposed
from bridge.service import FlyteServices
from bridge.settings import Settings
from bridge.signing import Signer
from flyteadmin.observability import logger
from flyteadmin.settings import environment

_SERVICES: Final = tuple(
    service.full_name
    for module in (admin_pb2, signal_pb2, dataproxy_pb2, identity_pb2, auth_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
_UPSTREAMS_NAME = "flyteadmin"
_THREADS = 32
_MANY_CONNECTIONS = 512
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", LARGEST),
    ("grpc.max_send_message_length", -1),
    # flytekit pings every 30 seconds, with and without calls; gRPC's default would hang up on it.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    # What a caller can hold: calls that never end are cut with their connection, one that is gone is noticed.
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_allowed_incoming_connections", 512),
    ("grpc.max_metadata_size", 32 * 1024),  # a token may be long; upstream takes it
    # Else the window of a stream grows to some 100 MiB, whether its message is wanted yet or not.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 64 * 1024),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 90_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.so_reuseport", 0),
)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then take no new call and let those under way end."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with running(settings) as address:
        gc.freeze()  # what is there from the start is no garbage: collections take a fraction of their time
        logger.info("listening", extra={"address": address, "api": settings.api_url})
        await stopped.wait()
        logger.info("draining", extra={"seconds": settings.drain_seconds})


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Run a bridge in this process and yield its address; it is drained at the end."""
    async with AsyncExitStack() as resources:
        connector = aiohttp.TCPConnector(limit=_MANY_CONNECTIONS, keepalive_timeout=60)
        session = await resources.enter_async_context(
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        )
        signer = Signer.of_process() if settings.api_auth == "iam" else None
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="aws"))
        events = Events() if environment().events_queue_url else None
        server = grpc.aio.server(options=_OPTIONS)
        api = Api(settings.api_url, signer, session)
        server.add_generic_rpc_handlers((FlyteServices(api, events, settings),))
        checks = await _add_health(server)
        tls = credentials(settings)
        listen = settings.listen
        port = server.add_secure_port(listen, tls) if tls else server.add_insecure_port(listen)
        await server.start()
        serving = True
        if settings.metrics_listen:
            await resources.enter_async_context(exposed(settings.metrics_listen, lambda: serving))
        try:
            yield f"{settings.listen.rpartition(':')[0]}:{port}"
        finally:
            serving = False
            await checks.enter_graceful_shutdown()
            await server.stop(settings.drain_seconds)


async def _add_health(server: grpc.aio.Server) -> health.aio.HealthServicer:
    """Health of the whole, of each service, and under the name that upstream uses; reflection beside it."""
    checks = health.aio.HealthServicer()
    for name in (health.OVERALL_HEALTH, _UPSTREAMS_NAME, *_SERVICES):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection([*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    return checks
