"""The Hessian of a mean loss in the parameters of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from certify.bounds import Measured

from ..engines.data import Unit
from ..engines.double_backward import GradientGraph
from ..engines.parameters import Patterns
from ..engines.probes import examine, gradient_difference
from ..engines.problem import Loss, Problem
from ..engines.refusals import OperatorRefused
from ..engines.streamed import Engine
from ..engines.units import inferred_unit
from .curvature import Curvature
from .operator import Claim, unclaimed


class Hessian(Curvature):
    """H = ∂²L/∂θ² for L(θ) = mean over the data of loss(model(inputs; θ), targets).

    ``data`` is (inputs, targets), or an iterable of such pairs; ``parameters`` are name patterns (all by default). By double
    backward, which is right for normalisation layers; symmetry is measured. Nothing is claimed of its sign.

    >>> import torch
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> hessian = Hessian(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> hessian @ torch.tensor([1.0, 2.0])
    tensor([1., 2.])
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        parameters: Patterns | None = None,
        unit: Unit | str | None = None,
        retain: bool | None = None,
    ) -> None:
        problem = Problem(model, loss, data, parameters)
        self._finish(problem, inferred_unit(problem, unit, needed=False), retain)

    @classmethod
    def of_function(cls, function: Callable[[dict[str, Tensor]], Tensor], parameters: Mapping[str, Tensor]) -> Hessian:
        """The Hessian of a scalar function of named tensors.

        >>> import torch
        >>> Hessian.of_function(lambda p: (p["x"] ** 3).sum(), {"x": torch.ones(2)}) @ torch.ones(2)
        tensor([6., 6.])
        """
        self = cls.__new__(cls)
        self._finish(Problem.of_function(function, parameters), Unit.EXAMPLE, None)
        return self

    def _finish(self, problem: Problem, unit: Unit, retain: bool | None) -> None:
        engine = Engine(problem, _build, retain=retain)
        probes = examine(engine, _build, gradient_difference, mixes=True)
        symmetric = Claim(True, Measured("u'Hv - v'Hu on random u and v, in float64 where that can run"))
        super().__init__(
            engine, probes, symmetric=symmetric, positive_semidefinite=unclaimed("a Hessian may have any sign"), unit=unit
        )
        self.probe_products = probes.products


def _build(problem: Problem, batch: Any) -> GradientGraph:
    loss = problem.loss_of(batch)
    if problem.checkpointed:
        raise OperatorRefused(
            "a part of the model is run again by torch.utils.checkpoint, with tensors of which this Hessian would not know the derivative",
            "switch checkpointing off; GaussNewton and the Fisher matrices are right with it",
        )
    if not loss.requires_grad:
        raise OperatorRefused(
            "the loss does not depend on the parameters", "look for detach() or no_grad, or name other parameters"
        )
    return GradientGraph(loss, problem.parameters)
