"""The common part of the linear objectives: mean loss over retained rows plus (l2/2)|w|²."""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from certify.bounds import Bound, Measured, derive
from certify.bounds.linear_model import LossRounding
from certify.errors import InputError
from certify.proofs.sides import Side

from .dataset import positions_mask
from .design import CAREFUL, PLAIN, Design, Summation, as_tensor
from .labels import as_labels
from .measuring import MOSTLY_ROUNDING, MeasuredGradient, MeasuredStep, measured_gradient, measured_step


class LinearObjective(abc.ABC):
    """Mean loss of ``features @ w`` against ``labels`` plus (l2/2)|w|², over the retained rows.

    Parameters are a flat float64 tensor of ``dimension`` entries, outputs major, the intercept last
    within each output. Strong convexity is ``l2`` exactly. Arrays are neither copied nor changed.
    """

    kind: ClassVar[str]

    def __init__(self, features: Any, labels: Any, *, l2: float, intercept: bool = False) -> None:
        self.l2 = positive_l2(l2)
        self.original_labels: NDArray[Any] = as_labels(labels)
        self.design = Design(as_tensor(features), bool(intercept))
        if self.original_labels.shape != (self.design.rows,):
            raise InputError(
                f"{self.design.rows} rows of features need as many labels, not labels of shape {self.original_labels.shape}: check the table"
            )
        self.design.row_norms  # noqa: B018  (refuses entries that are not finite, and is needed below)
        self.ids: NDArray[np.int64] = np.arange(self.design.rows)

    classes_declared: bool = True
    """Whether the label values are public knowledge (``classes=``) and were not read off the records."""

    @property
    def shows_a_deleted_class(self) -> bool:
        """Whether label values were read off the records and no retained record has one of them."""
        if self.classes_declared:
            return False
        labels = self.labels.cpu()[torch.from_numpy(self.ids)]
        found = torch.bincount((labels - labels.min()).to(torch.int64))
        return int((found > 0).sum()) < len(self.classes)

    # what a loss must say of itself -----------------------------------------------------------------

    outputs: int
    classes: tuple[Any, ...]
    labels: torch.Tensor

    @property
    @abc.abstractmethod
    def rounding(self) -> LossRounding:
        """What the error analysis needs to know of the loss."""

    @abc.abstractmethod
    def losses(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of each row: (b, k) predictors to (b,)."""

    @abc.abstractmethod
    def loss_gradients(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The gradient of each row's loss in its predictors: (b, k) to (b, k)."""

    @abc.abstractmethod
    def loss_curvatures(self, predictors: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """The Hessian of each row's loss in its predictors times that row of ``directions``: (b, k)."""

    @abc.abstractmethod
    def curvature_sum(self, weights: torch.Tensor) -> torch.Tensor:
        """The sum over retained rows of the loss Hessians in the parameters, a (k·p, k·p) matrix."""

    @abc.abstractmethod
    def predict(self, parameters: torch.Tensor, features: Any) -> NDArray[Any]:
        """The predicted label (or value) of each row of ``features``."""

    # sizes and views ----------------------------------------------------------------------------------

    @property
    def features(self) -> torch.Tensor:
        """All rows as they were given, deleted ones included."""
        return self.design.features

    @property
    def intercept(self) -> bool:
        """Whether a constant, regularised column is appended."""
        return self.design.intercept

    @property
    def count(self) -> int:
        """The number of retained rows."""
        return len(self.ids)

    @property
    def dimension(self) -> int:
        """The number of parameters."""
        return self.outputs * self.design.columns

    def without(self, ids: Iterable[int]) -> LinearObjective:
        """The objective on the rows that are left; unknown or repeated ids, or all of them, raise ``InputError``."""
        forgotten = positions_mask(self.ids, ids)
        if forgotten.all():
            raise InputError("forgetting every record leaves nothing to fit: retain at least one record, or delete the model")
        if not forgotten.any():
            return self
        everywhere = np.zeros(self.design.rows, dtype=bool)
        everywhere[self.ids[forgotten]] = True
        smaller = copy.copy(self)
        smaller.design = self.design.without(everywhere)
        smaller.ids = self.ids[~forgotten]
        return smaller

    def compact(self) -> LinearObjective:
        """The same objective with the retained rows copied together; its ids count from zero."""
        return self if self.count == self.design.rows else self.select(self.ids)

    def select(self, positions: NDArray[np.int64]) -> LinearObjective:
        """The objective on copies of the rows at these positions alone; its ids count from zero."""
        chosen = torch.from_numpy(positions).to(self.features.device)
        alone = copy.copy(self)
        alone.design = Design(self.features[chosen].contiguous(), self.intercept)
        alone.labels = self.labels[chosen]
        alone.original_labels = self.original_labels[positions]
        alone.ids = np.arange(len(positions))
        return alone

    def retained_rows(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of the retained features and of their original labels."""
        return self.features[torch.from_numpy(self.ids)].cpu().numpy(), self.original_labels[self.ids]

    @property
    def commitment_labels(self) -> NDArray[np.float64]:
        """The labels of the retained rows as the numbers that commitments hash: text labels by their class position."""
        if self.original_labels.dtype.kind in "fiub":
            return self.original_labels[self.ids].astype(np.float64)
        return np.searchsorted(np.asarray(self.classes), self.original_labels[self.ids]).astype(np.float64)

    def describe(self) -> dict[str, Any]:
        """What may be public of the problem: kind, l2, shapes, label values."""
        classes = [item.item() if isinstance(item, np.generic) else item for item in self.classes]
        return {
            "kind": self.kind,
            "l2": self.l2.hex(),
            "intercept": self.intercept,
            "columns": int(self.features.shape[1]),
            "classes": [str(item) for item in classes],
            "parameters": self.dimension,
        }

    def weights(self, parameters: torch.Tensor) -> torch.Tensor:
        """The flat parameters as a (k, p) matrix; refuses another size or entries that are not finite."""
        try:
            flat = torch.as_tensor(parameters).detach().to(torch.float64)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(
                f"parameters are {self.dimension} numbers, not {type(parameters).__name__}: pass run.model, say"
            ) from None
        if flat.numel() != self.dimension:
            raise InputError(f"the model has {self.dimension} parameters, not {flat.numel()}: was it fitted on other columns?")
        if not bool(torch.isfinite(flat).all()):
            raise InputError("the parameters are not all finite: the fit diverged or the file is damaged")
        return flat.reshape(self.outputs, self.design.columns).to(self.features.device)

    # values ---------------------------------------------------------------------------------------------

    def value(self, parameters: torch.Tensor) -> float:
        """The objective in float64 (no bound)."""
        weights = self.weights(parameters)
        total = 0.0
        for where, rows, mask in self.design.chunks(4096):
            losses = self.losses(self.design.predictors(rows, weights), self.labels[where])
            total += float(losses.sum() if mask is None else losses @ mask)
        return total / self.count + self.l2 / 2 * float((weights**2).sum())

    def gradient(self, parameters: torch.Tensor) -> torch.Tensor:
        """The gradient in float64, flat."""
        return self.measure(parameters).gradient

    def hessian(self, parameters: torch.Tensor) -> torch.Tensor:
        """The Hessian in float64, a (dimension, dimension) matrix."""
        return self.hessian_of(self.curvature_sum(self.weights(parameters)))

    def hessian_of(self, curvature: torch.Tensor) -> torch.Tensor:
        """The Hessian that a curvature sum over as many rows makes: the mean plus l2 on the diagonal."""
        hessian = curvature / self.count
        hessian.diagonal().add_(self.l2)
        return hessian

    def hessian_product(self, parameters: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        """The Hessian times a flat vector in float64: one pass over the data."""
        weights, directions = self.weights(parameters), self.weights(vector)
        product, _ = self.design.adjoint(
            lambda where, rows: self.loss_curvatures(
                self.design.predictors(rows, weights), self.design.predictors(rows, directions)
            )
        )
        return (product / self.count + self.l2 * directions).reshape(-1)

    def scores(self, parameters: torch.Tensor, features: Any) -> torch.Tensor:
        """The predictors of each row of ``features``: shape (b, k)."""
        rows = torch.as_tensor(features).to(self.features.device, torch.float64)
        return self.design.predictors(rows, self.weights(parameters))

    def accuracy(self, parameters: torch.Tensor, features: Any = None, labels: Any = None) -> float:
        """The share of rows predicted right (all stored rows unless others are given)."""
        rows = self.features if features is None else features
        truth = self.original_labels if labels is None else np.asarray(labels)
        return float(np.mean(self.predict(parameters, rows) == truth))

    # measured, one-sided --------------------------------------------------------------------------------

    @property
    def strong_convexity(self) -> Bound:
        """The strong convexity: exactly l2 (the ridge term; the loss is convex).

        Theorem: ``ridge.strong-convexity`` (lower l2).
        """
        return derive("ridge.strong-convexity", l2=self.l2)

    @property
    def row_norm(self) -> Bound:
        """The largest norm of a retained row, intercept included, rounded up."""
        return Bound(self.design.largest_row, Side.UPPER, Measured("largest row norm"))

    @property
    def hessian_lipschitz(self) -> Bound:
        """The Lipschitz constant of the Hessian on the retained rows.

        Theorem: ``logistic.hessian-lipschitz``, ``softmax.hessian-lipschitz``, ``squared.hessian-lipschitz`` (upper row_norm).
        """
        return derive(f"{self._family}.hessian-lipschitz", row_norm=self.row_norm)

    @property
    def self_concordance(self) -> Bound:
        """The bound nu on the third derivative relative to the second, on the retained rows.

        Theorem: ``*.self-concordance`` (upper row_norm).
        """
        return derive(f"{self._family}.self-concordance", row_norm=self.row_norm)

    @property
    def _family(self) -> str:
        return {"ridge": "squared"}.get(self.kind, self.kind)

    def measure(self, parameters: torch.Tensor, *, careful: bool = False) -> MeasuredGradient:
        """The gradient and a proved bound on its norm: one pass over the data, or two near the rounding floor.

        The residual carries the rounding allowance of :func:`certify.bounds.linear_model.gradient_allowance`.
        Where that makes up half of it, it is measured again with predictors of fewer roundings; ``careful``
        says that this is expected, so that one pass does.
        """
        weights = self.weights(parameters)
        if careful:
            return measured_gradient(self, weights, CAREFUL)
        found = measured_gradient(self, weights, PLAIN)
        if found.residual.value <= MOSTLY_ROUNDING * found.error:
            return replace(measured_gradient(self, weights, CAREFUL), passes=2)
        return found

    def measure_step(self, parameters: torch.Tensor, measured: MeasuredGradient, step: torch.Tensor) -> MeasuredStep:
        """``g + H step`` at the measured parameters with proved bounds: one pass over the data."""
        return measured_step(self, parameters, measured, step)

    def loss_part(self, weights: torch.Tensor, summation: Summation = PLAIN) -> tuple[torch.Tensor, float]:
        """The sum of the loss gradients, ridge excluded, shape (k, p), and an upper bound on the norm of all of them."""
        return self.design.adjoint(
            lambda where, rows: self.loss_gradients(self.design.predictors(rows, weights, summation), self.labels[where]),
            summation,
        )


def positive_l2(l2: Any) -> float:
    """The weight decay as a positive finite double, or one clear line."""
    if isinstance(l2, (str, Fraction)):
        with suppress(ValueError):
            l2 = float(l2)
    if isinstance(l2, bool) or not isinstance(l2, (int, float, np.integer, np.floating)) or not (math.isfinite(l2) and l2 > 0):
        raise InputError(f"l2 must be a positive finite number, not {l2!r}: without weight decay no strong convexity is known")
    return float(l2)
