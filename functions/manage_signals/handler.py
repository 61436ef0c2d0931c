"""Signals are made by the gate nodes that wait for them, set by people, and listed."""

from flyteidl.admin.signal_pb2 import (
    Signal,
    SignalGetOrCreateRequest,
    SignalList,
    SignalListRequest,
    SignalSetRequest,
    SignalSetResponse,
)

from flyteadmin.api.handler import api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.signals import listing, service


def get_or_create_signal(request: SignalGetOrCreateRequest, _caller: Identity) -> Signal:
    """POST /api/v1/signals/get_or_create, which propeller reaches through the bridge."""
    return service.get_or_create(request)


def set_signal(request: SignalSetRequest, _caller: Identity) -> SignalSetResponse:
    """POST /api/v1/signals."""
    return service.set_signal(request)


def list_signals(request: SignalListRequest, _caller: Identity) -> SignalList:
    """GET /api/v1/signals/{project}/{domain}/{name}."""
    return listing.list_signals(request)


lambda_handler = api_handler(
    {"GetOrCreateSignal": get_or_create_signal, "SetSignal": set_signal, "ListSignals": list_signals}
)
