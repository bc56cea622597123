"""The Lipschitz constant of a model: one question, four methods, an answer between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from ..bound import Bound
from ..spectral.dense import rescaled
from ..spectral.result import SpectralNorm, nothing_below
from ..spectral.scaling import scaled
from .arithmetic import usual_arithmetic
from .chain import Chain, chain_of
from .layers import Declarations
from .local import jacobian_bound, slopes_everywhere, slopes_in
from .product import product_bound
from .result import LipschitzConstant
from .search import steepest
from .semidefinite import Slopes, propose, prove

Method = Literal["product", "eclipse", "semidefinite", "local"]
METHODS: tuple[Method, ...] = ("product", "eclipse", "semidefinite", "local")
BoxSide = Tensor | Sequence[float] | float
"""One side of a box: a number for every input, or one for all."""
_STEPS = 100
_SEED = 2021
_SMALLEST = 2.0**-900


@usual_arithmetic()
def lipschitz(
    model: nn.Module,
    method: Method = "product",
    box: tuple[BoxSide, BoxSide] | None = None,
    *,
    input_shape: Sequence[int] | None = None,
    steps: int = _STEPS,
    declared: Declarations | None = None,
    generator: torch.Generator | None = None,
) -> LipschitzConstant:
    """The Lipschitz constant of a model in Euclidean norms, between two bounds.

    * ``product``: the product over the layers; takes all layers that are known, needs ``input_shape`` (of one input, without the batch) for
      convolutions to be tight;
    * ``eclipse``: layers together, by multipliers in closed form (ECLipsE-Fast), proved by one factorisation;
    * ``semidefinite``: the same with multipliers improved by ``steps`` of descent (LipSDP with one multiplier a neuron);
    * ``local``: for inputs in ``box`` = (lower, upper), by the slopes that occur there, through the Jacobian and the matrix inequality.

    The last three take chains of affine layers and elementwise activations. Each returns the least of its own bound and the cheaper ones.
    ``declared`` gives constants that the caller vouches for, by class (``product`` only; their evidence says so). ``lower`` is the length of
    one gradient, enclosed, at a place that a search found; ``generator`` starts it (by default a fixed one; nothing secret is drawn). It is zero
    where intervals follow no layer of the model (normalisation of single inputs, softmax), or where no input shape is known. ``box`` takes one
    number for all inputs or a number each, and tells the input shape where a side has more than one axis; Python numbers are taken as the
    doubles that they are.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for a module without a rule, which it names by its place, and
    :class:`~certify.bounds.spectral.dense.NotALinearMap` for weights that are not finite; ``ValueError`` for a box that does not fit; and
    ``ArithmeticError`` where torch flushes subnormal numbers to zero.

    Theorem: ``lipschitz.product`` (upper outer, inner).
    Theorem: ``lipschitz.semidefinite`` (upper square).

    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch._C.Generator object at ...>
    >>> model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    >>> product, tight = lipschitz(model), lipschitz(model, "semidefinite")
    >>> tight.lower.value <= tight.upper.value < product.upper.value
    True
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: use {', '.join(METHODS)}")
    if method == "local" and box is None:
        raise ValueError("the method local bounds a box of inputs: pass box=(lower, upper)")
    if method != "local" and box is not None:
        raise ValueError(f"the method {method} bounds all inputs: for a box use method='local'")
    if declared and method != "product":
        raise ValueError(f"constants that are declared serve the method product, not {method}")
    shape = shape_of(input_shape, *(box or ()))
    source = generator or torch.Generator().manual_seed(_SEED)
    if method == "product":
        product = product_bound(model, shape, declared)
        return replace(product, lower=nothing_below() if declared else steepest(model, shape, generator=source))
    chain = chain_of(model, shape)
    limits = None if box is None else checked_box(box, chain.sizes[0])
    result = slopes_constant(chain, slopes_everywhere(chain), steps=0 if method == "eclipse" else steps)
    lower = steepest(model, shape, limits, generator=source)
    if limits is not None:
        inside = slopes_constant(chain, slopes_in(chain, limits), steps=steps)
        best = inside if inside.upper.value < result.upper.value else result
        return LipschitzConstant(best.upper, lower, method, best.proof, "inputs in the box")
    product = product_bound(model, shape)
    best = product if product.upper.value < result.upper.value else result
    return LipschitzConstant(best.upper, lower, method, best.proof, layers=product.layers)


