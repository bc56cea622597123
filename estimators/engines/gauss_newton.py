"""Products J' M J v by a double vector-Jacobian product, kept with its graph, and a map M in the space of outputs.

J v is the derivative of the pullback u ↦ J'u, which is linear in u: one backward pass through its graph gives it, so forward
mode is never needed. The generalised Gauss–Newton matrix, the Fisher matrices and the empirical Fisher matrix differ in M alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .double_backward import Indices, pull
from .pullbacks import linear

Middle = Callable[[Tensor], Tensor]


class OutputGraph:
    """Outputs f(θ) and their pullback, kept with their graphs."""

    def __init__(self, outputs: Tensor, parameters: Sequence[Tensor], middle: Middle) -> None:
        self._outputs, self._parameters, self._middle = outputs, parameters, middle
        self._dummy = torch.zeros_like(outputs, requires_grad=True)
        with linear():
            self._pulled = pull([outputs], parameters, [self._dummy], False, create_graph=True)

    def push(self, vectors: Sequence[Tensor], columns: Indices, batched: bool) -> Tensor:
        """J[:, columns] v, in the shape of the outputs."""
        return pull([self._pulled[j] for j in columns], [self._dummy], vectors, batched)[0]

    def product(self, vectors: Sequence[Tensor], rows: Indices, columns: Indices, batched: bool) -> list[Tensor]:
        """The block J[:, rows]' M J[:, columns] times one vector in pieces, or times several if ``batched``."""
        middle = self._middle(self.push(vectors, columns, batched))
        return pull([self._outputs], [self._parameters[i] for i in rows], [middle], batched)
