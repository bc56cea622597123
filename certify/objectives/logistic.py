"""Binary logistic regression."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from certify.bounds.linear_model import LossRounding
from certify.bounds.rounding import EXPONENTIAL_ULP, UNIT_ROUNDOFF

from .labels import class_positions
from .linear import LinearObjective

_ROUNDING = LossRounding(
    gradient_lipschitz=0.25,
    relative=(2 * EXPONENTIAL_ULP + 4) * UNIT_ROUNDOFF,
    absolute=2.0**-1000,
    curvature=0.25,
    curvature_lipschitz=0.09622504486493766,  # just above 1/(6 sqrt 3)
    curvature_absolute=(2 * EXPONENTIAL_ULP + 24) * UNIT_ROUNDOFF / 4,
)


@final
class Logistic(LinearObjective):
    """Mean log(1 + exp(-y w·x)) plus (l2/2)|w|²; of the two label values the larger counts as y = +1.

    >>> import numpy as np
    >>> objective = Logistic(np.array([[1.0], [-1.0]]), [1, 0], l2=0.5)
    >>> round(objective.value(torch.zeros(1)), 6)
    0.693147
    """

    kind: ClassVar[str] = "logistic"
    outputs = 1

    def __init__(
        self, features: Any, labels: Any, *, l2: float, intercept: bool = False, classes: tuple[Any, ...] | None = None
    ) -> None:
        super().__init__(features, labels, l2=l2, intercept=intercept)
        self.classes_declared = classes is not None
        self.classes, positions = class_positions(self.original_labels, classes, exactly=2)
        self.labels = torch.from_numpy(2.0 * positions - 1.0).to(self.features.device)

    @property
    def rounding(self) -> LossRounding:
        """Relative error of 1/(1 + exp(z)): the exponential's ulps, one addition, one division."""
        return _ROUNDING

    def losses(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """log(1 + exp(-y z)), without overflow."""
        return torch.nn.functional.softplus(-labels * predictors[:, 0], threshold=1000.0)

    def loss_gradients(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """-y / (1 + exp(y z))."""
        return (labels / (-1 - torch.exp(labels * predictors[:, 0])))[:, None]

    def loss_curvatures(self, predictors: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """s (1 - s) times the direction, s the logistic function of the predictor."""
        return _curvature(predictors) * directions

    def curvature_sum(self, weights: torch.Tensor) -> torch.Tensor:
        """X' diag(s (1 - s)) X over the retained rows."""
        return self.design.gram(lambda _, rows: _curvature(self.design.predictors(rows, weights))[:, 0])

    def predict(self, parameters: torch.Tensor, features: Any) -> NDArray[Any]:
        """The larger label where w·x is positive, the smaller elsewhere."""
        scores = self.scores(parameters, features)[:, 0]
        return np.asarray(np.asarray(self.classes)[(scores > 0).cpu().numpy().astype(int)])


def _curvature(predictors: torch.Tensor) -> torch.Tensor:
    small = torch.exp(-predictors.abs())
    return small / (1 + small) ** 2
