"""Where delta is exactly zero: the supremum of the log-ratio of two Gaussian laws, decided without rounding.

log p/q is bounded above if and only if D = reference_covariance - covariance is positive semidefinite and the shift lies in its range, and then

    sup log p/q = log(det reference_covariance/det covariance)/2 + shift . D^+ shift/2,

by completing the square. Both terms come from rational elimination. The logarithm of a rational number other than one is
irrational (Lindemann), so that the comparison with a rational epsilon is never a tie unless the laws are the same.
"""

from __future__ import annotations

from fractions import Fraction

from flint import arb, fmpq, fmpq_mat

from certify.proofs.balls import MAXIMUM_PRECISION, ball, precision, rational

from .matrices import Rows, balls, definite

_FIRST_BITS = 128


def never_exceeds(epsilon: Fraction, shift: tuple[Fraction, ...], first: Rows, second: Rows) -> bool:
    """Whether log p/q <= epsilon everywhere, for p of N(shift, first) and q of N(0, second), so that delta is zero."""
    difference = tuple(tuple(b - a for a, b in zip(one, two, strict=True)) for one, two in zip(first, second, strict=True))
    if _soon_seen_not_to_be_semidefinite(difference):
        return False
    square = pseudo_form(difference, shift)
    if square is None:
        return False
    ratio = _exact(second).det() / _exact(first).det()
    bits = _FIRST_BITS
    while bits <= MAXIMUM_PRECISION:
        with precision(bits):
            top = (arb(ratio).log() + arb(square)) / 2 - ball(epsilon)
            if top <= 0:
                return True
            if top > 0:
                return False
        bits *= 2
    return False


def _soon_seen_not_to_be_semidefinite(rows: Rows) -> bool:
    """Most pairs of covariances are told apart here: a semidefinite matrix and a small multiple of the identity are definite."""
    size = range(len(rows))
    if any(rows[index][index] < 0 for index in size):
        return True
    little = max(rows[index][index] for index in size) / 2 ** (_FIRST_BITS // 2)
    lifted = tuple(tuple(entry + (little if i == j else 0) for j, entry in enumerate(row)) for i, row in enumerate(rows))
    with precision(_FIRST_BITS):
        return definite(balls(lifted)) is False


def pseudo_form(rows: Rows, move: tuple[Fraction, ...]) -> fmpq | None:
    """move . rows^+ move, exactly; ``None`` unless the matrix is positive semidefinite and the vector in its range."""
    size = len(move)
    table = [[rational(entry) for entry in row] for row in rows]
    rest = [rational(entry) for entry in move]
    left, total = list(range(size)), fmpq(0)
    while left:
        pivot = max(left, key=lambda index: table[index][index])
        head = table[pivot][pivot]
        if any(table[index][index] < 0 for index in left):
            return None
        if head == 0:  # of a semidefinite matrix a zero on the diagonal stands in a row of zeros
            zero = all(table[i][j] == 0 for i in left for j in left) and all(rest[i] == 0 for i in left)
            return total if zero else None
        left.remove(pivot)
        total += rest[pivot] * rest[pivot] / head
        for i in left:
            factor = table[i][pivot] / head
            if factor != 0:
                rest[i] -= factor * rest[pivot]
                for j in left:
                    table[i][j] -= factor * table[pivot][j]
    return total


def _exact(rows: Rows) -> fmpq_mat:
    return fmpq_mat([[rational(entry) for entry in row] for row in rows])
