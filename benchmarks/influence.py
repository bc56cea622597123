"""How many products an influence takes until its interval is narrow, and what a sketch of the curvature saves.

Run ``python benchmarks/influence.py``: prints a table and writes ``benchmarks/results/influence.json``. Logistic regression on breast cancer
data, a 64-24-10 tanh network on 400 digits and a 64-32-10 one on 1,437, all trained; curvature in float64, damping relative to the largest
eigenvalue; twenty records and five groups of ten each, on the mean test loss. The peer beside the interval is the bound |s||r|/mu from the same
products. Then what steers the space: a sketch from the gradients of groups of records, its passes over the data counted as products; a Nystroem
sketch, paid once for all influences; Kronecker factors. Last all records at once, within a budget that counts the passes. One thread.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch
from _report import publish, row
from sklearn.datasets import load_breast_cancer, load_digits
from torch import Tensor, nn

from certify.estimators import GaussNewton, KroneckerFactored, influence, largest_eigenvalue, record_influences
from certify.estimators.influences.groups import group_sketch
from certify.estimators.solves.low_rank import nystroem

torch.set_num_threads(1)
BUDGET, WIDTH, RANK, GROUPS, PASSES = 40, 1e-3, 200, 400, 2
Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Case:
    """A trained model with its data."""

    name: str
    model: nn.Module
    train: Pair
    test: Pair


def cases() -> list[Case]:
    """The models, trained from a fixed seed."""
    found = []
    for name, load, width, hidden, classes, few in (
        ("logistic regression, 30 features", load_breast_cancer, 30, 0, 2, 0),
        ("64-24-10 tanh network, 400 records", load_digits, 64, 24, 10, 400),
        ("64-32-10 tanh network", load_digits, 64, 32, 10, 0),
    ):
        torch.manual_seed(0)
        features, labels = (torch.tensor(part) for part in load(return_X_y=True))
        features = features.double()
        features = (features - features.mean(0)) / (features.std(0) + 1e-3)
        order = torch.randperm(len(labels))
        cut = few or int(0.8 * len(labels))
        train, test = ((features[part], labels[part]) for part in (order[:cut], order[cut:]))
        layers = [nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, classes)] if hidden else [nn.Linear(width, classes)]
        model = nn.Sequential(*layers).double()
        fit(model, train)
        found.append(Case(name, model, train, test))
    return found


def fit(model: nn.Module, train: Pair) -> None:
    """300 steps of Adam on all data with a little decay."""
    steps = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    for _ in range(300):
        steps.zero_grad()
        nn.functional.cross_entropy(model(train[0]), train[1]).backward()
        steps.step()


def intervals(case: Case, relative_damping: float) -> list[dict[str, Any]]:
    """Products until the width is reached, and the width when the products are spent."""
    curvature = GaussNewton(case.model, nn.CrossEntropyLoss(), case.train)
    top = largest_eigenvalue(curvature, failure_probability=1e-6, products=20, generator=torch.Generator().manual_seed(0))
    damping = relative_damping * top.upper.value
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randperm(len(case.train[1]), generator=generator).tolist()
    groups = [[record] for record in drawn[:20]] + [drawn[start : start + 10] for start in range(20, 70, 10)]
    start = time.perf_counter()
    reached = [influence(curvature, of=group, on=case.test, damping=damping, relative_width=WIDTH) for group in groups]
    seconds = (time.perf_counter() - start) / len(groups)
    spent = [influence(curvature, of=group, on=case.test, damping=damping, products=BUDGET) for group in groups]
    plain = [residual_width(found) for found in spent]

    def steered(helper: Any) -> list[int]:
        return [
            influence(curvature, of=group, on=case.test, damping=damping, relative_width=WIDTH, preconditioner=helper).products
            for group in groups
        ]

    sketch = nystroem(curvature, min(RANK, curvature.shape[0]), generator=torch.Generator().manual_seed(2))
    start = time.perf_counter()
    dealt = group_sketch(curvature, GROUPS, passes=PASSES, generator=torch.Generator().manual_seed(2))
    building = time.perf_counter() - start
    start = time.perf_counter()
    by_groups = [products + PASSES for products in steered(dealt)]
    steered_seconds = (time.perf_counter() - start) / len(groups)
    by_sketch = steered(sketch)
    by_factors = steered(KroneckerFactored(case.model, nn.CrossEntropyLoss(), case.train, kind="ekfac"))
    products = [found.products for found in reached]
    words = f"{case.name}, damping {relative_damping:g}"
    return [
        row(f"{words}: products to {WIDTH:g}, median", statistics.median(products), "", budget=BUDGET),
        row("– most", max(products), "", budget=BUDGET),
        row("– seconds each", seconds, "s"),
        row(
            f"– relative width after {BUDGET}, median", statistics.median(found.relative_width for found in spent), "", budget=WIDTH,
            peer="|s||r|/mu, same products", against=statistics.median(plain),
        ),
        row(f"– relative width after {BUDGET}, most", max(found.relative_width for found in spent), "", budget=WIDTH),
        row(f"– with a group sketch of {PASSES} passes, which count: products, median", statistics.median(by_groups), "", budget=BUDGET),
        row("– most", max(by_groups), "", budget=BUDGET),
        row("– seconds each", steered_seconds, "s"),
        row("– seconds to build the sketch, in products", building / product_seconds(curvature), ""),
        row(f"– products to {WIDTH:g} beside a sketch of {sketch.products}, median", statistics.median(by_sketch), "", budget=BUDGET),
        row("– most", max(by_sketch), "", budget=BUDGET),
        row("– products beside Kronecker factors, median", statistics.median(by_factors), "", budget=BUDGET),
        *together(case, curvature, damping, dealt),
    ]  # fmt: skip


def together(case: Case, curvature: GaussNewton, damping: float, sketch: Any) -> list[dict[str, Any]]:
    """The share of all records whose interval is short enough, and the width of the middle one, within the budget."""
    rows = []
    for name, helper, paid in (("", None, 0), (" with the group sketch", sketch, PASSES)):
        # two products beyond the budget of the solve make its error a bound
        found = record_influences(curvature, on=case.test, damping=damping, products=BUDGET - paid - 2, preconditioner=helper)
        assert found.lower is not None and found.upper is not None and found.solution.products + paid <= BUDGET
        width = (found.upper - found.lower) / found.estimate.abs()
        rows += [
            row(f"– all records{name}: relative width, median", float(width.median()), "", budget=WIDTH),
            row(f"– all records{name}: share within {WIDTH:g}", float((width <= WIDTH).double().mean()), ""),
        ]
    return rows


def product_seconds(curvature: GaussNewton) -> float:
    """The least time of a product."""
    vector, best = torch.ones(curvature.shape[0], dtype=torch.float64), float("inf")
    for _ in range(20):
        start = time.perf_counter()
        curvature @ vector
        best = min(best, time.perf_counter() - start)
    return best


def residual_width(found: Any) -> float:
    """The relative width of the interval by the product of residuals."""
    lower, upper = found.routes["dual-corrected"]
    return float(upper.value - lower.value) / abs(found.estimate.value)


if __name__ == "__main__":
    rows: list[dict[str, Any]] = []
    for each in cases():
        for damping in (1e-2, 1e-3, 1e-4):
            rows += intervals(each, damping)
    publish("influence", rows)
