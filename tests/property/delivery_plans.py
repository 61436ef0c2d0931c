"""Plans of deliveries: which consumer receives how much, with which faults, and what comes late or twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

from flyteadmin.events.envelope import INLINE_EVENT_BYTES
from tests.property.interleaving import KINDS, SET_ASIDE, Fault

BATCH = 10
_FEW_BYTES = 400


@dataclass(frozen=True)
class Receive:
    """One consumer's part in a step: how many messages of which group (None: of all), and what befalls it.

    `is_forgotten`: that it deleted messages is lost, so all that it handled comes again. `skips` so many messages that
    another has, where they are late: a FIFO queue holds back what is behind a message that somebody has.
    """

    size: int
    group: int | None = None
    faults: tuple[Fault, ...] = ()
    is_forgotten: bool = False
    skips: int = 0


@dataclass(frozen=True)
class Step:
    """Consumers at work at the same time, and perhaps the control plane, in an order of turns."""

    receives: tuple[Receive, ...]
    turns: tuple[int, ...] = ()
    overlay: str = ""


@dataclass(frozen=True)
class Order:
    """Disorder beyond a FIFO queue's own: messages up to `reach` places late, and `repeats` delivered again.

    Or `exactly` those at the given positions.
    """

    reach: int = 0
    repeats: int = 0
    seed: int = 0
    exactly: tuple[int, ...] = ()

    def of[T](self, messages: Sequence[T]) -> list[T]:
        if self.exactly:
            return [messages[position] for position in self.exactly]
        chance = Random(self.seed)
        positions = [*range(len(messages)), *chance.choices(range(len(messages)), k=self.repeats if messages else 0)]
        late = sorted((position + chance.uniform(0, self.reach), position) for position in positions)
        return [messages[position] for _, position in late]

    def __bool__(self) -> bool:
        return bool(self.reach or self.repeats or self.exactly)


@dataclass(frozen=True)
class Plan:
    """A plan of deliveries: `receives` of each message before the first step, then the steps, then the rest.

    Events above `claims_above` bytes lie in S3, their messages refer to them; a message may name the launch plan.
    """

    steps: tuple[Step, ...] = ()
    batch: int = BATCH
    receives: int = 0
    order: Order = field(default_factory=Order)
    claims_above: int = INLINE_EVENT_BYTES
    names_launch_plan: bool = True


_EVERY = st.sampled_from([0, 0, 0, 1, 2])
_anywhere = st.builds(Fault, st.sampled_from(sorted(KINDS)), st.integers(0, 12), _EVERY)
_somewhere = st.sampled_from([(kind, point) for kind, points in KINDS.items() for point in points]).flatmap(
    lambda pair: st.builds(Fault, st.just(pair[0]), st.integers(0, 2), _EVERY, st.just(pair[1]))
)
_while_set_aside = st.builds(
    lambda point, kind: (Fault("throttled", 0, 1, point), Fault(kind, 0, 0, SET_ASIDE)),
    st.sampled_from([point for point in KINDS["throttled"] if point != SET_ASIDE]),
    st.sampled_from([kind for kind, points in KINDS.items() if SET_ASIDE in points]),
)
_faults = st.one_of(
    st.just(()), _anywhere.map(lambda fault: (fault,)), _somewhere.map(lambda fault: (fault,)), _while_set_aside
)
_receives = st.builds(
    Receive,
    st.integers(1, BATCH),
    st.sampled_from([None, None, 0, 1]),
    _faults,
    st.sampled_from([False, False, False, True]),
    st.sampled_from([0, 1, 3]),
)
_bursts = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, 1, 2, 4, 12])), max_size=12)
_turns = _bursts.map(lambda bursts: tuple(who for who, calls in bursts for _ in range(calls)))
"""One may stand still between two calls while another goes all its way: that is when conditions are needed."""
_orders = st.builds(Order, st.sampled_from([0, 0, 3, 1000]), st.sampled_from([0, 0, 1, 8]), st.integers(0, 2**16))


def plans(overlay: str = "") -> st.SearchStrategy[Plan]:
    """Plans with one or two consumers at a time, and an overlay that the control plane may set during any step."""
    steps = st.builds(
        Step, st.lists(_receives, min_size=1, max_size=2).map(tuple), _turns, st.sampled_from(["", overlay])
    )
    return st.builds(
        Plan,
        st.lists(steps, min_size=1, max_size=4).map(tuple),
        st.sampled_from([BATCH, BATCH, 4, 1]),
        st.sampled_from([0, 0, 0, 3, 4]),
        _orders,
        st.sampled_from([INLINE_EVENT_BYTES, _FEW_BYTES]),
        st.booleans(),
    )
