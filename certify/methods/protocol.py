"""What a method must offer to be tested: a structural protocol; nothing here needs to be imported or subclassed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from certify.guarantee import Guarantee
from certify.objectives.dataset import Dataset

State: TypeAlias = Any
"""Whatever ``train`` returns; it is the method's own."""
Parameters: TypeAlias = Any
"""What is released: a tensor or array, or a mapping of names to them."""


@runtime_checkable
class Unlearner(Protocol):
    """An unlearning algorithm: ``train``, ``unlearn`` and the guarantee that it claims (or None).

    Optional capabilities, found by name; a missing one makes checks "skipped, because …":
    ``retrain(data, generator)``, ``noiseless(state, forget)``, ``noise_scale(n, forget_count)``,
    ``distance_bound(state, forget)``, ``advance(state, forget, generator)`` (the state from which the next
    deletion starts), ``problems(generator)``.
    """

    guarantee: Guarantee | Mapping[str, Any] | None

    def train(self, data: Dataset, generator: np.random.Generator) -> State:
        """Fit on ``data``."""
        ...

    def unlearn(self, state: State, forget: Sequence[int], generator: np.random.Generator) -> Parameters:
        """Release a model without the records whose ids are in ``forget``; the empty request is legal."""
        ...
