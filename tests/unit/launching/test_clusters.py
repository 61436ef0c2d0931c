"""The choice of a cluster by label, weight and name."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.clusters.sections import WeightedCluster
from flyteadmin.clusters.targets import Cluster, Clusters
from flyteadmin.launching.clusters import choose

NAMES = [f"run-{number}" for number in range(10_000)]


def clusters(weights: dict[str, float], disabled: str = "") -> Clusters:
    return Clusters(
        configured=tuple(Cluster(name=name, enabled=name != disabled) for name in weights),
        labels={"team": [WeightedCluster(id=name, weight=weight) for name, weight in weights.items()]},
    )


@pytest.mark.conformance("CLU-04", "CLU-06", "CLU-07")
@pytest.mark.parametrize(
    "weights", [{"a": 0.5, "b": 0.5}, {"a": 0.1, "b": 0.9}, {"a": 1, "b": 0, "c": 1}, {"a": 0, "b": 0, "c": 0}]
)
def test_names_that_differ_in_a_digit_are_spread_by_weight(weights: dict[str, float]) -> None:
    counts = Counter(choose(name, "team", clusters(weights)) for name in NAMES)
    total = sum(weights.values())
    for name, weight in weights.items():
        share = weight / total if total else 1 / len(weights)
        assert abs(counts[name] / len(NAMES) - share) < 0.02


@pytest.mark.conformance("CLU-06", "CLU-08")
@given(
    st.text(max_size=20),
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1, width=32), min_size=2),
)
def test_a_name_gets_the_same_enabled_cluster_in_whatever_order_they_are_written(
    name: str, weights: dict[str, float]
) -> None:
    disabled = next(iter(weights))
    chosen = choose(name, "team", clusters(weights, disabled))
    assert chosen != disabled
    turned = dict(reversed(weights.items()))
    assert choose(name, "team", clusters(turned, disabled)) == chosen
    others = [weight for cluster, weight in weights.items() if cluster != disabled]
    assert weights[chosen] > 0 or not any(others)
