"""The bench's figures from recorded requests: stages, tallies and units."""

from bench.counting import Call, read_units, rows_examined, stages, tally, write_units


def call(
    started: float,
    ended: float,
    operation: str = "GetItem",
    *,
    read_units: float = 0.0,
    write_units: float = 0.0,
    examined: int = 0,
) -> Call:
    return Call(operation, started, ended, read_units, write_units, examined)


def test_calls_one_after_another_are_as_many_stages() -> None:
    assert stages([call(0, 1), call(1, 2), call(2.5, 3)]) == 3


def test_calls_that_overlap_are_one_stage() -> None:
    assert stages([call(0, 1), call(0.1, 1.2), call(0.2, 0.9)]) == 1


def test_a_long_call_beside_two_short_ones_hides_neither() -> None:
    assert stages([call(0, 2), call(0, 1), call(1, 2)]) == 2


def test_no_calls_are_no_stages() -> None:
    assert stages([]) == 0


def test_operations_are_tallied_in_their_order() -> None:
    calls = [call(0, 1, "BatchGetItem"), call(1, 2, "PutObject"), call(1, 2, "PutObject")]
    assert tally(calls) == "BatchGetItem 1 · PutObject 2"


def test_units_of_reads_and_writes_are_kept_apart() -> None:
    calls = [call(0, 1, read_units=1.5), call(1, 2, write_units=3.0), call(2, 3, write_units=2.0)]
    assert (read_units(calls), write_units(calls)) == (1.5, 5.0)


def test_rows_that_were_looked_at_add_up() -> None:
    assert rows_examined([call(0, 1, "Query", examined=11), call(1, 2, "BatchGetItem", examined=10)]) == 21
