"""Some of the inputs of a model, however they are named."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

Features = int | slice | Sequence[int] | Sequence[bool] | Tensor
"""Inputs by number: one, several, a slice of them, or a mask of as many truth values as there are inputs."""


def chosen_features(features: Features, size: int) -> list[int]:
    """The numbers of the inputs meant, ascending, out of ``size`` flattened ones.

    Raises ``ValueError`` for none at all, numbers outside the input, fractions, and masks of another length.

    >>> chosen_features(slice(1, None), 3), chosen_features([True, False, True], 3), chosen_features(0, 3)
    ([1, 2], [0, 2], [0])
    """
    if isinstance(features, slice):
        return _some(range(size)[features], size)
    held: Any = features.detach().flatten().tolist() if isinstance(features, Tensor) else features
    given = list(held) if isinstance(held, Iterable) and not isinstance(held, (str, bytes)) else [held]
    if given and all(isinstance(item, bool) or str(getattr(item, "dtype", "")) in ("bool", "torch.bool") for item in given):
        if len(given) != size:
            raise ValueError(f"a mask of features has {size} truth values, one for each input, not {len(given)}")
        return _some([number for number, item in enumerate(given) if item], size)
    numbers = []
    for item in given:
        if isinstance(item, bool) or not hasattr(item, "__index__"):
            raise ValueError(f"features are whole numbers from 0 to {size - 1}, a slice or a mask; {str(item)[:40]} is none")
        numbers.append(operator.index(item))
    return _some(numbers, size)


def _some(numbers: Iterable[int], size: int) -> list[int]:
    chosen = sorted(set(numbers))
    if not chosen or chosen[0] < 0 or chosen[-1] >= size:
        raise ValueError(f"features are one or more numbers of inputs, from 0 to {size - 1}; {chosen[:5]} are not")
    return chosen
