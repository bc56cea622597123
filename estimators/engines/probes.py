"""Probes at construction: they measure how accurate products are, and refuse an operator that is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from .data import Batch, first_examples, tensors_of
from .double_backward import pull
from .kernels import transparent
from .problem import Differentiated, Problem, widened
from .pullbacks import recording
from .refusals import OperatorRefused
from .streamed import Build, Engine
from .surroundings import ordinary

EXAMPLES = 4
"""Examples on which the probes in float64 run, so that their cost does not grow with the data."""
MOST_PARAMETERS = 20_000_000
"""Parameters up to which they run: they copy the parameters a few times in float64."""
_STEP = 1e-7
_SHARP, _ALIKE = 1e-6, 1e-4
_OF_USERS = (RuntimeError, IndexError, TypeError, ValueError, KeyError, AttributeError, AssertionError)
"""What models and losses raise that are given what they do not take."""

Difference = Callable[[Problem, Batch, Tensor, float], tuple[Tensor, Tensor]]
"""What the engine differentiates along a direction: by the engine, and by a central difference of this step."""


@dataclass(frozen=True)
class Probes:
    """What was measured at construction; all are estimates, relative to the size of a product.

    ``symmetry`` |u'Av − v'Au| / (|u||Av|), ``linearity`` |A(u+v) − Au − Av| / |A(u+v)|, in the precision of the operator; on
    a few examples in float64 ``difference``, from a central difference, and ``precision``, between the operator's precision and
    float64 (None where they could not run). ``working`` is the coarsest type of what the forward pass keeps.
    """

    symmetry: float
    linearity: float
    difference: float | None
    precision: float | None
    working: torch.dtype
    size: int
    products: int

    @property
    def accuracy(self) -> float:
        """The measured relative accuracy of a product: the worst of linearity, asymmetry in the scale of a vector, and precision."""
        return max(self.linearity, self.symmetry * math.sqrt(self.size), self.precision or 0.0)


def examine(engine: Engine, build: Build, difference: Difference, *, mixes: bool) -> Probes:
    """Run all probes; ``mixes`` says that one example may act on the loss of another."""
    with ordinary():
        return _examined(engine, build, difference, mixes)


def _examined(engine: Engine, build: Build, difference: Difference, mixes: bool) -> Probes:
    problem = engine.problem
    batch = problem.data.first()
    working = refuse_changing(problem, batch)
    refuse_sums(problem, batch, mixes=mixes)
    sharp = _in_float64(problem, batch, build, difference)
    engine.keep()
    product = _products(engine, batch)
    symmetry, linearity, images = consistency(product, problem.layout.size, problem.dtype, problem.device)
    _refuse_undefined(problem, images)
    worst = max(linearity, symmetry * math.sqrt(problem.layout.size))
    if worst > torch.finfo(working).eps ** 0.25:
        if sharp is not None:
            raise OperatorRefused(
                f"products in {_short(working)} are accurate to {worst:.0e} only (they pass in float64)",
                "convert the model and the data by .double(), or turn off autocast",
            )
        raise OperatorRefused(
            f"the products are not those of one symmetric matrix (asymmetry {symmetry:.0e}, nonlinearity {linearity:.0e})",
            "look for an autograd function with a wrong second derivative, or for state that changes between calls",
        )
    gap, precision = sharp or (None, None)
    return Probes(symmetry, linearity, gap, precision, working, problem.layout.size, 3)


def consistency(
    product: Callable[[Tensor], Tensor], size: int, dtype: torch.dtype, device: torch.device
) -> tuple[float, float, Tensor]:
    """(asymmetry, nonlinearity, two products [2, P]) of a symmetric operator, by three products."""
    u, v = _directions(size, dtype, device)
    first, second, both = product(u), product(v), product(u + v)
    return _asymmetry(u, v, first, second), _relative(both - first - second, both), torch.stack([first, second])


@contextmanager
def _in_a_sentence(batch: Batch) -> Iterator[None]:
    """Errors of the model or the loss as a refusal that says where they come from."""
    try:
        yield
    except (OperatorRefused, torch.OutOfMemoryError):
        raise
    except _OF_USERS as error:
        words = next(iter(str(error).splitlines()), "")[:200].rstrip(".")
        raise OperatorRefused(
            f"the model or the loss raises {type(error).__name__} on batch {batch.index} ({words})",
            "mend loss(model(inputs), targets) by itself first",
        ) from error


def refuse_changing(problem: Problem, batch: Batch) -> torch.dtype:
    """Refuse a forward pass or a loss that is random, changes its own state, or sees the parameters beside the model.

    Returns the coarsest floating-point type that is kept.
    """
    devices = [problem.device] if problem.device.type == "cuda" else []
    kept: set[torch.dtype] = {problem.dtype}
    versions = {name: buffer._version for name, buffer in problem.buffers.items()}

    @transparent
    def note(tensor: Tensor) -> Tensor:
        if tensor.is_floating_point():
            kept.add(tensor.dtype)
        return tensor

    def passed() -> list[Tensor]:
        outputs = problem.outputs(batch)
        return [*tensors_of(outputs), problem.reduced(outputs, batch)]

    with torch.random.fork_rng(devices=devices), _in_a_sentence(batch), torch.enable_grad():
        with saved_tensors_hooks(note, lambda tensor: tensor):
            try:
                once = passed()
            except Differentiated:
                once = passed()
        before = torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in devices)
        again = passed()
        after = torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in devices)
    for name, buffer in problem.buffers.items():
        if buffer._version != versions[name]:
            raise OperatorRefused(f"the forward pass changes the buffer {name!r}", "call model.eval() first")
    if any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)):
        raise OperatorRefused(
            "the forward pass or the loss draws random numbers",
            "call model.eval() first; a functional dropout needs training=self.training",
        )
    if (beside := _beside(problem, once[-1])) is not None:
        raise OperatorRefused(
            f"the parameter {beside!r} acts on the loss beside the model that is given the data (a penalty in the loss, or a tensor that it holds)",
            "leave a penalty out and add its curvature, such as operator.damped(...), or write all as a function for Hessian.of_function",
        )
    coarsest = max(kept, key=lambda dtype: torch.finfo(dtype).eps)
    gap = math.inf
    if [tensor.shape for tensor in once] == [tensor.shape for tensor in again]:
        gap = max(_relative(a.detach().double() - b.detach().double(), a.double()) for a, b in zip(once, again, strict=True))
    if gap > torch.finfo(coarsest).eps ** 0.5:
        raise OperatorRefused(
            f"two forward passes on the same data differ by {gap:.0e}",
            "look for state that the forward pass changes, such as a cache",
        )
    return coarsest


def _beside(problem: Problem, value: Tensor) -> str | None:
    """A chosen parameter that the loss depends on as the model holds it, and not as the alias that is differentiated."""
    names = {id(tensor): name for name, tensor in problem.originals().items()}
    seen: set[object] = set()
    queue: list[Any] = [value.grad_fn]
    while queue:
        node = queue.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name = names.get(id(getattr(node, "variable", None)))
        if name is not None:
            return name
        queue += [parent for parent, _ in node.next_functions]
    return None


def refuse_sums(problem: Problem, batch: Batch, *, mixes: bool) -> None:
    """Refuse a loss that sums over examples; and, unless ``mixes``, outputs or a loss in which examples act on each other."""
    small = first_examples(batch, EXAMPLES) if problem.of_model else None
    if small is None or small.examples < 2:
        return
    outputs = _ran(lambda: problem.outputs(small))
    half = small.examples // 2
    left = first_examples(small, half)
    if not isinstance(outputs, Tensor) or not isinstance(small.targets, Tensor) or left is None or not outputs.dim():
        return
    if outputs.shape[0] != small.examples or problem.data.total == 0:
        return
    leaf = outputs.detach().requires_grad_()
    with torch.enable_grad(), problem.kernels():
        try:
            whole = problem.loss(leaf, small.targets)
            part = problem.loss(leaf[:half], small.targets[:half])
            rest = problem.loss(leaf[half:], small.targets[half:])
        except _OF_USERS:
            return  # a loss that is tied to the size of the batch
        gradients = [pull([value], [leaf], [torch.ones_like(value)], False)[0][:half] for value in (whole, part)]
    values = [float(value.detach()) for value in (whole, part, rest)]
    tolerance = 100 * torch.finfo(torch.promote_types(outputs.dtype, whole.dtype)).eps ** 0.5
    if not all(map(math.isfinite, values)):
        return
    if (
        abs(values[0] - values[1] - values[2]) <= tolerance * abs(values[0])
        and values[1] * values[2] > tolerance * values[0] ** 2
    ):
        raise OperatorRefused("the loss sums over the examples, and curvature here is that of a mean", "reduce it by mean")
    if mixes:
        return
    apart = problem.outputs(left)
    if _relative((apart - outputs[:half]).double(), apart.double()) > tolerance:
        raise OperatorRefused(
            "the output of an example changes with the other examples of its batch, so none has a gradient of its own",
            "call model.eval() first, and use no batch statistics",
        )
    along = float((gradients[0] * gradients[1]).sum()) ** 2
    sizes = float(gradients[0].square().sum()) * float(gradients[1].square().sum())
    if sizes - along > tolerance * sizes:
        raise OperatorRefused("the loss is no weighted mean of one term for each example", "use Hessian or GaussNewton")


@torch.enable_grad()
def _in_float64(problem: Problem, batch: Batch, build: Build, difference: Difference) -> tuple[float, float] | None:
    """(gap to a central difference, gap of the working precision) in float64, None where that cannot run.

    On a few examples, or on the whole batch where the model does not take a part of it.
    """
    if problem.device.type == "mps" or problem.layout.size > MOST_PARAMETERS:
        return None
    few = first_examples(batch, EXAMPLES) if problem.of_model else None
    small = batch if few is None or _ran(partial(problem.loss_of, few)) is None else few
    wide, wide_batch = problem.widened(), widened(small)
    try:
        with _only_float64():
            graph = build(wide, wide_batch)
            u, v = _directions(problem.layout.size, torch.float64, problem.device)
            everything = range(len(problem.layout.names))

            def product(vector: Tensor) -> Tensor:
                return _flat(problem, graph.product(problem.layout.split(vector), everything, everything, False), torch.float64)

            first, second = product(u), product(v)
            if not bool(torch.isfinite(first).all()):
                return None  # refused by name where the operator itself is multiplied
            direction = u / torch.linalg.vector_norm(u) + first / max(float(torch.linalg.vector_norm(first)), 1e-300)
            direction /= torch.linalg.vector_norm(direction)
            size = max(1.0, math.sqrt(sum(float(p.detach().square().sum()) for p in wide.parameters)))
            derivative, coarse = difference(wide, wide_batch, direction, _STEP * size)
            _, fine = difference(wide, wide_batch, direction, _STEP * size / 2)
    except (RuntimeError, _NotFloat64):
        return None
    symmetry = _asymmetry(u, v, first, second) * math.sqrt(problem.layout.size)
    rounding = 1e-9 * _largest_row(wide, wide_batch) / max(float(torch.linalg.vector_norm(derivative)), 1e-300)
    gap, uncertainty = _relative(derivative - coarse, derivative), _relative(fine - coarse, derivative)
    if gap > 1 and _relative(derivative - fine, derivative) > 1.5 * gap:
        raise OperatorRefused(
            "the gradient jumps at this point (a kink, such as a ReLU or an absolute value at exactly 0), so there is no second derivative",
            "move the parameters or the data off it, or leave these parameters out",
        )
    if not math.isfinite(symmetry) or not math.isfinite(gap):
        return None
    if symmetry > _SHARP + rounding:
        raise OperatorRefused(
            f"the matrix is not symmetric (by {symmetry:.0e} in float64)",
            "a layer has a wrong second derivative: look for an autograd function of your own (torch passes over one that is marked "
            "once_differentiable without a word), or report the layer to torch",
        )
    if gap > _ALIKE + 20 * uncertainty + rounding:
        raise OperatorRefused(
            f"automatic differentiation disagrees with a central difference (by {gap:.0e} in float64)",
            "a part of the model is cut off by detach(), .data, no_grad or the padding_idx of an embedding, has a wrong derivative of its own, or "
            "is at a kink, such as a ReLU at exactly 0",
        )
    working = build(problem, small)
    typed = [piece.to(p.dtype) for piece, p in zip(problem.layout.split(u), problem.parameters, strict=True)]
    narrow = _flat(problem, working.product(typed, everything, everything, False), torch.float64)
    return gap, _relative(narrow - first, first)


def _ran(work: Callable[[], Any]) -> Any:
    """What the work gives, or None where the model or the loss takes only whole batches."""
    try:
        return work()
    except torch.OutOfMemoryError:
        raise
    except _OF_USERS:
        return None


class _NotFloat64(Exception):
    """A part of the model keeps another type than float64."""


@contextmanager
def _only_float64() -> Iterator[None]:
    @transparent
    def refuse(tensor: Tensor) -> Tensor:
        if tensor.is_floating_point() and tensor.dtype is not torch.float64:
            raise _NotFloat64
        return tensor

    with saved_tensors_hooks(refuse, lambda tensor: tensor):
        yield


def gradient_difference(problem: Problem, batch: Batch, direction: Tensor, step: float) -> tuple[Tensor, Tensor]:
    """H d by double backward, and the central difference of the gradient."""
    loss = problem.loss_of(batch)
    with recording():
        gradient = pull([loss], problem.parameters, [torch.ones_like(loss)], False, create_graph=True)
    derivative = pull(gradient, problem.parameters, problem.layout.split(direction), False)

    def moved(sign: float) -> Tensor:
        there = _moved(problem, direction, sign * step)
        value = problem.loss_of(batch, there)
        return _flat(problem, pull([value], there, [torch.ones_like(value)], False), torch.float64)

    return _flat(problem, derivative, torch.float64), (moved(1.0) - moved(-1.0)) / (2 * step)


def output_difference(problem: Problem, batch: Batch, direction: Tensor, step: float) -> tuple[Tensor, Tensor]:
    """J d by the pullback of the pullback, and the central difference of the outputs."""
    outputs = problem.outputs(batch)
    dummy = torch.zeros_like(outputs, requires_grad=True)
    pulled = pull([outputs], problem.parameters, [dummy], False, create_graph=True)
    derivative = pull(pulled, [dummy], problem.layout.split(direction), False)[0]
    with torch.no_grad():
        ends = [problem.outputs(batch, _moved(problem, direction, sign * step)) for sign in (1.0, -1.0)]
    return derivative.flatten(), (ends[0] - ends[1]).flatten() / (2 * step)


def _moved(problem: Problem, direction: Tensor, step: float) -> list[Tensor]:
    pieces = problem.layout.split(direction)
    return [(p.detach() + step * piece).requires_grad_() for p, piece in zip(problem.parameters, pieces, strict=True)]


def _flat(problem: Problem, pieces: list[Tensor], dtype: torch.dtype) -> Tensor:
    return problem.layout.join([piece.detach() for piece in pieces], dtype)


def _largest_row(problem: Problem, batch: Batch) -> float:
    """The norm of the gradient: what the rounding error of a central difference is proportional to."""
    loss = problem.loss_of(batch)
    return float(
        torch.linalg.vector_norm(_flat(problem, pull([loss], problem.parameters, [torch.ones_like(loss)], False), torch.float64))
    )


def _products(engine: Engine, batch: Batch) -> Callable[[Tensor], Tensor]:
    """Products with the whole operator where graphs are kept, or else with that of its first batch."""
    everything = range(len(engine.problem.layout.names))
    if engine.retain:
        return lambda vector: engine.multiply(vector[None], everything, everything)[0]
    graph, problem = engine.build(batch), engine.problem

    def product(vector: Tensor) -> Tensor:
        typed = [piece.to(p.dtype) for piece, p in zip(problem.layout.split(vector), problem.parameters, strict=True)]
        return _flat(problem, graph.product(typed, everything, everything, False), problem.dtype)

    return product


def _directions(size: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Two fixed Gaussian vectors from a generator of their own: a probe is the same each time, and no global state moves."""
    generator = torch.Generator().manual_seed(20_240_229)
    u, v = (torch.randn(size, generator=generator, dtype=torch.float32, device="cpu").to(device, dtype) for _ in range(2))
    return u, v


def _asymmetry(u: Tensor, v: Tensor, first: Tensor, second: Tensor) -> float:
    gap = abs(float(v.double() @ first.double()) - float(u.double() @ second.double()))
    size = float(torch.linalg.vector_norm(u.double())) * float(torch.linalg.vector_norm(second.double()))
    return gap / size if size else gap


def _relative(gap: Tensor, reference: Tensor) -> float:
    size, distance = (float(torch.linalg.vector_norm(tensor.detach())) for tensor in (reference, gap))
    return distance / size if size else distance


def _refuse_undefined(problem: Problem, products: Tensor) -> None:
    for name, entries in problem.layout.slices().items():
        if not bool(torch.isfinite(products[:, entries]).all()):
            raise OperatorRefused(
                f"the curvature in the parameter {name!r} is not finite",
                "look for a root, norm or logarithm at zero in the model, or for overflow: use float64 or a wider type",
            )


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
