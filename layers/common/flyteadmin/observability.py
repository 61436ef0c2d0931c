"""One structured log and one place for metrics.

No secret, no value of a user and no name of a caller ever goes into either: a line has the request's id and names the
execution. Who called is on the execution's row, and in the gateway's access log under `gateway_request_id`.
"""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from flyteadmin.settings import environment

_SERVICE = "flyteadmin"

logger = Logger(service=_SERVICE, use_rfc3339=True, utc=True)
"""Bind what a line is about with `logger.append_keys(execution=…)`; the handlers clear the keys per invocation."""


def measure(**figures: int) -> None:
    """Log figures of one invocation, by their names, so that CloudWatch makes metrics of the stack out of the line."""
    namespace = environment().powertools_metrics_namespace
    if not namespace:
        return
    metrics = EphemeralMetrics(namespace=namespace, service=_SERVICE)
    for name, value in figures.items():
        unit = MetricUnit.Milliseconds if name.endswith("Milliseconds") else MetricUnit.Count
        metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()
