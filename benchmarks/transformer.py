"""Curvature, norms and one influence of a large transformer: time in gradients of the same model, and memory in copies of it.

Run ``python benchmarks/transformer.py [--device cuda] [--parameters 100e6] [--sequences 4] [--tokens 64] [--products 8] [--threads 1]``: prints
a table and writes ``benchmarks/results/transformer.json``. Twelve layers, twelve heads, a vocabulary of thirteen words for every unit of width:
width 768 makes a hundred million parameters. Weights are drawn and not trained, in float32; products are in float32, and beside them such with
the forward pass in bfloat16, which are so inaccurate that bounds say little. Memory of a processor is the peak of the whole process so far; that
of an accelerator is the peak of each step.
"""

from __future__ import annotations

import argparse
import gc
import math
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from _curvature_models import Transformer
from _report import publish, row
from torch import Tensor, nn

from certify.estimators import GaussNewton, Hessian, influence, largest_eigenvalue, per_example_norms

LAYERS, HEADS, WORDS = 12, 12, 13
"""Words: so many for every unit of width."""
ROUNDS, DAMPING, FAILURE = 3, 1e-1, 1e-2


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--parameters", type=float, default=100e6)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--products", type=int, default=8, help="spent on the largest eigenvalue, and on the influence")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class Bench:
    """The model with its data, and rows of what was measured."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.device, self.rows = asked, torch.device(asked.device), list[dict[str, Any]]()
        self.before = 0.0
        self.before = self.peak()  # what Python and torch take
        torch.manual_seed(0)
        # twelve squares of the width a layer, and the words twice
        width = HEADS * max(1, round(math.sqrt(asked.parameters / (12 * LAYERS + 2 * WORDS)) / HEADS))
        words = WORDS * width
        self.model = Transformer(words, width, asked.tokens, LAYERS, HEADS).to(self.device)
        self.loss = nn.CrossEntropyLoss()
        shape = (asked.sequences, asked.tokens)
        self.data, self.test = (tuple(torch.randint(words, shape).to(self.device) for _ in range(2)) for _ in range(2))
        self.size = sum(p.numel() for p in self.model.parameters())
        self.vector = torch.randn(self.size).to(self.device)
        self.gradient = self.timed(self.differentiate)
        self.note("parameters", self.size, "")
        self.note("one gradient", self.gradient, "s")

    def note(self, name: str, value: float, unit: str, **more: Any) -> None:
        """Keep a figure, and show it at once: the whole takes minutes."""
        self.rows.append(row(name, value, unit, **more))
        print(f"{name}: {value:.3g} {unit}".strip(), flush=True)

    def timed(self, work: Callable[[], Any], rounds: int = ROUNDS) -> float:
        """The least time of a few rounds."""
        work()
        best = math.inf
        for _ in range(rounds):
            self.finish()
            start = time.perf_counter()
            work()
            self.finish()
            best = min(best, time.perf_counter() - start)
        return best

    def finish(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step once, in gradients, with the memory it peaks at."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.finish()
        start = time.perf_counter()
        yield
        self.finish()
        self.note(name, (time.perf_counter() - start) / self.gradient, "gradients")
        self.note(f"{name}: peak memory", self.peak() / (4 * self.size), "models")

    def peak(self) -> float:
        if self.device.type == "cuda":
            return float(torch.cuda.max_memory_allocated())
        return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self.before

    def differentiate(self) -> tuple[Tensor, ...]:
        return torch.autograd.grad(self.loss(self.model(self.data[0]), self.data[1]), list(self.model.parameters()))


def products(bench: Bench, words: str) -> GaussNewton:
    """Building each operator, and its products; hands back the Gauss-Newton matrix."""
    for kind in (Hessian, GaussNewton):
        operator: Hessian | GaussNewton | None = None  # the one before is let go first
        with bench.step(f"{kind.__name__}{words}: building, probes included"):
            operator = kind(bench.model, bench.loss, bench.data)
        seconds = bench.timed(lambda operator=operator: operator @ bench.vector)  # type: ignore[misc]
        bench.note(f"{kind.__name__}{words}: product", seconds / bench.gradient, "gradients")
        bench.note(f"{kind.__name__}{words}: relative accuracy, as measured", operator.accuracy, "")
    assert isinstance(operator, GaussNewton)
    return operator


def bounded(bench: Bench, operator: GaussNewton) -> None:
    """The largest eigenvalue of the Gauss-Newton matrix, and what one record does to the loss on other data."""
    spent, drawn = bench.asked.products, torch.Generator().manual_seed(0)
    with bench.step(f"largest eigenvalue, {spent} products"):  # in single precision: no second model in float64 beside this one
        top = largest_eigenvalue(operator, failure_probability=FAILURE, products=spent, generator=drawn, double=False)
    bench.note("largest eigenvalue: upper over lower", top.upper.value / top.lower.value, "")
    damping = DAMPING * top.lower.value
    with bench.step(f"influence of a record, {spent} products"):
        found = influence(operator, of=0, on=bench.test, damping=damping, products=spent)
    bench.note("influence of a record: relative width", found.relative_width, "")


def main() -> None:
    asked = arguments()
    torch.set_num_threads(asked.threads)
    bench = Bench(asked)
    unit: dict[str, Any] = {"unit": "example"}
    bench.note(
        "norms of the gradients of single sequences",
        bench.timed(lambda: per_example_norms(bench.model, bench.loss, bench.data, **unit)) / bench.gradient,
        "gradients",
    )
    half = ", bfloat16 forward"
    with torch.autocast(bench.device.type, dtype=torch.bfloat16):
        bench.note(f"one gradient{half}", bench.timed(bench.differentiate) / bench.gradient, "gradients")
        products(bench, half)
    bounded(bench, products(bench, ""))
    publish("transformer", bench.rows)


if __name__ == "__main__":
    main()
