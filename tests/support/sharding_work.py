"""What the processes of the sharding tests do: module functions, for new processes find them by name."""

from __future__ import annotations

import copy
import functools
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
import torch.distributed as dist
from curvature_models import Case, case
from ranks import attempt
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import (
    EmpiricalFisher,
    Fisher,
    GaussNewton,
    Hessian,
    Operator,
    influence,
    largest_eigenvalue,
    sharded,
    smallest_eigenvalue,
    solve,
    trace,
)
from certify.estimators.operators.matrix import Function, Matrix
from certify.estimators.operators.widened import in_double

EQUIVALENT = ["cross-entropy weighted", "cross-entropy ignoring", "squared", "layer norm", "transformer ignoring", "two inputs"]
KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Hessian, GaussNewton, Fisher, EmpiricalFisher)
}  # fmt: skip


def built(kind: str, made: Case, data: Any) -> Operator:
    options: dict[str, Any] = {"unit": "token"} if made.data[1].dim() > 1 and not made.data[1].is_floating_point() else {}
    operator: Operator = KINDS[kind](made.model, made.loss, data, **options)
    return operator


def rows(data: Any, start: int | None, end: int | None) -> Any:
    return tuple(rows(part, start, end) for part in data) if isinstance(data, tuple) else data[start:end]


def shard(made: Case, rank: int, count: int) -> Any:
    """Uneven: every rank but the last has one example."""
    return rows(made.data, rank, rank + 1 if rank < count - 1 else None)


