"""What a method releases, read as one flat vector of doubles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .check import Refuted

Vector = NDArray[np.float64]


def flatten(parameters: Any) -> Vector:
    """Parameters as a flat float64 vector: an array, a tensor, a number, or a mapping of names to them.

    Named parameters are joined in the order of their names. Raises :class:`Refuted` for anything else.

    >>> flatten({"weight": np.ones((2, 2)), "bias": 3.0}).tolist()
    [3.0, 1.0, 1.0, 1.0, 1.0]
    """
    if isinstance(parameters, Mapping):
        if not parameters:
            raise Refuted("the released parameters are an empty mapping")
        return np.concatenate([flatten(parameters[name]) for name in sorted(parameters)])
    if hasattr(parameters, "detach"):
        parameters = parameters.detach().cpu().double().numpy()
    try:
        return np.array(parameters, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise Refuted(
            f"the released parameters are a {type(parameters).__name__}, not an array, a tensor or a mapping of names to them"
        ) from None


def layout(parameters: Any) -> object:
    """Names and shapes, comparable with ``==``.

    >>> layout({"weight": np.ones((2, 2))})
    (('weight', (2, 2)),)
    """
    if isinstance(parameters, Mapping):
        return tuple((name, np.shape(parameters[name])) for name in sorted(parameters))
    return np.shape(parameters)


def resolution(*vectors: Vector) -> float:
    """The distance below which models computed by different routes in doubles are not told apart."""
    largest = max(float(np.max(np.abs(vector), initial=0.0)) for vector in vectors)
    return 16 * 2.0**-52 * largest * float(np.sqrt(vectors[0].size))


def distance(left: Vector, right: Vector) -> float:
    """The Euclidean distance; raises :class:`Refuted` where the shapes differ."""
    if left.shape != right.shape:
        raise Refuted(f"two models of one problem have {left.size} and {right.size} parameters")
    return float(np.linalg.norm(left - right))