def shape_of(input_shape: Sequence[int] | None, *examples: object) -> tuple[int, ...] | None:
    """The shape of one input: as given, or that of the first example with more than one axis, as pictures have; None where neither tells.

    >>> shape_of(None, 0.0, torch.zeros(3, 8, 8))
    (3, 8, 8)
    """
    if input_shape is not None:
        return tuple(int(length) for length in input_shape)
    return next((tuple(held.shape) for held in examples if isinstance(held, Tensor) and held.ndim > 1), None)


def slopes_constant(chain: Chain, slopes: Slopes, *, steps: int) -> LipschitzConstant:
    """The least constant that is proved for a chain whose slopes lie in the ranges, with ``steps`` of descent on the multipliers.

    Theorem: ``lipschitz.semidefinite`` (upper square).
    Theorem: ``norm.sum`` (upper left, right).
    """
    small, exponent = _of_order_one(chain)
    candidates: list[tuple[Bound, str]] = [(jacobian_bound(small, slopes), "an interval that holds every Jacobian")]
    proved = _by_inequality(small, slopes, steps)
    if proved is not None:
        candidates.append((proved, "the matrix inequality, by one Cholesky factor"))
    upper, words = min(candidates, key=lambda candidate: candidate[0].value)
    return LipschitzConstant(
        rescaled(SpectralNorm(upper, nothing_below(), words), exponent).upper, nothing_below(), "chain", words
    )


def _of_order_one(chain: Chain) -> tuple[Chain, int]:
    """The chain with every weight taken to order one by a power of two, where that is exact, and the sum of the exponents taken out.

    The Jacobian is linear in each weight, so where the slopes are given its bound is that of the scaled chain times the power.
    """
    stages, total = [], 0
    for stage in chain.stages:
        small, exponent = scaled(stage.weight)
        if bool(((small != 0) & (small.abs() < _SMALLEST)).any() or ((small == 0) & (stage.weight != 0)).any()):
            small, exponent = stage.weight, 0
        stages.append(replace(stage, weight=small))
        total += exponent
    return replace(chain, stages=tuple(stages)), total


def _by_inequality(chain: Chain, slopes: Slopes, steps: int) -> Bound | None:
    proposal = propose(chain, slopes, steps=steps)
    if proposal is None:
        return None
    found = prove(chain, slopes, proposal)
    if found is None and steps:  # an optimum at the edge that rounding cannot prove: the closed form stays inside
        start = propose(chain, slopes)
        return None if start is None else prove(chain, slopes, start)
    return found


def checked_box(box: tuple[BoxSide, BoxSide], size: int) -> tuple[Tensor, Tensor]:
    """Both sides of a box as float64 vectors of the size of the input; one number serves for all inputs. Raises ``ValueError``."""
    sides = tuple(box)
    if len(sides) != 2:
        raise ValueError(f"a box has a lower and an upper side, not {len(sides)}")
    lower, upper = (side.expand(size) if side.numel() == 1 else side.flatten() for side in map(_doubles, sides))
    if len(lower) != size or len(upper) != size:
        raise ValueError(f"the box has {len(lower)} and {len(upper)} numbers, and the model takes {size}")
    if not bool(torch.isfinite(lower).all() and torch.isfinite(upper).all() and (lower <= upper).all()):
        raise ValueError("a box has finite sides, and its lower side is not above the upper one")
    return lower.contiguous(), upper.contiguous()


def _doubles(side: BoxSide) -> Tensor:
    """The side as doubles: what is no tensor is not rounded to torch's default type on the way."""
    held = side if isinstance(side, Tensor) else torch.as_tensor(side, dtype=torch.float64)
    return held.detach().to("cpu", torch.float64)