def vector(operator: Operator, seed: int = 3) -> Tensor:
    return torch.randn(operator.shape[1], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def equivalence(rank: int, count: int) -> dict[str, Tensor]:
    found = {}
    for name in EQUIVALENT:
        made = case(name)
        for kind in KINDS:
            found[f"{kind}, {name}"] = sharded(built(kind, made, shard(made, rank, count))).dense()
    return found


def algebra(rank: int, count: int) -> dict[str, Any]:
    """Everything that is not the dense matrix, of one operator."""
    made = case("layer norm")
    data = shard(made, rank, count)
    local, other = GaussNewton(made.model, made.loss, data), Hessian(made.model, made.loss, data)
    whole = sharded(local)
    before = whole.products, local.products
    calls = whole.ranks.calls
    block = torch.stack([vector(whole, seed) for seed in range(5)], dim=1)
    products = whole @ block
    return {
        "own": (local.accuracy, whole.share),
        "block of vectors": products,
        "calls": whole.ranks.calls - calls,
        "counted": (whole.products - before[0], local.products - before[1]),
        "named": whole @ dict(made.model.named_parameters()),
        "scipy": torch.from_numpy(whole.to_scipy() @ vector(whole).numpy()),
        "claims": (bool(whole.symmetric), bool(whole.positive_semidefinite), bool(sharded(other).positive_semidefinite)),
        "accuracy": whole.accuracy,
        "bounds": [
            bound and bound.value
            for bound in (whole.lower_bound(), whole.damped(0.1).lower_bound(), sharded(other).lower_bound())
        ],
        "count": whole.data_count,
        "unit": str(whole.unit),
        "repr": repr(whole),
        "principal": whole.block("0.*").dense(),
        "principal semidefinite": bool(whole.block("0.*").positive_semidefinite),
        "across": whole.block("0.*", "3.*").dense(),
        "across back": whole.block("0.*", "3.*").T.dense(),
        "across claims": bool(whole.block("0.*", "3.*").symmetric),
        "part": sharded(local.block("0.*")).dense(),
        "composed": sharded(0.5 * (local + 2.0 * other).damped(0.1)).dense(),
        "embedded": sharded(local.damped(0.3).block("0.*")).dense(),
        "damped within": sharded(local.damped(0.25)).lower_bound().value,
    }


def numbers(rank: int, count: int) -> dict[str, Any]:
    """Solves and spectra, from starts that differ from rank to rank until they are agreed on."""
    made = case("layer norm")
    whole = sharded(GaussNewton(made.model, made.loss, shard(made, rank, count)))
    generator = torch.Generator().manual_seed(rank)
    v = vector(whole)
    solved = solve(whole, v, damping=0.1, rtol=1e-8)
    top = largest_eigenvalue(whole, failure_probability=1e-6, generator=generator)
    low = smallest_eigenvalue(whole.damped(0.1), failure_probability=1e-6)
    sizes = trace(whole.damped(0.1), failure_probability=1e-3, probes=20, generator=generator)
    effect = influence(whole, of=v, on=vector(whole, 5), damping=0.1, relative_width=1e-6)
    return {
        "influence": (effect.lower.value, effect.upper.value),
        "places": attempt(lambda: influence(whole, of=[0], on=v, damping=0.1, relative_width=1e-6)),
        "solution": solved.value,
        "error": solved.error.value,
        "largest": (top.lower.value, top.upper.value, top.products),
        "smallest": (low.lower.value, low.upper.value),
        "trace": (sizes.lower.value, sizes.estimate.value, sizes.upper.value),
    }


def drawn(rank: int, count: int) -> Tensor:
    """The Fisher matrix from many drawn targets, other ones on every rank."""
    made = case("cross-entropy weighted")
    generator = torch.Generator().manual_seed(rank)
    return sharded(Fisher(made.model, made.loss, shard(made, rank, count), samples=500, generator=generator)).dense()


def narrow(rank: int, count: int) -> dict[str, Any]:
    """In single precision, where bounds take products of float64."""
    made = case("layer norm")
    data = shard(Case(made.model.float(), made.loss, (made.data[0].float(), made.data[1])), rank, count)
    whole = sharded(GaussNewton(made.model, made.loss, data))
    wide, alone = in_double(whole), in_double(whole.damped(0.5))
    assert wide is not None and alone is not None
    top = largest_eigenvalue(whole, failure_probability=1e-6)
    return {
        "products": whole.dense(),
        "in double": wide.dense(),
        "damped": alone.dense(),
        "accuracy": (whole.accuracy, wide.accuracy),
        "largest": (top.lower.value, top.upper.value),
    }


def empty(rank: int, count: int) -> Any:
    """Only the last rank has data."""
    made = case("cross-entropy")
    whole = sharded(built("GaussNewton", made, made.data).damped(0.5) if rank == count - 1 else None)
    top = largest_eigenvalue(whole, failure_probability=1e-6)
    return whole.dense(), whole.block("0.*").dense(), top.upper.value, repr(whole), attempt(lambda: sharded(None))


def refusals(rank: int, count: int) -> dict[str, Any]:
    """What the last rank has differently, and what everybody hears of it."""
    last = rank == count - 1

    def hessian(name: str = "layer norm", change: Callable[[Case], None] | None = None, **options: Any) -> Callable[[], Any]:
        def build() -> Any:
            made = case(name)
            if change is not None and last:
                change(made)
            kind = options.pop("kind", Hessian)
            return sharded(kind(made.model, made.loss, made.data, **options))

        return build

    def moved(made: Case) -> None:
        with torch.no_grad():
            next(made.model.parameters())[0, 0] += 1e-15

    def narrow(made: Case) -> None:
        made.model.float()
        object.__setattr__(made, "data", (made.data[0].float(), made.data[1]))

    def smoothed(made: Case) -> None:
        object.__setattr__(made, "loss", nn.CrossEntropyLoss(label_smoothing=0.1))

    def drifted(made: Case) -> None:
        made.model[1].running_mean += 1e-9  # type: ignore[index,union-attr,operator]

    def damped() -> Any:
        made = case("layer norm")
        return sharded(Hessian(made.model, made.loss, made.data).damped(0.1 + last))

    def threads() -> Any:
        made = case("layer norm")
        operator = Hessian(made.model, made.loss, made.data)
        before = torch.get_num_threads()
        torch.set_num_threads(1 + last)
        try:
            return sharded(operator)
        finally:
            torch.set_num_threads(before)

    def activated(first: nn.Module, other: nn.Module, loss: Any = None) -> Any:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), other if last else first, nn.Linear(4, 1)).double()
        data = torch.ones(4, 3).double(), torch.arange(4.0)[:, None].double()
        return sharded(Hessian(model, loss or nn.MSELoss(), data))

    def lossy(first: Any, other: Any) -> Any:
        return activated(nn.Tanh(), nn.Tanh(), other if last else first)

    tokens = functools.partial(hessian, "transformer", kind=EmpiricalFisher)
    seeds = {"samples": 2, "generator": torch.Generator().manual_seed(7)}
    operator = Hessian(case("squared").model, F.mse_loss, case("squared").data)
    answers = {
        "values": hessian(change=moved),
        "type": hessian(change=narrow),
        "loss": hessian(change=smoothed),
        "unit": tokens(unit="token" if last else "example"),
        "kind": hessian(kind=GaussNewton if last else Hessian),
        "parameters": hessian(parameters="0.*" if last else None),
        "damping": damped,
        "threads": threads,
        "seed": hessian("cross-entropy", kind=Fisher, **seeds),
        "drawn": hessian("cross-entropy", kind=Fisher, samples=2 if last else None),
        "layers": lambda: activated(nn.Tanh(), nn.Sigmoid()),
        "slope": lambda: activated(nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)),
        "options": lambda: lossy(nn.SmoothL1Loss(beta=1.0), nn.SmoothL1Loss(beta=0.5)),
        "partial": lambda: lossy(functools.partial(F.smooth_l1_loss, beta=1.0), functools.partial(F.smooth_l1_loss, beta=0.5)),
        "heavy": lambda: sharded(Matrix(torch.eye(2)), weight=1.7e308),
        "no operator": lambda: sharded(torch.eye(2), weight=1.0),  # type: ignore[arg-type]
        "pickled": lambda: ForkingPickler.dumps(sharded(operator)),
        "pickled matrix": lambda: ForkingPickler.dumps(sharded(Matrix(torch.eye(2)), weight=1.0)),
        "copied": lambda: copy.deepcopy(sharded(None if last else operator)),
        "copied damped": lambda: copy.copy(sharded(operator)).damped(0.1),
        "undefined": lambda: sharded(
            Function(lambda block: block / (not last), 2, dtype=torch.float64, symmetric="a multiple of I"), weight=1.0
        ),
        "nested": lambda: sharded(0.5 * (sharded(operator).damped(0.1))),
        "form": lambda: sharded(operator.damped(0.1) if last else operator),
        "product": lambda: sharded(operator @ operator if last else operator),
        "twice": lambda: sharded(sharded(operator)),
        "no weight": lambda: sharded(Matrix(torch.eye(2))),
        "weight": lambda: sharded(operator, weight=2.0),
        "bad weight": lambda: sharded(Matrix(torch.eye(2)), weight=-1.0 if last else 1.0),
        "function": lambda: sharded(Hessian.of_function(lambda p: (p["x"] ** 3).sum(), {"x": torch.ones(2) + last}), weight=1.0),
        "buffers": hessian("batch norm in eval", change=drifted),
        "timeout": lambda: sharded(operator, timeout=-1.0),
        "endless": lambda: sharded(operator, timeout=float("inf")),
        "group": lambda: sharded(operator, "gloo"),
    }
    return {name: attempt(functools.partial(in_words, work)) for name, work in answers.items()}


