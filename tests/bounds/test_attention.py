"""Self-attention: no Jacobian for bounded tokens is above the constant, with or without a bias of the queries."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from certify.bounds import UnknownModule, attention_lipschitz


def module(bias: float, heads: int, seed: int) -> nn.MultiheadAttention:
    torch.manual_seed(seed)
    layer = nn.MultiheadAttention(4, heads, batch_first=True).double().eval()
    with torch.no_grad():
        layer.in_proj_weight.mul_(2)
        layer.in_proj_bias.copy_(bias * torch.randn(12))
    return layer


def steepest(layer: nn.MultiheadAttention, tokens: int, radius: float, seed: int, mask: Tensor | None = None) -> float:
    """The greatest norm of a Jacobian that ascent over the balls finds."""
    generator = torch.Generator().manual_seed(seed)
    points = radius * torch.randn(tokens, 4, generator=generator, dtype=torch.float64)

    def apply(flat: Tensor) -> Tensor:
        sequence = flat.reshape(1, tokens, 4)
        return layer(sequence, sequence, sequence, need_weights=False, attn_mask=mask)[0].flatten()

    best = 0.0
    for _ in range(25):
        lengths = points.norm(dim=1, keepdim=True)
        points = (points * (radius / lengths).clamp_max(1)).detach().requires_grad_()
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernel has no second derivative
            jacobian = torch.autograd.functional.jacobian(apply, points.flatten(), create_graph=True)
        norm = torch.linalg.matrix_norm(jacobian, 2)
        best = max(best, float(norm.detach()))
        (slope,) = torch.autograd.grad(norm, points)
        points = points.detach() + 0.3 * radius * slope / slope.norm().clamp_min(1e-12)
    return best


@pytest.mark.parametrize("bias", [0.0, 5.0])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize(("tokens", "radius"), [(1, 2.0), (3, 0.3), (4, 2.0)])
def test_no_jacobian_is_above_the_constant(bias: float, heads: int, tokens: int, radius: float) -> None:
    for seed in range(2):
        layer = module(bias, heads, seed)
        bound = attention_lipschitz(layer, radius=radius, tokens=tokens).value
        found = steepest(layer, tokens, radius, seed)
        assert found <= bound * (1 + 1e-12)
        mask = torch.triu(torch.full((tokens, tokens), -math.inf, dtype=torch.float64), 1)
        hidden = attention_lipschitz(layer, radius=radius, tokens=tokens, masked=True).value
        assert bound <= hidden and steepest(layer, tokens, radius, seed, mask) <= hidden * (1 + 1e-12)


def test_without_the_bias_of_the_queries_the_formula_is_refuted() -> None:
    """Negative control: tokens that a biased query tells apart sharply."""
    layer = module(0.0, 1, 0)
    with torch.no_grad():
        layer.in_proj_weight[:4] = 0.01 * torch.eye(4)
        layer.in_proj_weight[4:8] = torch.eye(4)
        layer.in_proj_bias[:4] = 40.0
    bare = module(0.0, 1, 0)
    with torch.no_grad():
        bare.in_proj_weight.copy_(layer.in_proj_weight)
        bare.in_proj_bias.zero_()
    forgetful = attention_lipschitz(bare, radius=0.5, tokens=2).value
    found = max(steepest(layer, 2, 0.5, seed) for seed in range(3))
    assert forgetful < found <= attention_lipschitz(layer, radius=0.5, tokens=2).value


def test_what_has_no_constant_is_refused() -> None:
    layer = nn.MultiheadAttention(4, 2, dropout=0.1)
    with pytest.raises(UnknownModule, match="eval"):
        attention_lipschitz(layer, radius=1.0, tokens=3)
    layer.eval()
    for radius in (math.inf, math.nan, -1.0):
        with pytest.raises(ValueError, match="bounded tokens"):
            attention_lipschitz(layer, radius=radius, tokens=3)
    with pytest.raises(ValueError, match="one token"):
        attention_lipschitz(layer, radius=1.0, tokens=0)
    for other in (
        nn.MultiheadAttention(4, 2, add_zero_attn=True),
        nn.MultiheadAttention(4, 2, add_bias_kv=True),
        nn.MultiheadAttention(4, 2, kdim=3),
    ):
        with pytest.raises(UnknownModule, match="no rule"):
            attention_lipschitz(other, radius=1.0, tokens=3)
