"""The Lipschitz constant of self-attention for tokens of bounded norm; on all inputs it has none.

For one head let A = W_Q' W_K/sqrt(d), k = W_K' b_Q/sqrt(d) and |x_i| <= R. Scores are x_i'A x_j + k.x_j up to what softmax does not see, so with the
attention P, the mean m_i and covariance C_i of the tokens under row i,

    d(sum_j P_ij x_j) = sum_j P_ij dx_j + C_i A' dx_i + sum_j P_ij (x_j - m_i) (A'x_i + k).dx_j.

|C_i| <= R², and by Cauchy-Schwarz the last sum is at most R (|A| R + |k|) (sum_j P_ij |dx_j|²)^(1/2). Over all tokens sum_ij P_ij |dx_j|² is at most c |dx|²,
c the largest column sum of P: at most the number n of tokens, and, where no token is masked, n e^D/(e^D + n - 1) with D = 2 R (|A| R + |k|), the greatest
difference of scores. So a head is Lipschitz with

    |W_V| (sqrt(c) (1 + R (|A| R + |k|)) + |A| R²),

and several heads with |W_O| times the root of the sum of squares (Kim et al., ICML 2021, for the question; own derivation).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from flint import arb
from torch import Tensor, nn

from certify.proofs.balls import ball, precision, upper_double
from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Combined, Enclosed, Measured
from ..rounding import gamma
from ..spectral.dense import exact_weights, matrix_norm
from ..spectral.scaling import vector_norm_upper
from .activations import UnknownModule
from .arithmetic import usual_arithmetic
from .plain import check_plain


@usual_arithmetic()
def attention_lipschitz(module: nn.MultiheadAttention, *, radius: float, tokens: int, masked: bool = False) -> Bound:
    """An upper bound on the Lipschitz constant of self-attention in its sequence of tokens, all of Euclidean norm at most ``radius``.

    Distances are those of whole sequences of ``tokens`` vectors. ``masked`` says that a mask may hide tokens from others or shift scores. Behind a layer
    normalisation the radius is the root of the width times its largest weight, plus the norm of its bias. Upper side.

    Raises ``ValueError`` for a radius that is not finite: attention is not Lipschitz on all inputs; and
    :class:`~certify.bounds.networks.activations.UnknownModule` for dropout in train mode, keys or values of other sizes, and added tokens.

    Theorem: ``norm.blocks`` (upper left, right).
    Theorem: ``lipschitz.product`` (upper outer, inner).

    >>> _ = torch.manual_seed(0)
    >>> attention_lipschitz(nn.MultiheadAttention(4, 2), radius=1.0, tokens=3).value < 20
    True
    """
    check_plain(module)
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"attention is Lipschitz on bounded tokens alone: a radius is finite and not negative, not {radius}")
    if tokens < 1:
        raise ValueError("a sequence has one token or more")
    if module.training and module.dropout > 0:
        raise UnknownModule("MultiheadAttention drops at random in train mode: call eval()")
    if module.in_proj_weight is None or module.bias_k is not None or module.add_zero_attn:
        raise UnknownModule("MultiheadAttention with keys or values of another size, or with tokens of its own, has no rule here")
    width, heads = module.embed_dim, module.num_heads
    weight = exact_weights(module.in_proj_weight, "the weight of MultiheadAttention")
    bias = (
        torch.zeros(3 * width, dtype=torch.float64)
        if module.in_proj_bias is None
        else exact_weights(module.in_proj_bias, "its bias")
    )
    queries, keys, values = (part.reshape(heads, -1, width) for part in weight.chunk(3))
    shifts = bias[:width].reshape(heads, -1)
    total: Bound | None = None
    for query, key, value, shift in zip(queries, keys, values, shifts, strict=True):
        head = _head(query, key, value, shift, radius, tokens, masked)
        total = head if total is None else derive("norm.blocks", left=total, right=head)
    assert total is not None
    output: Any = module.out_proj.weight
    return derive("lipschitz.product", outer=matrix_norm(exact_weights(output, "the output weight")).upper, inner=total)


def _head(query: Tensor, key: Tensor, value: Tensor, shift: Tensor, radius: float, tokens: int, masked: bool) -> Bound:
    scores, drift = _product_norm(query, key), _product_norm(shift[:, None], key)
    pull = matrix_norm(value).upper
    with precision(120):
        root = arb(len(query)).sqrt()
        a, k, r = ball(scores.rational) / root, ball(drift.rational) / root, ball(radius)
        steep = a * r + k
        column = arb(tokens)
        if not masked:
            # n e^D/(e^D + n - 1), which is at most n
            column = column / (1 + (tokens - 1) * (-2 * r * steep).exp())
        constant = ball(pull.rational) * (column.sqrt() * (1 + r * steep) + a * r**2)
        upper = upper_double(constant)
    return Bound(upper, Side.UPPER, Combined("one head of attention", (scores, drift, pull)))


def _product_norm(left: Tensor, right: Tensor) -> Bound:
    """At or above the spectral norm of left' right, with the rounding of the product."""
    product = left.T @ right
    rounding = (
        Bound(vector_norm_upper(left), Side.UPPER, Measured("Frobenius norm")) * vector_norm_upper(right) * gamma(len(left) + 1)
    )
    return matrix_norm(product).upper + rounding + Bound(2.0**-1000, Side.UPPER, Enclosed("what underflows"))
