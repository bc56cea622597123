"""A Lipschitz constant between two bounds, and what each layer contributes."""

from __future__ import annotations

from dataclasses import dataclass

from ..bound import Bound, between


@dataclass(frozen=True)
class LayerConstant:
    """One layer of the model: its place and kind, its own Lipschitz constant, and how that was proved."""

    name: str
    kind: str
    constant: Bound
    proof: str


@dataclass(frozen=True)
class LipschitzConstant:
    """|f(x) - f(y)| <= L |x - y| in Euclidean norms: ``upper`` bounds the least such L from above, ``lower`` from below.

    ``domain`` says for which inputs; of a box without width along some axis, L counts moves out of it as well (the longest gradient
    there). Both speak of the real function with the stored weights; a forward pass in floating point adds its own rounding. ``lower`` is
    zero where nothing was searched.
    """

    upper: Bound
    lower: Bound
    method: str
    proof: str
    domain: str = "all inputs"
    layers: tuple[LayerConstant, ...] = ()

    def __str__(self) -> str:
        rows = "".join(
            f"\n  {layer.name:<12} {layer.kind:<16} {layer.constant.value:<12.6g} {layer.proof}" for layer in self.layers
        )
        return f"{between(self.lower, 'L', self.upper)} for {self.domain}   ({self.method}: {self.proof}){rows}"
