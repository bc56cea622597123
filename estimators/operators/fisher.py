"""Fisher matrices: of the model's own law (exact, or drawn), and the empirical one."""

from __future__ import annotations

import secrets
from typing import Any

import torch
from torch import Tensor, nn

from certify.bounds import Declared

from ..engines.data import Batch, Unit
from ..engines.double_backward import pull
from ..engines.gauss_newton import OutputGraph
from ..engines.losses import closed_form
from ..engines.parameters import Patterns
from ..engines.probes import examine, output_difference
from ..engines.problem import Loss, Problem
from ..engines.refusals import OperatorRefused
from ..engines.streamed import Build, Engine
from ..engines.units import datum_dimensions, inferred_unit
from .curvature import Curvature
from .gauss_newton import SYMMETRIC, tensor_outputs, typed
from .operator import Claim


class Fisher(Curvature):
    """F = mean over the data of J' Cov_{y ~ p(·|f)}(∂loss/∂f) J: the targets are those of the model's own law.

    For losses that are minus the log-likelihood of an exponential family in its natural parameter (cross-entropy, squared,
    logistic, Poisson) F is the generalised Gauss–Newton matrix, and so it is computed ("type 2"). With ``samples`` it is a Monte
    Carlo estimate: that many targets drawn once for each datum (example or token) from ``generator``, None for fresh entropy.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        samples: int | None = None,
        generator: torch.Generator | None = None,
        parameters: Patterns | None = None,
        unit: Unit | str | None = None,
        retain: bool | None = None,
    ) -> None:
        problem = Problem(model, loss, data, parameters)
        if samples is not None and samples < 1:
            raise ValueError(f"samples is a positive number or None, not {samples}")
        self.samples, what = samples, inferred_unit(problem, unit, needed=samples is not None)
        build: Build = _likelihood if samples is None else Drawn(samples, what, _seed(generator))
        engine = Engine(problem, build, retain=retain, in_order=samples is not None)
        probes = examine(engine, _likelihood, output_difference, mixes=samples is None)
        reason = "a mean of covariances" if samples is None else "a mean of squares g g'"
        super().__init__(
            engine, probes, symmetric=SYMMETRIC, positive_semidefinite=Claim(True, Declared(reason)), unit=what,
        )  # fmt: skip
        self.probe_products = probes.products


class EmpiricalFisher(Curvature):
    """E = (1/n) Σ g g' over the data (examples or tokens), with gradients g such that the gradient of the loss is their mean.

    ``unit`` says what one datum is; targets that are class indices for several tokens an example need it said. It is no estimate of
    the Fisher matrix or the Hessian: the targets are those of the data.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        unit: Unit | str | None = None,
        parameters: Patterns | None = None,
        retain: bool | None = None,
    ) -> None:
        problem = Problem(model, loss, data, parameters)
        what = inferred_unit(problem, unit, needed=True)
        build = Observed(what)
        engine = Engine(problem, build, retain=retain)
        probes = examine(engine, build, output_difference, mixes=False)
        super().__init__(
            engine, probes, symmetric=SYMMETRIC, positive_semidefinite=Claim(True, Declared("a mean of squares g g'")), unit=what
        )
        self.probe_products = probes.products


def _likelihood(problem: Problem, batch: Batch) -> OutputGraph:
    """The graph of the exact Fisher matrix, for losses that are likelihoods."""
    outputs = tensor_outputs(problem, batch)
    known = closed_form(problem.loss, outputs, batch.targets)
    if known is None or known.scores is None:
        raise _no_likelihood()
    return OutputGraph(outputs, problem.parameters, typed(known.product, outputs))


class Drawn:
    """The graph of a Monte Carlo Fisher matrix: a batch draws the same targets every time, from a seed and its place."""

    def __init__(self, samples: int, unit: Unit, seed: int) -> None:
        self._samples, self._unit, self.seed = samples, unit, seed

    def __call__(self, problem: Problem, batch: Batch) -> OutputGraph:
        outputs = tensor_outputs(problem, batch)
        known = closed_form(problem.loss, outputs, batch.targets)
        if known is None or known.scores is None:
            raise _no_likelihood()
        generator = torch.Generator(device=outputs.device).manual_seed((self.seed + batch.index) % 2**63)
        scores = [known.scores(generator) * self._samples**-0.5 for _ in range(self._samples)]
        return OutputGraph(outputs, problem.parameters, squares(scores, datum_dimensions(problem, batch, outputs, self._unit)))


class Observed:
    """The graph of the empirical Fisher matrix: one score for each datum, from the targets of the data."""

    squares = True

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __call__(self, problem: Problem, batch: Batch) -> OutputGraph:
        outputs = tensor_outputs(problem, batch)
        leaf = outputs.detach().requires_grad_()
        loss = problem.reduced(leaf, batch)
        data = problem.data
        count = data.tokens if self._unit is Unit.TOKEN else data.examples
        scale = (count * batch.weight) ** 0.5  # the gradient of the whole is the mean of `count` of these
        score = scale * pull([loss], [leaf], [torch.ones_like(loss)], False)[0]
        return OutputGraph(outputs, problem.parameters, squares([score], datum_dimensions(problem, batch, outputs, self._unit)))


def squares(scores: list[Tensor], dimensions: tuple[int, ...]) -> Any:
    """u ↦ Σ r (r'u) over the scores r, datum by datum."""

    def product(u: Tensor) -> Tensor:
        total: Tensor | None = None
        for score in scores:
            along = score * u.to(score.dtype)
            term = score * (along.sum(dimensions, keepdim=True) if dimensions else along)
            total = term if total is None else total + term
        assert total is not None
        return total.to(u.dtype)

    return product


def _seed(generator: torch.Generator | None) -> int:
    if generator is None:
        return secrets.randbits(62)
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))


def _no_likelihood() -> OperatorRefused:
    return OperatorRefused(
        "the loss is not known to be minus the log-likelihood of an exponential family in its natural parameter",
        "use GaussNewton",
    )
