"""A workflow as any flytekit user writes it: a data frame, a dataclass, a file; and one that fails."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from flytekit import task, workflow
from flytekit.types.file import FlyteFile


@dataclass
class Average:
    """The mean price of a symbol over some days."""

    symbol: str
    days: int
    mean: float


@task
def read_prices(days: int) -> pd.DataFrame:
    """Make up a price for each day."""
    if days < 1:
        raise ValueError(f"the price feed is empty: {days} days")
    prices = [100 + day % 7 for day in range(days)]
    return pd.DataFrame({"day": range(days), "price": prices})


@task
def average(symbol: str, prices: pd.DataFrame) -> Average:
    """Average them."""
    return Average(symbol, len(prices), float(prices["price"].mean()))


@task
def publish(result: Average) -> FlyteFile:
    """Write the result down."""
    page = Path("report.txt")
    line = f"{result.symbol}: {result.mean:.2f} over {result.days} days\n"
    page.write_text(line)
    return FlyteFile(str(page))


@workflow
def report(symbol: str, days: int = 30) -> tuple[Average, FlyteFile]:
    """Three tasks in a row."""
    result = average(symbol=symbol, prices=read_prices(days=days))
    return result, publish(result=result)


@workflow
def empty_report(days: int = 0) -> pd.DataFrame:
    """One task, which raises."""
    return read_prices(days=days)
