"""Quantities come out as Kubernetes writes them; the expected texts are those of its Go library."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.compiler.quantity import QuantityError, parse_quantity


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "0"),
        ("0.0Gi", "0"),
        ("1", "1"),
        ("0.5", "500m"),
        ("2000m", "2"),
        ("1500m", "1500m"),
        ("1.500", "1.500"),
        ("1.5Gi", "1536Mi"),
        ("2048Mi", "2Gi"),
        ("512Mi", "512Mi"),
        ("0.5Ki", "512"),
        ("1000", "1k"),
        ("10G", "10G"),
        ("1e3", "1e3"),
        ("12E6", "12E6"),
        ("1000e3", "1e6"),
        ("0.0000000001", "1n"),
        ("-0.5", "-500m"),
        ("+5", "+5"),
        ("9Ei", "9223372036854775807"),
        ("m", "0"),
        ("1000E", "1e21"),
    ],
)
def test_quantity_is_shown_as_kubernetes_does(text: str, shown: str) -> None:
    assert str(parse_quantity(text)) == shown


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "quantities must match"),
        ("much", "quantities must match"),
        ("1 Gi", "quantities must match"),
        ("1Gb", "quantities must match"),
        ("1Gm", "suffix"),
        ("1e", "suffix"),
        ("e-12", "numeric part"),
        ("Pi", "numeric part"),
    ],
)
def test_what_is_no_quantity_is_refused(text: str, cause: str) -> None:
    with pytest.raises(QuantityError, match=cause):
        parse_quantity(text)


def test_amounts_are_compared_whatever_their_suffix() -> None:
    assert parse_quantity("1000m") == parse_quantity("1")
    assert parse_quantity("1Gi").amount == Decimal(2**30)
    assert not parse_quantity("0Mi")


@given(
    st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,6})?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi)?", fullmatch=True),
)
def test_what_is_shown_means_the_same_amount(text: str) -> None:
    quantity = parse_quantity(text)

    assert parse_quantity(str(quantity)).amount == quantity.amount


@pytest.mark.parametrize("text", ["1" * 5_000, f"{'1' * 200_000}k", f"0.{'1' * 200_000}", f"{'9' * 5_000}Ei", "1e999"])
def test_however_long_a_quantity_is_it_is_shown(text: str) -> None:
    """Python converts no more than 4300 digits to a number."""
    quantity = parse_quantity(text)

    assert parse_quantity(str(quantity)).amount == quantity.amount
