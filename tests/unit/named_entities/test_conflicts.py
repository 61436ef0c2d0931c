"""The differences between two registrations of one identifier."""

import pytest
from flyteidl.core.tasks_pb2 import TaskTemplate
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.named_entities.conflicts import differences
from tests.entities import task_request


def template(image: str) -> TaskTemplate:
    return task_request(image=image).spec.template


@pytest.mark.conformance("REG-02")
def test_a_change_shows_its_path_the_old_value_and_the_new_one() -> None:
    assert differences(template("a:1"), template("a:2")) == "/container/image:\n\t- a:1\n\t+ a:2"


def test_what_is_only_on_one_side_shows_that_side() -> None:
    bare, full = template("a:1"), template("a:1")
    full.config["key/with~both"] = "value"
    assert differences(bare, full) == '/config:\n\t+ {"key/with~both": "value"}'
    bare.config["other"] = "1"
    full.config["other"] = "1"
    assert differences(full, bare) == "/config/key~1with~0both:\n\t- value"


@pytest.mark.conformance("REG-04")
def test_long_differences_are_cut() -> None:
    old, new = Struct(), Struct()
    new.update({f"key{number}": "x" * 100 for number in range(1000)})
    old.update({f"key{number}": "y" * 100 for number in range(1000)})
    text = differences(old, new)
    assert len(text) < 31_000
    assert text.endswith("... (there are more)")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_there_is_a_difference_exactly_where_the_messages_differ(
    old: dict[str, object], new: dict[str, object]
) -> None:
    before, after = ParseDict(old, Struct()), ParseDict(new, Struct())
    assert (differences(before, after) == "") == (before == after)
