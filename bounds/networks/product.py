"""The Lipschitz constant of a model by the product of those of its layers."""

from __future__ import annotations

from torch import nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Enclosed
from ..spectral.layers import spectral_norm
from ..spectral.modules import FORWARD, NORMALISATIONS
from ..spectral.result import nothing_below
from .chain import leaves, shape_behind
from .layers import Declarations, layer_constant
from .plain import at_place, check_plain
from .result import LayerConstant, LipschitzConstant


def product_bound(model: nn.Module, shape: tuple[int, ...] | None, declared: Declarations | None = None) -> LipschitzConstant:
    """An upper bound for a ``Sequential`` of known layers: the product, a batch normalisation folded into the layer before it.

    Raises :class:`~certify.bounds.networks.activations.UnknownModule`, which names the layer that has no rule.

    Theorem: ``lipschitz.product`` (upper outer, inner).

    >>> model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
    >>> _ = nn.init.eye_(model[0].weight)
    >>> 1 <= product_bound(model, None).upper.value < 1 + 1e-12
    True
    """
    members = leaves(model, whole=declared or ())
    rows: list[LayerConstant] = []
    while members:
        name, module = members.pop(0)
        kind = type(module).__name__
        if type(module) not in (declared or ()):
            check_plain(module, name)
        with at_place(module, name):
            if _folds(module, members, shape):
                following, folded = members.pop(0)
                check_plain(folded, following)
                norm = spectral_norm(nn.Sequential(module, folded), shape)
                rows.append(LayerConstant(name, f"{kind} + {type(folded).__name__}", norm.upper, norm.proof))
            else:
                rows.append(LayerConstant(name, kind, *layer_constant(module, shape, declared)))
        shape = shape_behind(module, name, shape)
    total = Bound(1.0, Side.EXACT, Enclosed("the identity"))
    for row in rows:
        total = derive("lipschitz.product", outer=row.constant, inner=total)
    return LipschitzConstant(total, nothing_below(), "product", "the product of the constants of the layers", layers=tuple(rows))


def _folds(module: nn.Module, following: list[tuple[str, nn.Module]], shape: tuple[int, ...] | None) -> bool:
    """Whether a normalisation comes next whose channels are the rows of this layer's weight: not where ``Linear`` acts on many vectors."""
    if not following or not isinstance(following[0][1], NORMALISATIONS):
        return False
    return isinstance(module, FORWARD) or (isinstance(module, nn.Linear) and (shape is None or len(shape) == 1))
