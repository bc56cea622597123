"""Label values and their positions among the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from certify.errors import InputError


def as_labels(labels: Any) -> NDArray[Any]:
    """The labels as an array; text that is stored as Python objects, as tables of pandas do, becomes text.

    >>> as_labels(np.array(["yes", "no"], dtype=object)).tolist()
    ['yes', 'no']
    """
    if np.ma.is_masked(labels):
        raise InputError("labels have masked entries: fill them or remove their records")
    try:
        array = np.asarray(labels.detach().cpu() if isinstance(labels, torch.Tensor) else labels)
    except ValueError:
        raise InputError("labels must be one value a row: some have several") from None
    text = array.dtype == object and array.size > 0 and all(isinstance(label, str) for label in array.flat)
    return array.astype(str) if text else array


def class_positions(
    labels: NDArray[Any], classes: tuple[Any, ...] | None, *, exactly: int | None = None
) -> tuple[tuple[Any, ...], NDArray[np.int64]]:
    """The sorted label values (or the ``classes`` given) and the position of each label among them."""
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        row = int(np.argmin(np.isfinite(labels)))
        raise InputError(f"label of row {row} is {labels[row]}: remove the record or repair its label")
    if labels.dtype.kind not in "fiubUS":
        raise InputError(f"labels must be numbers or text, not {labels.dtype}")
    known = np.unique(labels if classes is None else np.asarray(classes))
    if exactly is not None and len(known) != exactly:
        raise InputError(
            f"logistic regression needs labels of {exactly} values, and these take {len(known)}: "
            + ("use Softmax" if len(known) > exactly else "add records of the other class, or name both (classes=)")
        )
    if len(known) < 2:
        raise InputError("labels take one value only: add records of another class, or name them (classes=)")
    positions = np.searchsorted(known, labels)
    outside = (positions == len(known)) | (known[np.minimum(positions, len(known) - 1)] != labels)
    if outside.any():
        raise InputError(
            f"label {labels[outside][0].item()!r} of row {int(np.argmax(outside))} is not one of the model's classes {known.tolist()}"
        )
    return tuple(known.tolist()), positions.astype(np.int64)
