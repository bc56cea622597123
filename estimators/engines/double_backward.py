"""Hessian products by reverse over reverse: the gradient is kept with its graph, and each product is one backward pass.

Of the ways to differentiate twice this one is right for every layer that torch can differentiate twice: forward over reverse
takes no tangent of the saved mean and deviation of a normalisation layer, and is wrong in its scale and shift.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .pullbacks import recording

Indices = Sequence[int]


def pull(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    batched: bool,
    *,
    create_graph: bool = False,
) -> list[Tensor]:
    """The vector-Jacobian product, with zeros where an input is not used; the graph is kept.

    ``batched`` means that each cotangent has one more dimension in front, and so has each result.
    """
    live = [(output, cotangent) for output, cotangent in zip(outputs, cotangents, strict=True) if output.requires_grad]
    lead = cotangents[0].shape[:1] if batched else torch.Size()
    if not live:
        return [tensor.new_zeros(lead + tensor.shape) for tensor in inputs]
    found = torch.autograd.grad(
        [output for output, _ in live],
        list(inputs),
        grad_outputs=[cotangent for _, cotangent in live],
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
        is_grads_batched=batched,
    )
    return [
        tensor.new_zeros(lead + tensor.shape) if gradient is None else gradient
        for tensor, gradient in zip(inputs, found, strict=True)
    ]


class GradientGraph:
    """g(θ) = ∇L(θ), kept with its graph; H v = ∇⟨g(θ), v⟩ is one backward pass through it."""

    def __init__(self, loss: Tensor, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        with recording():
            self._gradient = pull([loss], parameters, [torch.ones_like(loss)], False, create_graph=True)

    @property
    def gradient(self) -> list[Tensor]:
        """The gradient itself, without its graph."""
        return [piece.detach() for piece in self._gradient]

    def product(self, vectors: Sequence[Tensor], rows: Indices, columns: Indices, batched: bool) -> list[Tensor]:
        """The block H[rows, columns] times one vector in pieces, or times several if ``batched``."""
        return pull([self._gradient[j] for j in columns], [self._parameters[i] for i in rows], vectors, batched)
