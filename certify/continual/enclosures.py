"""Numbers in balls that the constants are made of: eigenvalues of matrices, ranges of the logistic loss's derivatives, sums of the largest."""

from __future__ import annotations

import math

from flint import arb, arb_mat

_SQUARINGS = 12


def least_eigenvalue(matrix: arb_mat) -> float:
    """A double that the least eigenvalue of the symmetric matrix is proved to exceed, by the pivots of the matrix less that number."""
    import numpy

    size = matrix.nrows()
    centre = numpy.array([[float(matrix[i, j].mid()) for j in range(size)] for i in range(size)])
    guess = float(numpy.linalg.eigvalsh((centre + centre.T) / 2)[0])
    for slack in (1e-9, 1e-6, 1e-3, 0.1):
        trial = guess - slack * abs(guess)
        if trial > 0 and _positive(matrix, trial):
            return trial
    return 0.0


def _positive(matrix: arb_mat, shift: float) -> bool:
    """Whether all pivots of matrix - shift are proved to be positive."""
    size = matrix.nrows()
    work = [[matrix[i, j] - (arb(shift) if i == j else 0) for j in range(size)] for i in range(size)]
    for k in range(size):
        if not work[k][k] > 0:
            return False
        for i in range(k + 1, size):
            factor = work[i][k] / work[k][k]
            for j in range(i, size):
                work[i][j] -= factor * work[k][j]
                work[j][i] = work[i][j]
    return True


def greatest_eigenvalue(matrix: arb_mat, weights: list[arb]) -> arb:
    """An upper bound on the norm of the sum of weight x x', by |G| <= |G^k|_F^(1/k)."""
    rows = [[weight * matrix[i, j] for j in range(matrix.ncols())] for i, weight in enumerate(weights)]
    power = matrix.transpose() * arb_mat(rows)
    for _ in range(_SQUARINGS):
        power = power * power
    total = sum((entry * entry for entry in power.entries()), arb(0)).sqrt()
    return total.root(2**_SQUARINGS).upper()


def away(low: arb, high: arb, label: int) -> arb:
    """The greatest |share - y| for predictors from low to high: at the end away from the label."""
    return 1 / (1 + low.exp()) if label else 1 / (1 + (-high).exp())


def curved(low: arb, high: arb) -> arb:
    """An upper bound on s (1 - s) for predictors from low to high: it falls with the distance from zero."""
    nearest = low if low > 0 else -high if high < 0 else arb(0)
    share = 1 / (1 + (-nearest).exp())
    return share * (1 - share)


def third(low: arb, high: arb) -> arb:
    """An upper bound on |s (1 - s)(1 - 2s)| there: with the distance from zero it grows to 1/(6 sqrt 3) at log(2 + sqrt 3), and falls beyond."""
    nearest = low if low > 0 else -high if high < 0 else arb(0)
    farthest, peak = abs(low).max(abs(high)), (2 + arb(3).sqrt()).log()
    if not (nearest > peak or farthest < peak):
        return 1 / (6 * arb(3).sqrt())
    share = 1 / (1 + (-(nearest if nearest > peak else farthest)).exp())
    return share * (1 - share) * (2 * share - 1)


def above(values: list[arb]) -> arb:
    """A number at or above all of them."""
    found = values[0]
    for value in values[1:]:
        found = found.max(value)
    return found.upper()


def above_sum(values: list[arb], most: int) -> arb:
    """A number at or above the sum of any ``most`` of them."""
    largest = sorted((float(value.upper()) for value in values), reverse=True)[:most]
    return sum((arb(math.nextafter(value, math.inf)) for value in largest), arb(0)).upper()
