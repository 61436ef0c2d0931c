"""Kubernetes quantities ("500m", "1Gi"): parsed, compared and written in their canonical form."""

import re
from dataclasses import dataclass
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
_WRONG_SUFFIX = "unable to parse quantity's suffix"
_MAX_EXPONENT = 1000


class QuantityError(ValueError):
    """The text is not a quantity; the message is the one of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount in whole units, and the family of suffixes that it was written with."""

    amount: Decimal
    format: Format = "DecimalSI"

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        """The canonical form, as `Quantity.CanonicalizeBytes` writes it."""
        if not self.amount:
            return "0"
        if self.format == "BinarySI" and abs(self.amount) >= 1024 and self.amount == int(self.amount):
            return _binary(int(self.amount))
        mantissa, exponent = _decimal(self.amount)
        if self.format == "DecimalExponent":
            return f"{mantissa}e{exponent}" if exponent else str(mantissa)
        return f"{mantissa}{_DECIMAL_SUFFIX[exponent]}"


def parse_quantity(text: str) -> Quantity:
    """Read a quantity; what is finer than a billionth is rounded up, what is beyond 2^63-1 is cut.

    Raises:
        QuantityError: not a quantity (`resource.ParseQuantity`).
    """
    found = _SYNTAX.fullmatch(text)
    if not text or found is None:
        raise QuantityError(_WRONG_FORMAT)
    sign, whole, fraction, suffix = found.groups(default="")
    with localcontext(Context(prec=len(text) + 120)):
        factor, kind = _factor(suffix)
        amount = Decimal(f"{sign}{whole or '0'}.{fraction or '0'}") * factor
        amount = min(max(amount.quantize(_NANO, rounding=ROUND_UP), -_MAX), _MAX)
        return Quantity(amount.normalize(), kind)


def _factor(suffix: str) -> tuple[Decimal, Format]:
    if suffix in _BINARY:
        return Decimal(2 ** _BINARY[suffix]), "BinarySI"
    if suffix in _DECIMAL:
        return Decimal(1).scaleb(_DECIMAL[suffix]), "DecimalSI"
    exponent = re.fullmatch(r"[eE]([-+]?[0-9]{1,18})", suffix)
    if exponent is None:
        raise QuantityError(_WRONG_SUFFIX)
    power = min(max(int(exponent.group(1)), -_MAX_EXPONENT), _MAX_EXPONENT)
    return Decimal(1).scaleb(power), "DecimalExponent"


def _binary(amount: int) -> str:
    exponent = 0
    while amount % 1024 == 0 and exponent < 60:
        amount //= 1024
        exponent += 10
    return f"{amount}{_BINARY_SUFFIX[exponent]}"


def _decimal(amount: Decimal) -> tuple[int, int]:
    """The mantissa without trailing zeros at an exponent that is a multiple of three."""
    sign, digits, exponent = amount.as_tuple()
    mantissa = int("".join(map(str, digits)))
    power = int(exponent)
    while mantissa % 10 == 0:
        mantissa //= 10
        power += 1
    shift = power % 3
    return (-mantissa if sign else mantissa) * 10**shift, power - shift
