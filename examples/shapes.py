"""The shapes that a workflow can have besides a chain: a map, a dynamic one, a choice; all three side by side."""

from flytekit import conditional, dynamic, map_task, task, workflow


@task
def double(x: int) -> int:
    """Twice as much."""
    return 2 * x


@task
def total(xs: list[int]) -> int:
    """All together."""
    return sum(xs)


@dynamic
def doubles(n: int) -> list[int]:
    """As many tasks as the input says."""
    return [double(x=x) for x in range(n)]


@workflow
def shapes(n: int = 2) -> tuple[list[int], list[int], int]:
    """One of each."""
    mapped = map_task(double)(x=[3, 4])
    made = doubles(n=n)
    chosen = conditional("is it more than one").if_(n > 1).then(double(x=n)).else_().then(total(xs=[n, n]))
    return mapped, made, chosen
