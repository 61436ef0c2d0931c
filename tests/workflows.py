"""Workflows that tests and benchmarks register, written as a flytekit user writes them."""

from datetime import timedelta
from pathlib import Path

from flytekit import LaunchPlan, sleep, task, workflow
from flytekit.core.task import Echo

FAILURE = "the price feed is empty"
_ROOT = Path(__file__).parents[1]


@task
def read_prices(symbol: str, days: int) -> int:
    """Read so many days of prices."""
    return days


@task
def average(days: int) -> int:
    """Average them."""
    return days


@task
def publish(symbol: str, value: int) -> str:
    """Publish the result."""
    return f"{symbol}: {value}"


@task(environment={"PYTHONPATH": str(_ROOT)})
def read_nothing(symbol: str) -> int:
    """Fail, wherever this repository's Python runs it."""
    prices: list[int] = []
    if not prices:
        raise ValueError(f"{FAILURE}: {symbol}")
    return prices[0]


@workflow
def report(symbol: str, days: int = 30) -> str:
    """Three tasks in a row."""
    prices = read_prices(symbol=symbol, days=days)
    value = average(days=prices)
    return publish(symbol=symbol, value=value)


echo_days = Echo(name="tests.workflows.echo_days", inputs={"days": int})
echo_value = Echo(name="tests.workflows.echo_value", inputs={"value": int})
echo_symbol = Echo(name="tests.workflows.echo_symbol", inputs={"symbol": str})
echo_later = Echo(name="tests.workflows.echo_later", inputs={"symbol": str})


@workflow
def echoed_report(symbol: str, days: int = 30) -> str:
    """Three tasks that propeller, and what stands in for it, run without a container."""
    value = echo_value(value=echo_days(days=days))
    text = echo_symbol(symbol=symbol)
    value >> text
    return text


@workflow
def broken_report(symbol: str) -> int:
    """One task that fails."""
    return read_nothing(symbol=symbol)


@workflow
def waiting_report(symbol: str) -> str:
    """One task behind a gate that opens tomorrow."""
    tomorrow = sleep(timedelta(days=1))
    text = echo_later(symbol=symbol)
    tomorrow >> text
    return text


REPORT = LaunchPlan.get_or_create(report)
ECHOED_REPORT = LaunchPlan.get_or_create(echoed_report)
BROKEN_REPORT = LaunchPlan.get_or_create(broken_report)
WAITING_REPORT = LaunchPlan.get_or_create(waiting_report)
