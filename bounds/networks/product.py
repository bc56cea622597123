"""The Lipschitz constant of a model by the product of those of its layers."""

from __future__ import annotations

from torch import nn

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Enclosed
from ..spectral.layers import spectral_norm
from ..spectral.modules import FORWARD, NORMALISATIONS, shape_after
from ..spectral.result import nothing_below
from .chain import leaves
from .layers import Declarations, layer_constant
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
    members = leaves(model)
    rows: list[LayerConstant] = []
    while members:
        name, module = members.pop(0)
        kind = type(module).__name__
        if members and isinstance(members[0][1], NORMALISATIONS) and isinstance(module, (nn.Linear, *FORWARD)):
            folded = members.pop(0)[1]
            norm = spectral_norm(nn.Sequential(module, folded), shape)
            rows.append(LayerConstant(name, f"{kind} + {type(folded).__name__}", norm.upper, norm.proof))
        else:
            constant, proof = layer_constant(module, shape, declared)
            rows.append(LayerConstant(name, kind, constant, proof))
        shape = shape_after(module, shape) if members else None
    total = Bound(1.0, Side.EXACT, Enclosed("the identity"))
    for row in rows:
        total = derive("lipschitz.product", outer=row.constant, inner=total)
    return LipschitzConstant(total, nothing_below(), "product", "the product of the constants of the layers", layers=tuple(rows))
