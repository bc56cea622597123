"""Scores that are estimates beside exact influence, and influence beside retraining: rank correlations and errors, no times.

Run ``python benchmarks/scores.py``: prints a table and writes ``benchmarks/results/scores.json``. Softmax regressions of scikit-learn's 8 x 8
digits, trained to the minimum by Newton's method: 200 records of three digits in 4 x 4 means with 60 test records and damping 0.01; and 1,198
records of all ten with one test record and damping 0.001. Exact influence is a dense solve in float64. Where a score is random, the
median of twenty draws, the least and the most.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from _report import publish, row
from sklearn.datasets import load_digits
from torch import Tensor, nn

from certify.estimators import (
    GaussNewton,
    arnoldi,
    datainf,
    influence,
    leave_out,
    rank_correlation,
    record_influences,
    tracin,
    trak,
)
from certify.estimators.influences.vectors import leaving, looked_at

LOSS = nn.CrossEntropyLoss()
DRAWS = 20


@dataclass(frozen=True)
class Case:
    """A softmax regression at its minimum, with its data and its damping."""

    name: str
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    damping: float

    def fit(self, kept: Sequence[int]) -> nn.Linear:
        """The minimiser of (sum of the losses of the records that stay)/n + (damping/2)|θ|², by damped Newton steps to rounding."""
        x, y = (part[list(kept)] for part in self.train)
        count, classes = len(self.train[1]), int(self.train[1].max()) + 1
        rows = torch.cat([x, torch.ones(len(x), 1).double()], 1)
        weight = torch.zeros(classes * rows.shape[1], dtype=torch.float64)

        def objective(w: Tensor) -> Tensor:
            outputs = rows @ w.reshape(classes, -1).T
            return nn.functional.cross_entropy(outputs, y, reduction="sum") / count + self.damping / 2 * w @ w

        for _ in range(40):
            leaf = weight.clone().requires_grad_()
            gradient = torch.autograd.grad(objective(leaf), leaf)[0]
            if float(gradient.norm()) < 1e-13:
                break
            chances = (rows @ weight.reshape(classes, -1).T).softmax(1)
            middle = torch.diag_embed(chances) - chances[:, :, None] * chances[:, None, :]
            hessian = torch.einsum("nab,ni,nj->aibj", middle, rows, rows).reshape(len(weight), -1) / count
            step = torch.linalg.solve(hessian + self.damping * torch.eye(len(weight), dtype=torch.float64), gradient)
            size, value = 1.0, float(objective(weight))
            while size > 1e-6 and float(objective(weight - size * step)) > value + 1e-15:
                size /= 2
            weight = weight - size * step
        model = nn.Linear(x.shape[1], classes).double()
        with torch.no_grad():
            model.weight.copy_(weight.reshape(classes, -1)[:, :-1])
            model.bias.copy_(weight.reshape(classes, -1)[:, -1])
        return model


def cases() -> list[Case]:
    pixels, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
    pixels, labels = pixels.double() / 16, labels.long()
    means = pixels[labels < 3].reshape(-1, 4, 2, 4, 2).mean(dim=(2, 4)).reshape(-1, 16)
    three = labels[labels < 3]
    return [
        Case("three digits", (means[:200], three[:200]), (means[200:260], three[200:260]), 1e-2),
        Case("all digits", (pixels[:1198], labels[:1198]), (pixels[1198:1199], labels[1198:1199]), 1e-3),
    ]


def correlations(case: Case) -> list[dict[str, Any]]:
    """The rank correlation of each score with exact influence, over draws where it is random; and of shuffled influence."""
    model = case.fit(range(len(case.train[1])))
    curvature = GaussNewton(model, LOSS, case.train)
    inverse = torch.linalg.inv(curvature.dense() + case.damping * torch.eye(curvature.shape[0], dtype=torch.float64))
    solved = inverse @ looked_at(curvature, case.test)
    exact = torch.stack([leaving(curvature, n) @ solved for n in range(len(case.train[1]))])

    def drawn(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    def rows_of(name: str, values: list[float]) -> list[dict[str, Any]]:
        said = f"{case.name}: rank correlation of {name}"
        ends = {", median": statistics.median(values), ", least": min(values), ", most": max(values)}
        return [row(said + end, value, "") for end, value in (ends if len(values) > 1 else {"": values[0]}).items()]

    def against(values: Any) -> float:
        return float(rank_correlation(values, exact).value)

    certified = record_influences(curvature, on=case.test, damping=case.damping, rtol=1e-8)
    assert certified.lower is not None and certified.upper is not None
    assert bool((certified.lower <= exact + 1e-12).all()) and bool((exact - 1e-12 <= certified.upper).all())
    of_arnoldi = [
        against(arnoldi(curvature, on=case.test, rank=20, damping=case.damping, steps=45, generator=drawn(k)))
        for k in range(DRAWS)
    ]
    of_trak = [
        against(trak([model] * 5, LOSS, case.train, case.test, dimension=40, damping=1e-3, generator=drawn(k)))
        for k in range(DRAWS)
    ]
    shuffled = [against(exact[torch.randperm(len(exact), generator=drawn(k))]) for k in range(DRAWS)]
    return [
        *rows_of("record_influences", [against(certified.estimate)]),
        *rows_of("arnoldi, rank 20", of_arnoldi),
        *rows_of("trak, five models, 40 directions", of_trak),
        *rows_of("tracin", [against(tracin([(model, 1.0)], LOSS, case.train, case.test))]),
        *rows_of("datainf", [against(datainf(curvature, on=case.test, damping=case.damping))]),
        *rows_of("influence shuffled", shuffled),
    ]


def retraining(case: Case) -> list[dict[str, Any]]:
    """|predicted - actual|/|actual| over the strongest single records, and over groups of fifty."""
    everything = list(range(len(case.train[1])))
    curvature = GaussNewton(case.fit(everything), LOSS, case.train)
    strongest = (
        record_influences(curvature, on=case.test, damping=case.damping, rtol=1e-8).estimate.abs().argsort(descending=True)
    )
    rows = []
    for name, groups in (
        ("six strongest records", [[int(n)] for n in strongest[:6]]),
        ("four groups of 50", [everything[k::4] for k in range(4)]),
    ):
        predicted = [
            influence(curvature, of=group, on=case.test, damping=case.damping, relative_width=1e-6).estimate.value
            for group in groups
        ]
        found = leave_out(
            case.fit, lambda model: float(LOSS(model(case.test[0]), case.test[1]).detach()), groups, len(everything), predicted
        )
        rows.append(row(f"{case.name}: error of influence against retraining, {name}", found.relative_error().value, ""))
        under = sum(abs(p) < abs(a) for p, a in found.pairs())
        rows.append(row(f"{case.name}: – underestimated, of {len(groups)}", under, ""))
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    three, ten = cases()
    publish("scores", [*correlations(three), *correlations(ten), *retraining(three)])
