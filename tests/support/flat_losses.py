"""A loss as a function of a network's parameters in one vector, and the steepest points of it on a ball: the truth that constants bound."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FlatLoss:
    """``loss(model(inputs), targets)`` as a function of all parameters, float64 throughout."""

    def __init__(self, model: nn.Module, loss: nn.Module, inputs: Tensor, targets: Tensor) -> None:
        self.model, self.loss, self.inputs, self.targets = model, loss, inputs, targets
        self.shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
        self.flat = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    def outputs(self, flat: Tensor) -> Tensor:
        parts = torch.split(flat, [shape.numel() for shape in self.shapes.values()])
        named = {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
        found: Tensor = torch.func.functional_call(self.model, named, (self.inputs,))
        return found

    def __call__(self, flat: Tensor) -> Tensor:
        found: Tensor = self.loss(self.outputs(flat), self.targets)
        return found

    def gradient(self, point: Tensor) -> Tensor:
        found: Tensor = torch.func.grad(self)(point)
        return found

    def hessian(self, point: Tensor) -> Tensor:
        found: Tensor = torch.func.jacrev(torch.func.jacrev(self))(point)
        return found

    def measured(self, point: Tensor, third: bool = True) -> tuple[float, float, float]:
        """|gradient|, |Hessian|, and how fast the Hessian changes in the direction in which its top form changes fastest."""
        values, vectors = torch.linalg.eigh(self.hessian(point))
        fastest = 0.0
        for index in (0, -1) if third else ():
            top = vectors[:, index]

            def form(flat: Tensor, top: Tensor = top) -> Tensor:
                slope = torch.func.grad(lambda other: torch.dot(torch.func.grad(self)(other), top))(flat)
                return torch.dot(slope, top)

            fastest = max(fastest, float(torch.func.grad(form)(point).norm()))
        return float(self.gradient(point).norm()), float(values.abs().max()), fastest

    def points(self, radius: float, draws: int = 3, ascents: int = 6) -> list[Tensor]:
        """Points of the ball: its centre, random ones on its surface, outward (all weights grow), and where a steepest ascent of |gradient| ends."""
        generator = torch.Generator().manual_seed(0)
        moves = [torch.randn(len(self.flat), generator=generator, dtype=torch.float64) for _ in range(draws)]
        found = [self.flat, *(self.flat + move / move.norm() * radius for move in (*moves, self.flat))]
        if radius == 0.0:
            return found[:1]
        point = found[1]
        for _ in range(ascents):
            step = torch.func.grad(lambda flat: self.gradient(flat).square().sum())(point)
            if not bool(step.any()):
                break
            point = self.flat + (step / step.norm()) * radius
            found.append(point)
        return found
