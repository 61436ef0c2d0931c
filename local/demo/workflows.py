"""What the demo runs: a workflow of three tasks as any flytekit user writes it, and one whose task fails."""

from flytekit import LaunchPlan, task, workflow

FAILURE = "the price feed is empty"


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


@task(environment={"FLYTE_STAND_IN_FAIL": FAILURE})
def read_nothing(symbol: str) -> int:
    """Fail, as the stand-in engine is told to."""
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


@workflow
def broken_report(symbol: str) -> int:
    """One task that fails."""
    return read_nothing(symbol=symbol)


REPORT = LaunchPlan.get_or_create(report)
BROKEN_REPORT = LaunchPlan.get_or_create(broken_report)
