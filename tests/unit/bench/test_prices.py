"""Counts at published prices."""

import pytest

from bench.prices import Prices, Usage, cost_per_million


def test_a_million_events_cost_their_counts_times_the_prices() -> None:
    usage = Usage(write_units=2.5, read_units=0.2, fifo_requests=1.2, lambda_requests=0.1, lambda_gigabyte_seconds=0.01)
    prices = Prices(
        write_unit=1e-6, read_unit=1e-7, fifo_request=2e-6, lambda_request=1e-6, lambda_gigabyte_second=1e-5
    )
    costs = cost_per_million(usage, prices)
    assert costs == pytest.approx({"DynamoDB": 2.52, "SQS": 2.4, "Lambda": 0.2})


def test_a_service_that_is_not_used_is_not_named() -> None:
    assert set(cost_per_million(Usage(s3_puts=1, http_api_requests=1))) == {"S3", "API Gateway"}
