"""The curvature of one linear or convolution layer as a Kronecker product B ⊗ A, and its eigenvalues in the basis of the factors.

A is a second moment of what the layer got, with a one for its bias, B one of the cotangents of what it gave (Martens & Grosse 2015; for
convolutions Grosse & Martens 2016). A layer that is used at many places or tokens of an example sums over them: "expand" takes them as
if they were examples of their own, "reduce" first sums the cotangents and takes the mean of the inputs (Eschenhagen et al. 2023).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ..per_example.layers import Part
from ..per_example.outer import Factor, Term
from ..per_example.pieces import accumulator, at_least_single, chunks

Sharing = Literal["expand", "reduce"]


class Factors:
    """B [G, o, o] and A [G, i, i] of a layer with G groups (one but for grouped convolutions), summed over columns and batches.

    After :meth:`decompose` the block is U diag(values) U' with U the Kronecker products of ``left`` and ``right``, the eigenvectors of B
    and A, and ``values`` [G, o, i] the products of their eigenvalues, or after :meth:`correct` what the curvature has on the
    diagonal in that basis (George et al. 2018), which no other diagonal approximates better there.
    """

    def __init__(self, weight: str, bias: str | None, shape: torch.Size, groups: int, device: torch.device) -> None:
        self.weight, self.bias, self.shape, self.groups = weight, bias, shape, groups
        outputs, inputs = shape[0] // groups, shape[1:].numel() + (bias is not None)
        self._wide = accumulator(device)
        self.left = torch.zeros(groups, outputs, outputs, dtype=self._wide, device=device)
        self.right = torch.zeros(groups, inputs, inputs, dtype=self._wide, device=device)
        self.values = torch.zeros(groups, outputs, inputs, dtype=self._wide, device=device)

    @property
    def numbers(self) -> int:
        """How many numbers are held."""
        return self.left.numel() + self.right.numel() + self.values.numel()

    def add_inputs(self, parts: list[Part], examples: int, share: float, sharing: Sharing) -> None:
        """Add the mean over the examples (and tokens) of a a', times the ``share`` of the batch in the data."""
        for block in self._loaded(parts, examples, left=False):
            rows = block.mean(2, keepdim=True) if sharing == "reduce" else block
            flat = self._with_one(rows).transpose(0, 1).flatten(1, 2)
            self.right += (share / (examples * rows.shape[2])) * (flat.mT @ flat).to(self._wide)

    def add_outputs(self, parts: list[Part], examples: int, share: float, sharing: Sharing) -> None:
        """Add the sum over the examples (and tokens) of g g' for the cotangents g of one column."""
        for block in self._loaded(parts, examples, left=True):
            rows = block.sum(2, keepdim=True) if sharing == "reduce" else block
            flat = rows.transpose(0, 1).flatten(1, 2)
            self.left += share * (flat.mT @ flat).to(self._wide)

    def decompose(self) -> None:
        """Replace the factors by their eigenvectors, and the values by the products of their eigenvalues; the negative are rounding, and zero."""
        over, self.left = torch.linalg.eigh((self.left + self.left.mT) / 2)
        under, self.right = torch.linalg.eigh((self.right + self.right.mT) / 2)
        self.values = over.clamp_min(0.0)[:, :, None] * under.clamp_min(0.0)[:, None, :]

    def reset_values(self) -> None:
        """Forget the values, before they are measured in the basis."""
        self.values = torch.zeros_like(self.values)

    def correct(self, parts: list[Part], examples: int, share: float) -> None:
        """Add the squares of the gradients of the single examples, of one column, in the basis of the factors."""
        for g, a in zip(self._loaded(parts, examples, left=True), self._loaded(parts, examples, left=False), strict=True):
            over, under = g @ self.left.to(g.dtype), self._with_one(a) @ self.right.to(a.dtype)
            if over.shape[2] == 1:
                squares = over[:, :, 0].square().permute(1, 2, 0) @ under[:, :, 0].square().transpose(0, 1)
            else:
                squares = (over.mT @ under).square().sum(0)
            self.values += share * squares.to(self._wide)

    def multiply(self, weight: Tensor, bias: Tensor | None, damping: float) -> tuple[Tensor, Tensor | None]:
        """(block + damping I)^-1 times vectors [K, *shape] and [K, outputs], in float64 where the device has it."""
        count, inputs = len(weight), self.shape[1:].numel()
        block = weight.to(self._wide).reshape(count, self.groups, -1, inputs)
        if bias is not None:
            block = torch.cat([block, bias.to(self._wide).reshape(count, self.groups, -1, 1)], dim=3)
        solved = self.left @ ((self.left.mT @ block @ self.right) / (self.values + damping)) @ self.right.mT
        found = solved[..., :inputs].reshape(weight.shape).to(weight.dtype)
        return found, None if bias is None else solved[..., inputs].reshape(bias.shape).to(bias.dtype)

    def _loaded(self, parts: list[Part], examples: int, *, left: bool) -> list[Tensor]:
        """Blocks [n, G, tokens, width] of one factor, the tokens of all calls of the layer one after the other."""
        factors = [part.left if left else part.right for part in parts if isinstance(part, Term)]
        sides = [side for side in factors if isinstance(side, Factor)]
        each = sum(part.right.tokens * part.right.groups * part.right.width for part in parts if isinstance(part, Term))
        return [
            torch.cat([at_least_single(side.rows(rows)) for side in sides], 2) if len(sides) > 1 else at_least_single(sides[0].rows(rows))
            for rows in chunks(examples, each)
        ]  # fmt: skip

    def _with_one(self, block: Tensor) -> Tensor:
        return block if self.bias is None else torch.cat([block, torch.ones_like(block[..., :1])], dim=3)
