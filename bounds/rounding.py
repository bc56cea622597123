"""Rounding allowances of float64 arithmetic: how far a computed sum can be from the true one.

Every allowance assumes IEEE binary64 with rounding to nearest, any order of summation, with or without
fused multiply-add, no Strassen-like products, and results far from underflow (a term for underflow is
added). Sources: Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 3.1 and Lemma 3.1;
Jeannerod & Rump 2013 show that n·u may replace gamma_n for inner products.
"""

from __future__ import annotations

from flint import arb, fmpq

from certify.proofs.balls import precision, upper_double

UNIT_ROUNDOFF = 2.0**-53
UNDERFLOW = 2.0**-1000
"""A bound, with room to spare, on what all underflows of one computation can add."""
EXPONENTIAL_ULP = 4
"""Premise ``exp.accuracy``: the exponential of the array library errs by at most this many ulp."""

ALLOWANCE_BITS = 80
"""Working precision of an allowance: doubles are exact at it, and what it rounds off it rounds outward."""


def gamma(terms: int) -> float:
    """``n u / (1 - n u)`` rounded up: the relative error of a sum or product of ``terms`` roundings.

    >>> gamma(1) >= UNIT_ROUNDOFF
    True
    """
    if terms * UNIT_ROUNDOFF >= 0.01:
        raise ValueError(f"an error analysis of {terms} terms in float64 says nothing")
    unit = fmpq(terms, 1 << 53)
    with precision(ALLOWANCE_BITS):
        return upper_double(arb(unit / (1 - unit)))


def norm_upper(computed: float, terms: int) -> float:
    """A bound on the Euclidean norm of which ``computed`` is the float64 value over ``terms`` entries.

    The entries must have been scaled so that no square underflows, or be large enough. Upper side.

    >>> 1.0 < norm_upper(1.0, terms=4) < 1.0 + 1e-14
    True
    """
    return upper_double(arb(computed) * (1 + arb(gamma(terms + 4))) + arb(UNDERFLOW))
