"""Multinomial logistic regression."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from certify.bounds.linear_model import LossRounding
from certify.bounds.rounding import EXPONENTIAL_ULP, UNIT_ROUNDOFF

from .labels import class_positions
from .linear import LinearObjective


@final
class Softmax(LinearObjective):
    """Mean cross-entropy of k classes plus (l2/2)|W|², parameters class-major. Strong convexity is exactly l2.

    >>> import numpy as np
    >>> objective = Softmax(np.eye(3), [0, 1, 2], l2=0.5)
    >>> round(objective.value(torch.zeros(9)), 6)
    1.098612
    """

    kind: ClassVar[str] = "softmax"

    def __init__(
        self, features: Any, labels: Any, *, l2: float, intercept: bool = False, classes: tuple[Any, ...] | None = None
    ) -> None:
        super().__init__(features, labels, l2=l2, intercept=intercept)
        self.classes_declared = classes is not None
        self.classes, positions = class_positions(self.original_labels, classes)
        self.outputs = len(self.classes)
        self.labels = torch.from_numpy(positions).to(self.features.device)

    @property
    def rounding(self) -> LossRounding:
        """Absolute error of the probabilities in l1: 2(2 ulp + k/e) for the exponentials and their sum, k + 2 roundings."""
        size = self.outputs
        absolute = (4 * EXPONENTIAL_ULP + 8 + 3 * size) * UNIT_ROUNDOFF
        return LossRounding(
            gradient_lipschitz=0.5,
            relative=0.0,
            absolute=absolute,
            curvature=0.5,
            curvature_lipschitz=0.27216552697590873,  # just above sqrt(6)/9
            curvature_absolute=3 * absolute + (8 + 2 * size) * UNIT_ROUNDOFF,
        )

    def losses(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """log-sum-exp of the predictors minus the label's predictor."""
        return torch.logsumexp(predictors, 1) - predictors.gather(1, labels[:, None])[:, 0]

    def loss_gradients(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Probabilities minus the indicator of the label."""
        probabilities = _probabilities(predictors)
        probabilities[torch.arange(len(labels), device=labels.device), labels] -= 1
        return probabilities

    def loss_curvatures(self, predictors: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """(diag(p) - p p') times the direction."""
        probabilities = _probabilities(predictors)
        weighted = probabilities * directions
        return weighted - probabilities * weighted.sum(1, keepdim=True)

    def curvature_sum(self, weights: torch.Tensor) -> torch.Tensor:
        """Blocks X' diag(p_a (1[a=b] - p_b)) X over the retained rows."""
        size, columns = self.outputs, self.design.columns
        total = torch.zeros(size, columns, size, columns, dtype=torch.float64, device=self.features.device)
        for a in range(size):
            for b in range(a + 1):

                def evaluate(_: slice, rows: torch.Tensor, a: int = a, b: int = b) -> torch.Tensor:
                    probabilities = _probabilities(self.design.predictors(rows, weights))
                    return probabilities[:, a] * (float(a == b) - probabilities[:, b])

                block = self.design.gram(evaluate)
                total[a, :, b, :] = block
                total[b, :, a, :] = block.T
        return total.reshape(self.dimension, self.dimension)

    def predict(self, parameters: torch.Tensor, features: Any) -> NDArray[Any]:
        """The class of the largest predictor."""
        scores = self.scores(parameters, features)
        return np.asarray(np.asarray(self.classes)[scores.argmax(1).cpu().numpy()])


def _probabilities(predictors: torch.Tensor) -> torch.Tensor:
    exponentials = torch.exp(predictors - predictors.amax(1, keepdim=True))
    return exponentials / exponentials.sum(1, keepdim=True)
