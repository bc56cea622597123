"""Ridge regression."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from certify.bounds.linear_model import LossRounding
from certify.bounds.rounding import UNIT_ROUNDOFF
from certify.errors import InputError

from .linear import LinearObjective

_ROUNDING = LossRounding(
    gradient_lipschitz=1.0,
    relative=2 * UNIT_ROUNDOFF,
    absolute=0.0,
    curvature=1.0,
    curvature_lipschitz=0.0,
    curvature_absolute=2 * UNIT_ROUNDOFF,
)


@final
class Ridge(LinearObjective):
    """Mean (w·x - y)²/2 plus (l2/2)|w|².

    >>> import numpy as np
    >>> objective = Ridge(np.array([[1.0], [2.0]]), [1.0, 2.0], l2=0.5)
    >>> objective.value(torch.ones(1))
    0.25
    """

    kind: ClassVar[str] = "ridge"
    outputs = 1
    classes: tuple[Any, ...] = ()

    def __init__(self, features: Any, labels: Any, *, l2: float, intercept: bool = False) -> None:
        super().__init__(features, labels, l2=l2, intercept=intercept)
        if self.original_labels.dtype.kind not in "fiub":
            raise InputError(
                f"ridge regression needs numeric labels, not {self.original_labels.dtype}: encode them or use Logistic"
            )
        values = self.original_labels.astype(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise InputError(f"label of row {row} is {values[row]}: remove the record or repair its label")
        self.labels = torch.from_numpy(values).to(self.features.device)

    @property
    def rounding(self) -> LossRounding:
        """One subtraction."""
        return _ROUNDING

    def losses(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Half the squared error."""
        return (predictors[:, 0] - labels) ** 2 / 2

    def loss_gradients(self, predictors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The error."""
        return predictors - labels[:, None]

    def loss_curvatures(self, predictors: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """The direction itself."""
        return directions

    def curvature_sum(self, weights: torch.Tensor) -> torch.Tensor:
        """X' X over the retained rows."""
        return self.design.gram(lambda _, rows: torch.ones(rows.shape[0], dtype=torch.float64, device=rows.device))

    def predict(self, parameters: torch.Tensor, features: Any) -> NDArray[Any]:
        """w·x of each row."""
        return self.scores(parameters, features)[:, 0].cpu().numpy()
