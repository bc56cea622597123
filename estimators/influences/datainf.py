"""DataInf: the inverse of a mean taken as the mean of inverses (Kwon, Wu, Wu & Zou 2024)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..operators.curvature import Curvature
from ..per_example.gradients import per_example_gradients
from .records import Records
from .scores import Scores
from .vectors import Functional, literal, looked_at, numbered


def datainf(operator: Curvature, *, on: Functional, damping: float | None, chunk: int = 32) -> Scores:
    """Sum over parameters l of u_l' [mean_i (damping I + g_il g_il')^-1] v_nl for the records n of the operator's data.

    ``damping=None`` takes the rule of the paper: a tenth of the mean square of an entry of g_il, for each parameter. Two passes over the single
    gradients, ``chunk`` at a time. The operator gives model, loss and data; its matrix is not used. An estimate: the mean of inverses is far from the inverse
    of the mean where a few directions dominate.

    >>> model = torch.nn.Linear(1, 1, bias=False).double()
    >>> _ = torch.nn.init.constant_(model.weight, 1.0)
    >>> data = (torch.ones(2, 1).double(), torch.tensor([[0.0], [2.0]]).double())
    >>> from certify.estimators.operators.gauss_newton import GaussNewton
    >>> curvature = GaussNewton(model, torch.nn.MSELoss(), data)
    >>> [round(score, 12) for score in datainf(curvature, on=torch.ones(1).double(), damping=1.0).values.tolist()]
    [0.2, -0.2]
    """
    u = looked_at(operator, on)
    problem, names = operator.problem, operator.rows.names
    parts = {name: piece.double() for name, piece in operator.rows.named(u).items()}
    pairs = [(batch.inputs, batch.targets) for batch in numbered(problem)]
    gradients = per_example_gradients(
        problem.model, problem.loss, pairs, chunk=chunk, parameters=[literal(name) for name in names]
    )
    count = len(gradients)
    damped = dict.fromkeys(names, damping) if damping is not None else _rule(gradients, count)
    if not all(value is not None and value > 0 for value in damped.values()):
        raise ValueError("DataInf divides by the damping, which must be positive for every parameter")
    directions = {name: torch.zeros_like(part).reshape(-1) for name, part in parts.items()}
    for named in gradients:
        for name, rows in _flat(named).items():
            along = rows @ parts[name].reshape(-1)
            directions[name] += rows.T @ (along / (damped[name] + rows.square().sum(1))) / count
    solved = {name: (parts[name].reshape(-1) - directions[name]) / damped[name] for name in names}
    scores = torch.cat(
        [sum((rows @ solved[name] for name, rows in _flat(named).items()), torch.zeros(())) for named in gradients]
    )
    return Scores(
        Records(problem, names).weights() * scores, "DataInf" + ("" if damping is None else f" with damping {damping:g}")
    )


def _rule(gradients: object, count: int) -> dict[str, float]:
    squares: dict[str, float] = {}
    for named in gradients:  # type: ignore[attr-defined]
        for name, rows in _flat(named).items():
            squares[name] = squares.get(name, 0.0) + float(rows.square().mean(1).sum()) / (10 * count)
    return squares


def _flat(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: rows.reshape(len(rows), -1).double() for name, rows in named.items()}
