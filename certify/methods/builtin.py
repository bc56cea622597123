"""The built-in methods behind the protocol that users' methods follow, so that one suite tests them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from certify.fitting import Fitted, fit
from certify.guarantee import Guarantee, Notion
from certify.numbers import Number
from certify.objectives import Dataset, objective_class
from certify.objectives.dataset import positions_mask
from certify.policy import noise_scale
from certify.runs import Run


@dataclass(frozen=True, eq=False)
class FittedData:
    """The state of a built-in method: a fit, and the ids under which its rows are known outside."""

    fitted: Fitted
    ids: NDArray[np.int64]

    def positions(self, forget: Sequence[int]) -> list[int]:
        """The row positions of the records with these ids."""
        return np.flatnonzero(positions_mask(self.ids, forget)).tolist() if len(forget) else []


class _LinearUnlearning:
    """What the built-in methods share: train a linear objective, forget by :func:`certify.unlearn`."""

    method: ClassVar[str]

    def __init__(self, *, epsilon: Number = 1, delta: Number = "1e-5", kind: str = "logistic", l2: float = 0.1) -> None:
        self.epsilon, self.delta, self.kind, self.l2 = epsilon, delta, kind, l2

    @property
    def guarantee(self) -> Guarantee | Mapping[str, Any] | None:
        """What a release claims."""
        return Guarantee.of({"notion": Notion.SEKHARI.value, "epsilon": self.epsilon, "delta": self.delta})

    def train(self, data: Dataset, generator: np.random.Generator) -> FittedData:
        """Fit to the rounding floor; deterministic, so the generator is not used."""
        return FittedData(fit(objective_class(self.kind)(data.features, data.labels, l2=self.l2)), data.ids)

    def unlearn(self, state: FittedData, forget: Sequence[int], generator: np.random.Generator) -> Any:
        """Release without the records whose ids are in ``forget``."""
        return self._run(state, forget, generator).model

    def advance(self, state: FittedData, forget: Sequence[int], generator: np.random.Generator) -> FittedData:
        """The state from which the next deletion starts."""
        return FittedData(self._run(state, forget, generator).fitted, state.ids)

    def retrain(self, data: Dataset, generator: np.random.Generator) -> Any:
        """The comparator: trained on ``data`` alone and released with noise of the same scale."""
        return self.unlearn(self.train(data, generator), [], generator)

    def noiseless(self, state: FittedData, forget: Sequence[int]) -> Any:
        """The parameters before the noise."""
        return self._run(state, forget, np.random.default_rng(0)).noiseless

    def distance_bound(self, state: FittedData, forget: Sequence[int]) -> float:
        """The certified distance of the un-noised parameters to the retrained minimiser."""
        return self._run(state, forget, np.random.default_rng(0)).distance.value

    def _run(self, state: FittedData, forget: Sequence[int], generator: np.random.Generator) -> Run:
        from certify.unlearning import unlearn  # which imports the methods of this folder

        return unlearn(
            state.fitted, state.positions(forget), epsilon=self.epsilon, delta=self.delta, method=self.method, generator=generator
        )


class _Noised(_LinearUnlearning):
    def noise_scale(self, n: int, forget_count: int) -> float:
        """Sigma, a function of the retained count alone."""
        return noise_scale(self.kind, self.l2, n - forget_count, self.epsilon, self.delta).sigma.value


@final
class NewtonUnlearning(_Noised):
    """Warm-started Newton steps until the measured distance fits the budget, then output perturbation.

    >>> NewtonUnlearning(epsilon=1, delta="1e-5").noise_scale(100, 3) == NewtonUnlearning().noise_scale(97, 0)
    True
    """

    method = "newton"


@final
class Retraining(_Noised):
    """Retraining from scratch on the retained rows, then output perturbation."""

    method = "retrain"


@final
class ExactRidge(_LinearUnlearning):
    """The correctly rounded minimiser of ridge regression on the retained rows: epsilon = 0, no noise."""

    method = "exact"

    def __init__(self, *, l2: float = 0.1) -> None:
        super().__init__(epsilon=0, delta=0, kind="ridge", l2=l2)
