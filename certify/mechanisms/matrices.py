"""Exact symmetric matrices at the door, and what balls prove about them: definiteness, and a basis that diagonalises two of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any, TypeAlias

from flint import arb, arb_mat, ctx

from certify.errors import InputError
from certify.numbers import exact
from certify.proofs.balls import ball, precision

Rows: TypeAlias = tuple[tuple[Fraction, ...], ...]

MOST_DIMENSIONS = 64
_FIRST_BITS, _MOST_BITS = 128, 8192
_MOST_SWEEPS = 60


def vector(value: Any, name: str) -> tuple[Fraction, ...]:
    """An exact vector from a number or a flat sequence of numbers."""
    entries = _listed(value)
    if not isinstance(entries, list):
        return (exact(entries, name),)
    if not entries or any(isinstance(_listed(entry), list) for entry in entries):
        raise InputError(f"{name} must be a number or a flat list of numbers")
    return tuple(exact(entry, f"an entry of {name}") for entry in entries)


def rectangle(value: Any, name: str) -> Rows:
    """An exact matrix from a number or a list of rows of one length."""
    rows = _listed(value)
    if not isinstance(rows, list):
        return ((exact(rows, name),),)
    listed = [_listed(row) for row in rows]
    if not rows or any(not isinstance(row, list) or len(row) != len(listed[0]) or not row for row in listed):
        raise InputError(f"{name} must be a number or a list of rows of one length")
    return tuple(tuple(exact(entry, f"an entry of {name}") for entry in row) for row in listed)


def covariance(value: Any, name: str) -> Rows:
    """An exact symmetric positive definite matrix; anything else is refused in one line."""
    rows = rectangle(value, name)
    size = len(rows)
    if len(rows[0]) != size:
        raise InputError(f"{name} must be square, and has {size} rows and {len(rows[0])} columns")
    if size > MOST_DIMENSIONS:
        raise InputError(f"{name} has {size} dimensions: at most {MOST_DIMENSIONS} are offered")
    for j, i in combinations(range(size), 2):
        if rows[i][j] != rows[j][i]:
            raise InputError(f"{name} must be symmetric, and its entries ({j + 1}, {i + 1}) and ({i + 1}, {j + 1}) differ")
    if (definite := is_definite(rows)) is not True:
        raise InputError(
            f"{name} must be positive definite" + ("" if definite is False else ", and is too near a singular matrix to tell")
        )
    return rows


def is_definite(rows: Rows) -> bool | None:
    """Whether the symmetric matrix is proved to be positive definite, or not to be; ``None`` if the greatest precision leaves it open."""
    bits = _FIRST_BITS
    while bits <= _MOST_BITS:
        with precision(bits):
            verdict = definite(balls(rows))
        if verdict is not None:
            return verdict
        bits *= 4
    return None


def balls(rows: Rows) -> arb_mat:
    """The matrix at the current precision."""
    return arb_mat([[ball(entry) for entry in row] for row in rows])


def column(entries: Iterable[arb | Fraction]) -> arb_mat:
    """A column vector."""
    return arb_mat([[entry if isinstance(entry, arb) else ball(entry)] for entry in entries])


def definite(matrix: arb_mat) -> bool | None:
    """By the signs of the pivots of symmetric elimination; ``None`` where a ball holds zero."""
    size = matrix.nrows()
    rows = [[matrix[i, j] for j in range(size)] for i in range(size)]
    for k in range(size):
        pivot = rows[k][k]
        if not pivot > 0:
            return False if pivot <= 0 else None
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            for j in range(k + 1, i + 1):
                rows[i][j] -= factor * rows[j][k]
    return True


def form(rows: Rows, move: Iterable[arb | Fraction]) -> arb:
    """A ball around move . rows^-1 move at the current precision; of no number where that is too low to tell the matrix from a singular one."""
    return inverse_form(balls(rows), column(move))


def inverse_form(matrix: arb_mat, at: arb_mat) -> arb:
    """:func:`form` for balls."""
    try:
        return (at.transpose() * matrix.solve(at))[0, 0]
    except ZeroDivisionError:
        return arb("nan")


@dataclass(frozen=True)
class Diagonal:
    """Two Gaussian laws in coordinates in which the second is N(0, I) and the first N(means, diag(variances)), but for two slacks.

    The numbers are exact. The true first law is within ``slack`` of that law in total variation, and the true second law within
    ``reference_slack`` of N(0, I): for eigenvalues b of the relative error of a covariance with |b| <= 1/2, the Kullback-Leibler divergence is
    at most half the sum of b², so that the total variation is at most |B|_F/2 (Pinsker), and moving a mean by d standard deviations costs d/2.
    """

    variances: tuple[arb, ...]
    means: tuple[arb, ...]
    slack: arb
    reference_slack: arb


def diagonalised(shift: tuple[Fraction, ...], first: Rows, second: Rows) -> Diagonal | None:
    """Coordinates that diagonalise both covariances at the current precision; ``None`` if it does not suffice."""
    size, threshold = len(shift), arb(2) ** -(ctx.prec // 2)
    one, two = balls(first), balls(second)
    try:
        inverse = _cholesky(two).inv().mid()
    except ZeroDivisionError:
        return None
    map_ = (_eigenvectors((inverse * one * inverse.transpose()).mid()).transpose() * inverse).mid()
    seen, plain, moved = map_ * one * map_.transpose(), map_ * two * map_.transpose(), map_ * column(shift)
    variances = tuple(arb(1) if abs(seen[i, i] - 1) < threshold else seen[i, i].mid() for i in range(size))
    means = tuple(arb(0) if abs(moved[i, 0]) < threshold else moved[i, 0].mid() for i in range(size))
    if not all(variance > 0 for variance in variances):
        return None
    off, reference, mean = arb(0), arb(0), arb(0)
    for i in range(size):
        mean += _square(moved[i, 0] - means[i]) / variances[i]
        for j in range(size):
            off += _square(seen[i, j] - (variances[i] if i == j else 0)) / (variances[i] * variances[j])
            reference += _square(plain[i, j] - int(i == j))
    wrong, other, far = (value.abs_upper().sqrt().abs_upper() for value in (off, reference, mean))
    if not (wrong < arb(0.5) and other < arb(0.5)):
        return None
    return Diagonal(variances, means, ((wrong + far) / 2).abs_upper(), (other / 2).abs_upper())


def _square(value: arb) -> arb:
    return value * value  # the power of a ball that holds zero may be undefined


def _cholesky(matrix: arb_mat) -> arb_mat:
    """About the lower factor; the caller measures what is wrong with it."""
    size = matrix.nrows()
    rows = [[arb(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i, j] - sum((rows[i][k] * rows[j][k] for k in range(j)), arb(0))
            rows[i][j] = (rest.mid().sqrt() if i == j else rest / rows[j][j]).mid()
    return arb_mat(rows)


def _eigenvectors(matrix: arb_mat) -> arb_mat:
    """About an orthonormal basis of eigenvectors, as columns, by Jacobi's rotations; clusters do no harm."""
    size = matrix.nrows()
    rows = [[matrix[i, j].mid() for j in range(size)] for i in range(size)]
    basis = [[arb(int(i == j)) for j in range(size)] for i in range(size)]  # its rows become the eigenvectors
    small = arb(2) ** (12 - ctx.prec)
    for _ in range(_MOST_SWEEPS):
        turned = False
        for i in range(size):
            for j in range(i):
                if _square(rows[i][j]) > small * small * abs(rows[i][i] * rows[j][j]):
                    _rotate(rows, basis, i, j)
                    turned = True
        if not turned:
            break
    return arb_mat(basis).transpose()


def _rotate(rows: list[list[arb]], basis: list[list[arb]], i: int, j: int) -> None:
    tilt = ((rows[j][j] - rows[i][i]) / (2 * rows[i][j])).mid()
    tangent = (1 / (abs(tilt) + (tilt * tilt + 1).sqrt())).mid()
    tangent = tangent if tilt >= 0 else -tangent
    cosine = (1 / (tangent * tangent + 1).sqrt()).mid()
    sine = (tangent * cosine).mid()
    for row in rows:
        row[i], row[j] = (cosine * row[i] - sine * row[j]).mid(), (sine * row[i] + cosine * row[j]).mid()
    for table in (rows, basis):
        one, other = table[i], table[j]
        table[i] = [(cosine * a - sine * b).mid() for a, b in zip(one, other, strict=True)]
        table[j] = [(sine * a + cosine * b).mid() for a, b in zip(one, other, strict=True)]


def _listed(value: Any) -> Any:
    """Arrays and tuples as lists; everything else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else value