def in_words(work: Callable[[], Any]) -> str:
    return repr(work())


class Failing(Matrix):
    """Products that fail when they are told to."""

    fails = False

    def _multiply(self, block: Tensor) -> Tensor:
        if self.fails:
            raise ValueError("no memory left, let us say")
        return super()._multiply(block)


def products(rank: int, count: int) -> dict[str, Any]:
    """Products that are not the same on every rank; after each the operator works again."""
    matrix = Failing(torch.diag(torch.arange(1.0, 4.0).double() * (rank + 1)))
    whole = sharded(matrix, weight=1.0 + rank)
    ones = torch.ones(3, dtype=torch.float64)
    good = [whole @ ones]
    turned = attempt(lambda: whole @ (-ones if rank else ones))
    good.append(whole @ ones)
    matrix.fails = rank == 1
    failed = attempt(lambda: whole @ ones)
    matrix.fails = False
    good.append(whole @ ones)
    made = case("squared")
    moving = sharded(Hessian(made.model, made.loss, made.data))
    if rank == 1:
        with torch.no_grad():
            next(made.model.parameters()).mul_(2.0)
    second = sharded(matrix, weight=1.0)
    crossed = attempt(lambda: (second if rank else whole) @ ones)
    infinite = torch.full((3, 3), 1e306, dtype=torch.float64) if rank else torch.eye(3, dtype=torch.float64)
    overflowing = sharded(Matrix(infinite), weight=1.0)
    return {
        "good": good,
        "turned": turned,
        "failed": failed,
        "crossed": crossed,
        "stale": attempt(lambda: moving @ vector(moving)),
        "infinite": attempt(lambda: overflowing @ (1000 * ones)),
        "scaled": sharded(matrix, weight=1e-100) @ ones,
        "lower": lowers(rank),
    }


