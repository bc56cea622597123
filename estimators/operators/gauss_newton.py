"""The generalised Gauss–Newton matrix."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from certify.bounds import Declared, Measured

from ..engines.data import Batch, Unit
from ..engines.gauss_newton import Middle, OutputGraph
from ..engines.losses import LossHessian, closed_form, differentiated, refuse_linear
from ..engines.parameters import Patterns
from ..engines.probes import examine, output_difference
from ..engines.problem import Loss, Problem
from ..engines.refusals import OperatorRefused
from ..engines.streamed import Engine
from ..engines.units import inferred_unit
from .curvature import Curvature
from .operator import Claim, unclaimed


class GaussNewton(Curvature):
    """G = mean over the data of J' (∂²loss/∂f²) J, with J = ∂f/∂θ the Jacobian of the outputs.

    The Hessian of the loss in the outputs has a closed form for cross-entropy, squared, logistic, Huber and Poisson losses;
    that of any other is taken by double backward there. G is positive semidefinite where the loss is convex in the
    outputs: known for those losses, declared by the reason in ``convex_loss`` for others.
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
        convex_loss: str = "",
    ) -> None:
        problem = Problem(model, loss, data, parameters)
        refuse_linear(loss)
        build = LossCurvature(convex_loss)
        engine = Engine(problem, build, retain=retain)
        probes = examine(engine, LossCurvature(convex_loss), output_difference, mixes=True)
        super().__init__(
            engine,
            probes,
            symmetric=SYMMETRIC,
            positive_semidefinite=build.claim(),
            unit=inferred_unit(problem, unit, needed=False),
        )
        self.probe_products = probes.products


SYMMETRIC = Claim(True, Measured("J' M J with M symmetric; u'Gv - v'Gu on random u and v"))


class LossCurvature:
    """Builds the graph of J' (∂²loss/∂f²) J of one batch, and remembers whether every loss so far was convex."""

    def __init__(self, convex_loss: str) -> None:
        self._declared, self._claimed = convex_loss, False
        self._reasons: list[str] = []

    def __call__(self, problem: Problem, batch: Batch) -> OutputGraph:
        outputs = tensor_outputs(problem, batch)
        hessian = loss_hessian(problem, batch, outputs)
        reason = hessian.convex or self._declared
        if self._claimed and not reason:
            raise OperatorRefused(f"the loss of batch {batch.index} is not known to be convex", "check its targets and weights")
        if reason not in self._reasons:
            self._reasons.append(reason)
        return OutputGraph(outputs, problem.parameters, typed(hessian.product, outputs))

    def claim(self) -> Claim:
        """The claim of semidefiniteness, from the batches seen so far; later ones must keep it."""
        if not self._reasons or not all(self._reasons):
            return unclaimed("the loss is not known to be convex in the outputs")
        self._claimed = True
        return Claim(True, Declared("J' M J with M positive semidefinite: " + "; ".join(self._reasons)))


def tensor_outputs(problem: Problem, batch: Batch) -> Tensor:
    """The outputs of a batch, refused if they are no tensor or do not depend on the parameters."""
    outputs = problem.outputs(batch)
    if not isinstance(outputs, Tensor):
        raise OperatorRefused(f"the model returns {type(outputs).__name__}", "wrap it so that it returns one tensor")
    if not outputs.requires_grad:
        raise OperatorRefused(
            "the outputs do not depend on the parameters", "look for detach() or no_grad, or name other parameters"
        )
    problem.reduced(outputs, batch)
    return outputs


def loss_hessian(problem: Problem, batch: Batch, outputs: Tensor) -> LossHessian:
    """The Hessian of the loss in the outputs, in closed form or by double backward."""
    return closed_form(problem.loss, outputs, batch.targets) or differentiated(lambda f: problem.reduced(f, batch), outputs)


def typed(product: Middle, outputs: Tensor) -> Middle:
    """The product in the type of the loss Hessian, returned in the type of the outputs."""
    return lambda u: product(u).to(outputs.dtype)
