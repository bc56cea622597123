"""The Lipschitz constant of a model: one question, four methods, an answer between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ..bound import Bound
from ..spectral.result import nothing_below
from .activations import UnknownModule
from .chain import Chain, chain_of
from .layers import Declarations
from .local import jacobian_bound, slopes_everywhere, slopes_in
from .product import product_bound
from .result import LipschitzConstant
from .search import steepest
from .semidefinite import Slopes, propose, prove

Method = Literal["product", "eclipse", "semidefinite", "local"]
METHODS: tuple[Method, ...] = ("product", "eclipse", "semidefinite", "local")
_STEPS = 100
_SEED = 2021
STARTS, CLIMB = 16, 80
"""Points and steps of the search for steep places."""


def lipschitz(
    model: nn.Module,
    method: Method = "product",
    box: tuple[Tensor, Tensor] | None = None,
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
    ``declared`` gives constants that the caller vouches for, by class (``product`` only; their evidence says so). ``lower`` comes from a search
    started by ``generator`` (by default a fixed one; nothing secret is drawn).

    Raises :class:`~certify.bounds.networks.activations.UnknownModule` for a module without a rule, which it names, and
    :class:`~certify.bounds.spectral.dense.NotALinearMap` for weights that are not finite.

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
    shape = None if input_shape is None else tuple(int(length) for length in input_shape)
    source = generator or torch.Generator().manual_seed(_SEED)
    if method == "product":
        return _with_search(product_bound(model, shape, declared), model, shape, source)
    chain = chain_of(model, shape)
    limits = None if box is None else checked_box(box, chain.sizes[0])
    result = slopes_constant(chain, slopes_everywhere(chain), steps=0 if method == "eclipse" else steps)
    lower = steepest(chain, limits, starts=STARTS, steps=CLIMB, generator=source)
    if limits is not None:
        inside = slopes_constant(chain, slopes_in(chain, limits), steps=steps)
        best = inside if inside.upper.value < result.upper.value else result
        return LipschitzConstant(best.upper, lower, method, best.proof, "inputs in the box")
    product = product_bound(model, shape)
    best = product if product.upper.value < result.upper.value else result
    return LipschitzConstant(best.upper, lower, method, best.proof, layers=product.layers)


def slopes_constant(chain: Chain, slopes: Slopes, *, steps: int) -> LipschitzConstant:
    """The least constant that is proved for a chain whose slopes lie in the ranges, with ``steps`` of descent on the multipliers.

    Theorem: ``lipschitz.semidefinite`` (upper square).
    Theorem: ``norm.sum`` (upper left, right).
    """
    candidates: list[tuple[Bound, str]] = [(jacobian_bound(chain, slopes), "an interval that holds every Jacobian")]
    proved = _by_inequality(chain, slopes, steps)
    if proved is not None:
        candidates.append((proved, "the matrix inequality, by one Cholesky factor"))
    upper, words = min(candidates, key=lambda candidate: candidate[0].value)
    return LipschitzConstant(upper, nothing_below(), "chain", words)


def _by_inequality(chain: Chain, slopes: Slopes, steps: int) -> Bound | None:
    proposal = propose(chain, slopes, steps=steps)
    if proposal is None:
        return None
    found = prove(chain, slopes, proposal)
    if found is None and steps:  # an optimum at the edge that rounding cannot prove: the closed form stays inside
        start = propose(chain, slopes)
        return None if start is None else prove(chain, slopes, start)
    return found


def _with_search(
    result: LipschitzConstant, model: nn.Module, shape: tuple[int, ...] | None, generator: torch.Generator
) -> LipschitzConstant:
    """The result with what a search attains, where the model is a chain."""
    try:
        chain = chain_of(model, shape)
    except UnknownModule:
        return result
    lower = steepest(chain, None, starts=STARTS, steps=CLIMB, generator=generator)
    return LipschitzConstant(result.upper, lower, result.method, result.proof, result.domain, result.layers)


def checked_box(box: tuple[Tensor, Tensor], size: int) -> tuple[Tensor, Tensor]:
    """Both sides of a box as float64 vectors of the size of the input; one number serves for all inputs. Raises ``ValueError``."""
    lower, upper = (torch.as_tensor(side).detach().to("cpu", torch.float64).flatten() for side in box)
    if lower.numel() == 1:
        lower, upper = lower.expand(size), upper.expand(size)
    if len(lower) != size or len(upper) != size:
        raise ValueError(f"the box has {len(lower)} and {len(upper)} numbers, and the model takes {size}")
    if not bool(torch.isfinite(lower).all() and torch.isfinite(upper).all() and (lower <= upper).all()):
        raise ValueError("a box has finite sides, and its lower side is not above the upper one")
    return lower.contiguous(), upper.contiguous()