def lowers(rank: int) -> list[float | None]:
    """The lower bound from declared ones, and where one rank has none."""

    def declared(smallest: float | None) -> Operator:
        options = {"symmetric": "a multiple of the identity", "smallest": smallest}
        return Function(lambda block: 2.0 * block, 3, dtype=torch.float64, **options)  # type: ignore[arg-type]

    bounds = [sharded(declared(found), weight=1.0 + rank).lower_bound() for found in ((-3.0, 1.0)[rank], (-3.0, None)[rank])]
    return [bound and bound.value for bound in bounds]


def lone(rank: int, count: int) -> Any:
    """A group of one, and a process that is no member of it."""
    made = case("cross-entropy")
    first = dist.new_group([0])
    operator = built("Hessian", made, made.data)
    return attempt(lambda: torch.equal(sharded(operator, first).dense(), operator.dense()))


def everything(rank: int, count: int) -> dict[str, Any]:
    """All that leaves the processes alive."""
    parts: list[Callable[[int, int], Any]] = [equivalence, algebra, numbers, drawn, narrow, empty, refusals, products, lone]
    return {part.__name__: attempt(functools.partial(part, rank, count)) for part in parts}


def three(rank: int, count: int) -> Any:
    return {"equivalence": equivalence(rank, count), "numbers": numbers(rank, count)}


def interrupted(how: str, rank: int, count: int) -> Any:
    """The last rank ends, or comes late, before its second product."""
    whole = sharded(Matrix(torch.eye(3, dtype=torch.float64)), timeout=2.0, weight=1.0)
    ones = torch.ones(3, dtype=torch.float64)
    first = whole @ ones
    if rank == count - 1:
        if how == "killed":
            os._exit(9)
        if how == "late":
            time.sleep(4.5)
        if how == "stopping":
            raise SystemExit(1)
    start = time.monotonic()
    second = attempt(lambda: whole @ ones)
    seconds = time.monotonic() - start
    return first, second, seconds, attempt(lambda: whole @ ones)


def apart(rank: int, count: int) -> Any:
    """The first and the last process share operators, and the last one ends; then the first one leaves the world too."""
    group = dist.new_group([0, count - 1])
    if rank not in (0, count - 1):
        return attempt(lambda: sharded(None, group))
    eye, ones = Matrix(torch.eye(2, dtype=torch.float64)), torch.ones(2, dtype=torch.float64)
    first, second = (sharded(eye, group, timeout=2.0, weight=1.0) for _ in range(2))
    if rank:
        os._exit(9)
    printed: list[str] = []
    threading.excepthook = lambda told: printed.append(repr(told.exc_value))
    named = attempt(lambda: first @ ones)
    dist.destroy_process_group()
    alone = attempt(lambda: second @ ones)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # for what comes after
    return named, alone, printed


def absent(rank: int, count: int) -> Any:
    """The last rank never shares an operator."""
    if rank == count - 1:
        time.sleep(4.0)
        return None
    return attempt(lambda: sharded(Matrix(torch.eye(3)), timeout=1.0, weight=1.0))


def mismatched(rank: int, count: int) -> Any:
    """One rank multiplies one vector, and the other two: gloo ends a process that gets a message of another size."""
    whole = sharded(Matrix(torch.eye(3, dtype=torch.float64)), timeout=2.0, weight=1.0)
    return attempt(lambda: whole @ torch.ones(3, 2 if rank else 1, dtype=torch.float64))


def on_accelerator(rank: int, count: int) -> Any:
    """The same products with tensors on an accelerator."""
    made = case("layer norm")
    made.model.cuda()
    data = tuple(part.cuda() for part in shard(made, rank, count))
    whole = sharded(GaussNewton(made.model, made.loss, data), timeout=20.0)
    top = largest_eigenvalue(whole, failure_probability=1e-6)
    return dist.get_backend(), whole.dense().cpu(), (top.lower.value, top.upper.value)
