"""The id of the node that runs a single task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.launching.single_tasks import node_id


@pytest.mark.conformance("CRE-45")
@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("my_task", "mytask"),
        ("app.workflows.example.my_task", "appworkflowsexamplemytask"),
        ("with-dash.1", "with-dash1"),
        ("größe", "größe"),
        ("x" * 100, "x" * 63),
        ("a." + "b" * 62, "b" * 62),
        ("é" * 40, "é" * 31),
    ],
)
def test_letters_digits_and_dashes_of_the_end(task: str, expected: str) -> None:
    assert node_id(task) == expected


@pytest.mark.conformance("KD-22")
@given(st.text(st.sampled_from("._/ #"), min_size=1) | st.sampled_from(["start-node", "end_node", "end-node"]))
def test_there_is_an_id_where_nothing_is_left(task: str) -> None:
    identifier = node_id(task)
    assert identifier
    assert identifier not in {"start-node", "end-node"}


@given(st.text(min_size=1))
def test_an_id_fits(task: str) -> None:
    assert 0 < len(node_id(task).encode()) <= 63
