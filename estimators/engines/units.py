"""The unit of a datum: which entries of the outputs belong to one example, or to one token."""

from __future__ import annotations

from torch import Tensor

from . import losses
from .data import Batch, Unit
from .problem import Problem
from .refusals import OperatorRefused


def inferred_unit(problem: Problem, unit: Unit | str | None, *, needed: bool) -> Unit:
    """The unit that was passed, or else an example; where targets are class indices for several tokens an example it has to be passed if ``needed``."""
    if unit is not None:
        return Unit(unit)
    targets = problem.data.first().targets
    sequences = isinstance(targets, Tensor) and not targets.is_floating_point() and targets.dim() > 1
    if sequences and needed:
        raise OperatorRefused(
            f"targets of shape {tuple(targets.shape)} have several tokens an example, and the matrix depends on what one datum is",
            "pass unit='example' or unit='token'",
        )
    return Unit.TOKEN if sequences else Unit.EXAMPLE


def datum_dimensions(problem: Problem, batch: Batch, outputs: Tensor, unit: Unit) -> tuple[int, ...]:
    """The dimensions of the outputs (counted from the end) that belong to one datum."""
    if unit is Unit.EXAMPLE:
        if not outputs.dim() or outputs.shape[0] != batch.examples:
            raise OperatorRefused(
                f"outputs of shape {tuple(outputs.shape)} have no row for each of {batch.examples} examples",
                "let the model return one row an example, or pass unit='token'",
            )
        return tuple(range(1 - outputs.dim(), 0))
    targets = batch.targets
    if isinstance(targets, Tensor):
        if outputs.shape == targets.shape:
            return ()
        known = losses.recognise(problem.loss)
        places = [1, outputs.dim() - 1] if known is not None and known[0] == "cross_entropy" else [outputs.dim() - 1, 1]
        for place in places:
            if 0 < place < outputs.dim():
                rest = outputs.shape[:place] + outputs.shape[place + 1 :]
                if rest == targets.shape or rest.numel() == rest[0] == targets.numel():
                    return (place - outputs.dim(),)
    raise OperatorRefused(
        f"outputs of shape {tuple(outputs.shape)} do not show which entries belong to one token",
        "let the targets have the shape of the outputs without the classes, or pass unit='example'",
    )
