"""A budget that calls share: who waits, who goes first, and what is free again afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps

import pytest

from bridge.budget import Budget, Share
from flyteadmin.errors import Unavailable


def awaited(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


async def asked(budget: Budget, caller: str, size: int) -> "asyncio.Task[Share]":
    task = asyncio.create_task(budget.take(caller, size))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def granted(*tasks: Awaitable[Share]) -> list[bool]:
    await asyncio.sleep(0.01)
    return [task.done() for task in tasks]  # type: ignore[attr-defined]  # tasks


@awaited
async def test_a_caller_can_not_have_more_than_half() -> None:
    budget = Budget(100)
    tasks = [await asked(budget, "greedy", 25) for _ in range(3)]
    other = await asked(budget, "other", 50)
    assert await granted(*tasks, other) == [True, True, False, True]
    budget.shrink(tasks[0].result(), 0)
    assert await granted(*tasks) == [True, True, True]


@awaited
async def test_the_first_that_asked_goes_first_even_if_it_wants_most() -> None:
    budget = Budget(100)
    held = [await budget.take("a", 50), await budget.take("b", 30)]
    large = await asked(budget, "c", 40)
    small = await asked(budget, "d", 10)
    assert await granted(large, small) == [False, False]
    budget.shrink(held[1], 0)
    assert await granted(large, small) == [True, True]


@awaited
async def test_what_is_larger_than_half_counts_as_half() -> None:
    share = await Budget(100).take("a", 1_000)
    assert share.size == 50


@awaited
async def test_a_share_can_be_made_smaller() -> None:
    budget = Budget(100)
    share = await budget.take("a", 50)
    waiting = await asked(budget, "a", 45)
    assert await granted(waiting) == [False]
    budget.shrink(share, 5)
    budget.shrink(share, 20)
    assert (share.size, await granted(waiting)) == (5, [True])


@awaited
async def test_a_call_that_is_given_up_holds_nothing() -> None:
    budget = Budget(100)
    first = await budget.take("a", 50)
    second = await budget.take("b", 50)
    waiting = [await asked(budget, "c", 50), await asked(budget, "d", 50)]
    waiting[0].cancel()
    budget.shrink(first, 0)  # in the same turn of the loop, before the cancelled one has heard of it
    assert await granted(waiting[1]) == [True]
    late = await asked(budget, "e", 50)
    budget.shrink(second, 0)
    late.cancel()  # granted already, but not told yet
    with pytest.raises(asyncio.CancelledError):
        await late
    assert await granted(await asked(budget, "f", 50)) == [True]


@awaited
async def test_no_more_than_hundreds_of_one_caller_wait_and_the_others_go_on() -> None:
    budget = Budget(100)
    await budget.take("a", 50)
    waiting = [await asked(budget, "a", 50) for _ in range(512)]
    with pytest.raises(Unavailable, match="too many"):
        await budget.take("a", 1)
    budget.shrink(await budget.take("b", 1), 0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await budget.take("b", 1)).size == 1


@awaited
async def test_no_more_than_thousands_of_all_callers_wait() -> None:
    budget = Budget(100)
    held = [await budget.take(caller, 50) for caller in "ab"]
    waiting = [await asked(budget, str(number % 8), 50) for number in range(4096)]
    with pytest.raises(Unavailable, match="too many"):
        await budget.take("c", 1)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    budget.shrink(held[0], 0)
    assert (await budget.take("c", 1)).size == 1
