"""Text is cut to bytes without breaking a character, and enums are named as Go prints them."""

import pytest
from flyteidl.core.execution_pb2 import WorkflowExecution
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.text import MAX_URI_BYTES, enum_name, truncate, truncate_uri


@given(st.text(), st.integers(0, 40), st.sampled_from(["", " … (cut)"]))
def test_a_text_that_was_cut_fits_and_begins_as_it_did(text: str, limit: int, mark: str) -> None:
    cut = truncate(text, limit, mark)
    if len(text.encode()) <= limit:
        assert cut == text
    else:
        assert cut.endswith(mark)
        assert text.startswith(cut.removesuffix(mark) if mark else cut)
        assert len(cut.encode()) <= max(limit, len(mark.encode()))


def test_no_character_is_broken() -> None:
    assert truncate("aé", 2) == "a"
    assert truncate("aé", 3) == "aé"


@pytest.mark.parametrize("length", [10, MAX_URI_BYTES, MAX_URI_BYTES + 1])
def test_a_uri_fits_into_a_row(length: int) -> None:
    assert len(truncate_uri("s" * length)) == min(length, MAX_URI_BYTES)


def test_a_number_that_no_enum_has_stays_a_number() -> None:
    assert enum_name(WorkflowExecution.Phase, WorkflowExecution.RUNNING) == "RUNNING"
    assert enum_name(WorkflowExecution.Phase, 99) == "99"
