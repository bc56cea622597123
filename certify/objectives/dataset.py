"""The frozen data set that methods are trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certify.errors import InputError


@dataclass(frozen=True)
class Dataset:
    """Rows, labels and the original positions of the rows; nothing is copied, nothing is changed in place.

    ``features`` is an (n, d) array, ``labels`` an (n,) array, ``ids`` the n original row positions.

    >>> import numpy as np
    >>> data = Dataset(np.eye(3), np.array([0, 1, 0]))
    >>> data.without([1]).ids.tolist()
    [0, 2]
    """

    features: NDArray[Any]
    labels: NDArray[Any]
    ids: NDArray[np.int64] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        features, labels = np.asarray(self.features), np.asarray(self.labels)
        if features.ndim != 2 or labels.shape != (len(features),):
            raise InputError(
                f"a data set needs (n, d) features and n labels, not shapes {features.shape} and {labels.shape}: reshape or transpose them"
            )
        ids = np.arange(len(features)) if self.ids is None else np.asarray(self.ids)
        if ids.shape != labels.shape or len(np.unique(ids)) != len(ids):
            raise InputError("ids must be unique, one for each row: number the rows by their original positions")
        for name, value in (("features", features), ("labels", labels), ("ids", ids.astype(np.int64, copy=False))):
            object.__setattr__(self, name, value)

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.labels)

    def without(self, ids: Iterable[int]) -> Dataset:
        """The rows whose id is not among ``ids``, in the same order; unknown or repeated ids raise ``InputError``."""
        keep = ~positions_mask(self.ids, ids)
        return Dataset(self.features[keep], self.labels[keep], self.ids[keep])


def positions_mask(known: NDArray[np.int64], ids: Iterable[int]) -> NDArray[np.bool_]:
    """True where ``known`` is among ``ids``; raises ``InputError`` for unknown, repeated or non-integer ids."""
    asked = np.asarray(list(ids))
    mask = np.zeros(len(known), dtype=bool)
    if asked.size == 0:
        return mask
    if asked.dtype.kind not in "iu":
        raise InputError(f"ids to forget are integers (row positions), not {asked.dtype}: pass whole numbers")
    unique, counts = np.unique(asked, return_counts=True)
    if (counts > 1).any():
        raise InputError(f"id {unique[counts > 1][0]} is asked to be forgotten more than once: list each id once")
    order = None if bool((known[1:] > known[:-1]).all()) else np.argsort(known)
    places = np.searchsorted(known, unique, sorter=order)
    inside = places < len(known)
    positions = places[inside] if order is None else order[places[inside]]
    found = known[positions] == unique[inside]
    if not inside.all() or not found.all():
        missing = unique[~inside][0] if found.all() else unique[inside][~found][0]
        raise InputError(f"id {missing} is not in the data ({len(known)} rows): it is unknown or was forgotten before")
    mask[positions] = True
    return mask
