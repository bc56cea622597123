"""Numbers at the door: exact in, or one clear line."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import InputError
from certify.numbers import exact, nonnegative, positive, probability, to_decimal, to_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.1", Fraction(1, 10)),
        (" 1e-5 ", Fraction(1, 100000)),
        ("1E+3", Fraction(1000)),
        (".5", Fraction(1, 2)),
        ("3.", Fraction(3)),
        ("-2", Fraction(-2)),
        ("1/3", Fraction(1, 3)),
        ("0x1.8p-1", Fraction(3, 4)),
        (0.1, Fraction(0.1)),
        (7, Fraction(7)),
        (Fraction(2, 7), Fraction(2, 7)),
        (Decimal("0.1"), Fraction(1, 10)),
        (numpy.float64(0.1), Fraction(0.1)),
        (numpy.float32(0.1), Fraction(float(numpy.float32(0.1)))),
        (numpy.longdouble(0.5), Fraction(1, 2)),
        (numpy.int64(-3), Fraction(-3)),
        (numpy.array(0.25), Fraction(1, 4)),
        (torch.tensor(0.25), Fraction(1, 4)),
    ],
)
def test_what_is_written_is_what_is_meant(value: object, expected: Fraction) -> None:
    assert exact(value, "x") == expected


def test_a_decimal_string_and_the_double_of_the_same_name_differ() -> None:
    assert exact("0.1", "x") != exact(0.1, "x")


@pytest.mark.parametrize(
    "value",
    [
        True, numpy.bool_(False), "nan", "inf", "-Infinity", float("nan"), float("-inf"), 1j, numpy.complex128(1), "1+2j", "",
        "  ", "abc", "1_000", "1e", "0x", "1/0", "1/2/3", "١", "1e999999999999", "1e-2001", "9" * 401, None, [1.0], b"1", {},
        numpy.array([1.0, 2.0]), numpy.float64("nan"), torch.tensor([1.0]), Decimal("NaN"), Decimal("Infinity"), 10**4000,
        Decimal("1e999999"), Fraction(1, 2**9000), object(), "0x1p+99999", "0x1p+999999999", numpy.longdouble("inf"),
        numpy.str_("one"),
    ],
)  # fmt: skip
def test_anything_else_is_one_clear_line(value: object) -> None:
    with pytest.raises(InputError) as caught:
        exact(value, "delta")
    message = str(caught.value)
    assert message.startswith("delta")
    assert "\n" not in message
    assert len(message) < 600


@pytest.mark.parametrize("read", [positive, nonnegative, probability])
@pytest.mark.parametrize("value", ["-1", "-1e-400", -5e-324])
def test_a_number_outside_its_range_is_refused_by_name(read: object, value: object) -> None:
    with pytest.raises(InputError, match="sigma must"):
        read(value, "sigma")  # type: ignore[operator]


def test_the_edges_of_the_ranges() -> None:
    assert nonnegative(0, "x") == 0
    for read, value in ((positive, 0), (probability, 0), (probability, 1), (probability, "1.0")):
        with pytest.raises(InputError):
            read(value, "x")
    assert probability("0.9999999999999999999999", "x") < 1


@given(st.fractions())
def test_the_lossless_text_reads_back(number: Fraction) -> None:
    assert exact(to_text(number), "x") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_keeps_its_value_through_every_spelling(value: float) -> None:
    assert exact(value, "x") == exact(value.hex(), "x") == exact(to_text(Fraction(value)), "x")
    assert float(exact(to_decimal(Fraction(value)), "x")) == value


@pytest.mark.parametrize(
    ("number", "shown"),
    [(Fraction(1, 100000), "1e-05"), (Fraction(3), "3"), (Fraction(10) ** 400, "1.0e+400"), (Fraction(-1, 10**400), "-1.0e-400")],
)
def test_a_decimal_for_people_is_short_at_any_size(number: Fraction, shown: str) -> None:
    assert to_decimal(number) == shown


def test_a_number_is_never_read_as_a_colossal_power() -> None:
    """A decimal exponent of a billion would fill the memory before any range check."""
    with pytest.raises(InputError, match="exponents reach"):
        exact("1e1000000000", "epsilon")
