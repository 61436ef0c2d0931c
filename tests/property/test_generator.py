"""The generator of runs is checked itself: what it never makes, no example of the model test can find."""

from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings

from tests.property.propeller_runs import Run, runs
from tests.property.run_coverage import PHASES, RULES, reached


def test_it_reaches_every_phase_and_every_rule(record_property: Callable[[str, object], None]) -> None:
    count: Counter[str] = Counter()
    lengths: list[int] = []

    @settings(max_examples=1000, derandomize=True)
    @given(made=runs())
    def generate(made: list[Run]) -> None:
        for run in made:
            count.update(reached(run))
        lengths.append(sum(len(run.events) for run in made))

    generate()
    assert not (missed := sorted((PHASES | RULES) - set(count))), missed
    rarest = ", ".join(f"{name} {times}" for name, times in count.most_common()[:-4:-1])
    record_property(
        "figure",
        f"model test: {len(lengths)} generated runs of {sum(lengths) / len(lengths):.0f} events reach {len(PHASES)} of "
        f"{len(PHASES)} phases and {len(RULES)} of {len(RULES)} rules; rarest: {rarest}",
    )
