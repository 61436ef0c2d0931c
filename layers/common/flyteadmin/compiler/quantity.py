"""Kubernetes quantities ("500m", "1Gi"): parsed, compared and written in their canonical form."""

import re
from dataclasses import dataclass, field
from decimal import ROUND_UP, Context, Decimal, localcontext
from typing import Literal

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

_SYNTAX = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {0: ""} | {exponent: suffix for suffix, exponent in _BINARY.items()}
_NANO = Decimal("1e-9")
_MAX = Decimal(2**63 - 1)
_WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_NO_NUMBER = "unable to parse numeric part of quantity"
_WRONG_SUFFIX = "unable to parse quantity's suffix"
_MAX_EXPONENT = 1000


class QuantityError(ValueError):
    """The text is not a quantity; the message is the one of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount in whole units, and the family of suffixes that it was written with.

    `written` is the original text where Kubernetes shows it instead of the canonical form.
    """

    amount: Decimal
    format: Format = "DecimalSI"
    written: str = field(default="", compare=False)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        """As Kubernetes serializes it (`Quantity.MarshalJSON`); beyond exa, with an exponent."""
        if self.written or not self.amount:
            return self.written or "0"
        if self.format == "BinarySI" and abs(self.amount) >= 1024 and self.amount == int(self.amount):
            return _binary(int(self.amount))
        mantissa, exponent = _decimal(self.amount)
        if self.format == "DecimalExponent" or exponent not in _DECIMAL_SUFFIX:
            return f"{mantissa}e{exponent}" if exponent else mantissa
        return f"{mantissa}{_DECIMAL_SUFFIX[exponent]}"


@dataclass(frozen=True, slots=True)
class _Parts:
    """A quantity taken apart: leading zeros are gone, `exponent` is one of 10 or, for BinarySI, of 2."""

    sign: str
    whole: str
    fraction: str
    exponent: int
    format: Format

    def fits_fast_path(self) -> bool:
        """Return whether Kubernetes keeps the amount in 64 bits; what it shows and cuts depends on it."""
        if self.format != "BinarySI":
            return len(self.whole + self.fraction) <= 18 and self.exponent - len(self.fraction) >= -9
        return not self.fraction and 14 - len(self.whole) - self.exponent * 3 // 10 >= 0

    def keeps_its_text(self) -> bool:
        """Return whether `ParseQuantity` takes the text for canonical already."""
        if self.format == "BinarySI":
            return bool(int(self.whole) & 7)
        digits = self.whole + self.fraction
        scale = self.exponent - len(self.fraction)
        return scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"

    def amount(self) -> Decimal:
        """Round up to a billionth; cut binary amounts at 2^63-1."""
        number = Decimal(f"{self.whole}.{self.fraction or '0'}")
        number = number * 2**self.exponent if self.format == "BinarySI" else number.scaleb(self.exponent)
        number = number.quantize(_NANO, rounding=ROUND_UP)
        if self.format == "BinarySI":
            number = min(number, _MAX)
        return (-number if self.sign == "-" else number).normalize()


def parse_quantity(text: str) -> Quantity:
    """Read a quantity; what is finer than a billionth is rounded up.

    Raises:
        QuantityError: not a quantity (`resource.ParseQuantity`).
    """
    found = _SYNTAX.fullmatch(text)
    if not text or found is None:
        raise QuantityError(_WRONG_FORMAT)
    sign, whole, fraction, suffix = found.groups(default="")
    parts = _Parts(sign, whole.lstrip("0") or "0", fraction, *_exponent(suffix))
    fast = parts.fits_fast_path()
    if not fast and not whole and not fraction:
        raise QuantityError(_NO_NUMBER)
    with localcontext(Context(prec=len(text) + 2 * _MAX_EXPONENT)):
        amount = parts.amount()
    written = text if fast and amount and parts.keeps_its_text() else ""
    return Quantity(amount, parts.format, written)


def _exponent(suffix: str) -> tuple[int, Format]:
    if suffix in _BINARY:
        return _BINARY[suffix], "BinarySI"
    if suffix in _DECIMAL:
        return _DECIMAL[suffix], "DecimalSI"
    exponent = re.fullmatch(r"[eE]([-+]?[0-9]{1,18})", suffix)
    if exponent is None:
        raise QuantityError(_WRONG_SUFFIX)
    return min(max(int(exponent.group(1)), -_MAX_EXPONENT), _MAX_EXPONENT), "DecimalExponent"


def _binary(amount: int) -> str:
    exponent = 0
    while amount % 1024 == 0 and exponent < 60:
        amount //= 1024
        exponent += 10
    return f"{amount}{_BINARY_SUFFIX[exponent]}"


def _decimal(amount: Decimal) -> tuple[str, int]:
    """Return the mantissa of a normalised amount at an exponent that is a multiple of three; its text may be long."""
    sign, digits, exponent = amount.as_tuple()
    shift = int(exponent) % 3
    return "-" * sign + "".join(map(str, digits)) + "0" * shift, int(exponent) - shift
