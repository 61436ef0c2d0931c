"""Signals are made by the gate nodes that wait for them, set by people, and listed."""

from flyteadmin.api.handler import api_handler
from flyteadmin.signals import listing, service

lambda_handler = api_handler(
    {
        "GetOrCreateSignal": service.get_or_create,
        "SetSignal": service.set_signal,
        "ListSignals": listing.list_signals,
    }
)
