"""The two vectors of an influence: what leaves the training data, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ..engines import losses
from ..engines.calls import called_with
from ..engines.data import Batch, mapped, tensors_of
from ..engines.problem import Problem
from ..engines.refusals import OperatorRefused
from ..products import SymmetricOperator

Call: TypeAlias = Callable[..., Any]
Leaving: TypeAlias = Tensor | Mapping[str, Tensor] | int | Sequence[int]
Functional: TypeAlias = Tensor | Mapping[str, Tensor] | Callable[[Call], Tensor] | Any


def leaving(operator: SymmetricOperator, of: Leaving) -> Tensor:
    """The vector v [P] of records that leave: the sum of their parts of the gradient of the training loss, or the vector itself.

    The training loss is a mean; the part of record i is the gradient of its own loss times its weight in that mean (1/n where all count
    alike). So (A + damping I)^-1 v is, to first order, by how much the parameters move when the part is taken out of the loss.
    ``of`` is a vector (or a dictionary by parameter), or the places of the records in the data of the operator (a whole number, several, or
    an integer tensor).
    """
    if isinstance(of, Mapping) or (isinstance(of, Tensor) and of.is_floating_point()):
        return _vector(operator, of, "of")
    places = _places(of)
    problem = _problem(operator, "of=[places of records]")
    count = problem.data.examples
    if not places:
        raise ValueError("no record leaves: name at least one place in the data")
    if len(set(places)) < len(places) or not all(0 <= place < count for place in places):
        raise ValueError(f"places of records are different whole numbers from 0 to {count - 1}, not {_some(places)}")
    total = torch.zeros(problem.layout.size, dtype=torch.float64, device=problem.device)
    before = 0
    for batch in numbered(problem):
        inside = [place - before for place in places if before <= place < before + batch.examples]
        before += batch.examples
        if inside:
            part = taken(batch, inside)
            weight = losses.weight(problem.loss, part.inputs, part.targets)
            if weight > 0:
                total += weight / problem.data.total * _gradient(problem, problem.loss_of(part))
    return _restricted(operator, problem, total)


def looked_at(operator: SymmetricOperator, on: Functional) -> Tensor:
    """The gradient u [P] of what is looked at: of the mean loss on other data, of a function of the model, or the vector itself.

    ``on`` is a vector (or a dictionary by parameter), data like those of the operator (the loss is the operator's), or a function that is
    given the model, to be called like the model, and returns one number: ``lambda model: model(row)[0, 3]``.
    """
    if isinstance(on, (Tensor, Mapping)):
        return _vector(operator, on, "on")
    problem = _problem(operator, "data or a function as `on`")
    if callable(on) and not isinstance(on, Sequence):
        value = on(_caller(problem))
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
            raise ValueError(
                "the function returns one number that depends on the parameters: let it return a tensor of one entry"
            )
        return _restricted(operator, problem, _gradient(problem, value.reshape(())))
    other = Problem(problem.model, problem.loss, on, [literal(name) for name in problem.layout.names])
    return _restricted(operator, problem, mean_gradient(other))


def mean_gradient(problem: Problem) -> Tensor:
    """The gradient of the mean loss over the data of a problem, [P] in float64."""
    total = torch.zeros(problem.layout.size, dtype=torch.float64, device=problem.device)
    for batch in problem.data.read():
        total += batch.weight * _gradient(problem, problem.loss_of(batch))
    return total


def problem_of(operator: SymmetricOperator) -> Problem | None:
    """The model, the loss and the data of a curvature operator; None for any other."""
    problem = getattr(operator, "problem", None)
    return problem if isinstance(problem, Problem) else None


def _problem(operator: SymmetricOperator, what: str) -> Problem:
    problem = problem_of(operator)
    if problem is None or not problem.of_model:
        raise ValueError(
            f"{what} needs an operator of a model and data, such as GaussNewton(model, loss, data): pass that with damping=, or pass vectors"
        )
    problem.refuse_stale()
    return problem


def _places(of: Any) -> list[int]:
    """The places as whole numbers; a mask, a text or a fraction is none."""
    given = of.reshape(-1).tolist() if hasattr(of, "reshape") else list(of) if isinstance(of, Sequence) else [of]
    if isinstance(of, str) or not all(isinstance(place, Integral) and not isinstance(place, bool) for place in given):
        raise ValueError("`of` is a vector, or whole numbers: the places of records, such as mask.nonzero() of a mask")
    return [int(place) for place in given]


def _vector(operator: SymmetricOperator, given: Tensor | Mapping[str, Tensor], name: str) -> Tensor:
    size = int(operator.shape[0])
    if isinstance(given, Mapping):
        rows = getattr(operator, "rows", None)
        if rows is None:
            raise ValueError(f"{name} is a dictionary, and the operator knows no parameters by name: pass a vector [{size}]")
        vector: Tensor = rows.flatten(given, torch.float64)
    else:
        vector = given
    if not vector.is_floating_point() or vector.shape != (size,):
        raise ValueError(f"{name} is a floating-point vector [{size}], not {vector.dtype} {list(vector.shape)}")
    if not bool(torch.isfinite(vector).all()):
        raise ValueError(f"{name} has entries that are not finite")
    return vector.detach().to(operator.device, torch.float64)


def _gradient(problem: Problem, value: Tensor) -> Tensor:
    found = torch.autograd.grad(value, problem.parameters, allow_unused=True)
    pieces = [torch.zeros_like(p) if g is None else g for g, p in zip(found, problem.parameters, strict=True)]
    joined = problem.layout.join(pieces, torch.float64)
    if not bool(torch.isfinite(joined).all()):
        raise ValueError("a gradient is not finite: look for a loss that overflows on these records")
    return joined


def _restricted(operator: SymmetricOperator, problem: Problem, vector: Tensor) -> Tensor:
    """The entries of the parameters that the operator is about: all, or those of a sub-block."""
    rows = getattr(operator, "rows", problem.layout)
    if rows.names == problem.layout.names:
        return vector
    slices = problem.layout.slices()
    return torch.cat([vector[slices[name]] for name in rows.names])


def single_gradient(problem: Problem, place: int, patterns: Sequence[str]) -> Tensor:
    """The gradient of the own loss of one record of the first batch, in the parameters that match."""
    chosen = problem.layout.indices(patterns)
    slices = problem.layout.slices()
    whole = _gradient(problem, problem.loss_of(taken(problem.data.first(), [place])))
    return torch.cat([whole[slices[problem.layout.names[index]]] for index in chosen])


def numbered(problem: Problem) -> Iterator[Batch]:
    """The batches in order, so that places of records can be counted; refused where one counts for nothing and is left out of the pass."""
    given = 0
    for batch in problem.data.read(in_order=True):
        given += 1
        yield batch
    if given < problem.data.batches:
        raise OperatorRefused("all targets of a batch are ignored", "leave that batch out, or use larger batches")


def taken(batch: Batch, places: list[int]) -> Batch:
    """The batch cut to these examples."""
    index = torch.tensor(places)
    for tensor in [*tensors_of(batch.inputs), *tensors_of(batch.targets)]:
        if tensor.dim() == 0 or tensor.shape[0] != batch.examples:
            raise ValueError(
                "records cannot be told apart: some input has another first dimension than the targets; pass the vector"
            )
    inputs, targets = (mapped(tree, lambda tensor: tensor[index.to(tensor.device)]) for tree in (batch.inputs, batch.targets))
    return replace(batch, inputs=inputs, targets=targets)


def _caller(problem: Problem) -> Call:
    values = dict(zip(problem.layout.names, problem.parameters, strict=True))

    def call(*inputs: Any, **named: Any) -> Any:
        with problem.kernels():
            return called_with(problem.model, {**problem.buffers, **values}, inputs, named)

    return call


def literal(name: str) -> str:
    """The pattern that matches this name alone."""
    return name.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")


def _some(places: Sequence[int]) -> str:
    return ", ".join(map(str, places[:6])) + (", ..." if len(places) > 6 else "")
