"""Cotangents of the outputs whose squares make up the curvature: exact, drawn from the model's own law, or those of the data.

For a curvature matrix mean_n J_n' M_n J_n the columns R_q [N, ...] are such that sum_q R_nq R_nq' is M_n over the number of data (in expectation where they
are drawn), so that one backward pass a column gives all that Kronecker factors need.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ..engines.data import Batch, Unit
from ..engines.double_backward import pull
from ..engines.losses import closed_form
from ..engines.problem import Problem
from ..engines.refusals import OperatorRefused
from ..engines.units import datum_dimensions
from ..operators.gauss_newton import loss_hessian

Fisher = Literal["type-2", "monte-carlo", "empirical"]

MOST_COLUMNS = 256
"""Outputs of one example up to which every column is taken: each is a backward pass, and all together are factored for every example."""


def exact(problem: Problem, batch: Batch, outputs: Tensor) -> list[Tensor]:
    """The square root of the Hessian of the loss in the outputs of each example, column by column; what is negative in it counts as zero."""
    count = _examples(problem, batch, outputs)
    width = outputs.numel() // count
    if width > MOST_COLUMNS:
        raise OperatorRefused(
            f"an example has {width} outputs, and exact factors take a backward pass for each", "pass fisher='monte-carlo'"
        )
    unit = torch.eye(width, dtype=outputs.dtype, device=outputs.device)
    unit = unit[:, None].expand(width, count, width).reshape(width, *outputs.shape)
    blocks = loss_hessian(problem, batch, outputs).product(unit).detach().reshape(width, count, width).movedim(0, 1).double()
    values, vectors = torch.linalg.eigh((blocks + blocks.mT) / 2)
    roots = vectors * values.clamp_min(0.0).sqrt()[:, None, :]
    sizes = roots.abs().amax((0, 1))
    kept = (sizes > 1e-7 * sizes.max().clamp_min(1e-300)).nonzero()[:, 0].tolist()
    return [roots[:, :, q].reshape(outputs.shape).to(outputs.dtype) for q in kept]


def drawn(problem: Problem, batch: Batch, outputs: Tensor, samples: int, seed: int) -> list[Tensor]:
    """Scores of targets drawn from the model's own law; a batch draws the same ones every time."""
    _examples(problem, batch, outputs)
    known = closed_form(problem.loss, outputs, batch.targets)
    if known is None or known.scores is None:
        raise OperatorRefused(
            "the loss is not known to be minus the log-likelihood of an exponential family in its natural parameter",
            "pass fisher='type-2'",
        )
    generator = torch.Generator(device=outputs.device).manual_seed((seed + batch.index) % 2**63)
    return [(known.scores(generator) * samples**-0.5).to(outputs.dtype) for _ in range(samples)]


def observed(problem: Problem, batch: Batch, outputs: Tensor) -> list[Tensor]:
    """The derivatives of the loss in the outputs, scaled so that their squares are a mean over the examples."""
    _examples(problem, batch, outputs)
    leaf = outputs.detach().requires_grad_()
    with torch.enable_grad():
        loss = problem.reduced(leaf, batch)
    scale = (problem.data.examples * batch.weight) ** 0.5
    # the squares are summed with the weight of the batch, and are to be summed with its square times the number of data
    return [scale * pull([loss], [leaf], [torch.ones_like(loss)], False)[0]]


def _examples(problem: Problem, batch: Batch, outputs: Tensor) -> int:
    datum_dimensions(problem, batch, outputs, Unit.EXAMPLE)  # refuses outputs without a row for each example
    return batch.examples
