"""The real data sets of the tests, with rows scaled to norm one (per record, so nothing is fitted on other rows)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from certify.objectives import LinearObjective, Logistic, Softmax

WINE_SCALE = np.array([15, 6, 4, 30, 165, 4, 5, 1, 4, 13, 2, 4, 1700.0])


def unit_rows(features: NDArray[Any]) -> NDArray[np.float64]:
    """Each row divided by its norm."""
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True))


def breast_cancer(l2: float) -> LinearObjective:
    """569 records, 30 measurements divided by public upper scales."""
    features, labels = load_breast_cancer(return_X_y=True)
    scales = 2.0 ** np.ceil(np.log2(np.array([
        28, 40, 190, 2500, 0.2, 0.4, 0.5, 0.3, 0.4, 0.1, 3, 5, 22, 550, 0.04, 0.2, 0.4, 0.06, 0.08, 0.03,
        36, 50, 250, 4300, 0.3, 1.1, 1.3, 0.3, 0.7, 0.3,
    ])))  # fmt: skip
    return Logistic(unit_rows(features / scales), labels, l2=l2)


def digit_pair(l2: float) -> LinearObjective:
    """Threes against eights."""
    features, labels = load_digits(return_X_y=True)
    chosen = np.isin(labels, (3, 8))
    return Logistic(unit_rows(features[chosen] / 16), labels[chosen], l2=l2)


def ten_digits(l2: float) -> LinearObjective:
    """All ten classes."""
    features, labels = load_digits(return_X_y=True)
    return Softmax(unit_rows(features / 16), labels, l2=l2)


def wine(l2: float) -> LinearObjective:
    """178 records, three classes."""
    features, labels = load_wine(return_X_y=True)
    return Softmax(unit_rows(features / WINE_SCALE), labels, l2=l2)


REAL: dict[str, Callable[[float], LinearObjective]] = {
    "breast-cancer": breast_cancer,
    "digits-3-8": digit_pair,
    "ten-digits": ten_digits,
    "wine": wine,
}
