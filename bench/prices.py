"""AWS's published prices, and what counts cost at them; pure."""

from dataclasses import dataclass

PRICES_OF = "us-east-1, on demand, as published in November 2025; DynamoDB's are those since its cut of November 2024"
"""The region and date of these prices; look them up again before you quote a figure."""

MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """US$ for one of each; free tiers left out."""

    write_unit: float = 0.625 / MILLION
    read_unit: float = 0.125 / MILLION
    fifo_request: float = 0.50 / MILLION
    s3_put: float = 0.005 / 1000
    s3_get: float = 0.0004 / 1000
    lambda_request: float = 0.20 / MILLION
    lambda_gigabyte_second: float = 0.0000166667
    http_api_request: float = 1.00 / MILLION


@dataclass(frozen=True)
class Usage:
    """The average use of AWS by one event."""

    write_units: float = 0.0
    read_units: float = 0.0
    fifo_requests: float = 0.0
    s3_puts: float = 0.0
    s3_gets: float = 0.0
    lambda_requests: float = 0.0
    lambda_gigabyte_seconds: float = 0.0
    http_api_requests: float = 0.0


def cost_per_million(usage: Usage, prices: Prices | None = None) -> dict[str, float]:
    """US$ for a million events, by service."""
    at = prices or Prices()
    dynamodb = usage.write_units * at.write_unit + usage.read_units * at.read_unit
    costs = {
        "DynamoDB": dynamodb,
        "SQS": usage.fifo_requests * at.fifo_request,
        "S3": usage.s3_puts * at.s3_put + usage.s3_gets * at.s3_get,
        "Lambda": usage.lambda_requests * at.lambda_request + usage.lambda_gigabyte_seconds * at.lambda_gigabyte_second,
        "API Gateway": usage.http_api_requests * at.http_api_request,
    }
    return {service: MILLION * cost for service, cost in costs.items() if cost}
