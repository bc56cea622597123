"""The greatest spectral norm of many matrices at once, proved by Cholesky factorisations that run to their end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Measured
from ..rounding import UNIT_ROUNDOFF, gamma, norm_upper
from .eigenvalue import largest_of_gram, rayleigh_quotients
from .factor import completed, lost_in_factor
from .result import Charge

_COARSER = 8.0
_HARDLY = 2.0**-10


class NotProved(ArithmeticError):
    """No factorisation ran to its end although the norm was raised: the entries are beyond what float64 can prove."""


@dataclass(frozen=True)
class Proved:
    """An upper bound on the norm of every block; the block where the largest was found, its number and its vector; and the charges."""

    norm: Bound
    number: int
    block: Tensor
    vector: Tensor
    ledger: tuple[Charge, ...]


def cholesky_norm(chunks: Iterable[Tensor]) -> Proved:
    """An upper bound on the spectral norms of all blocks: t I - A'A = L L' + E for each, so that |A| <= sqrt(t + |E|).

    ``chunks`` are float64 tensors [blocks, rows, columns], scaled so that the largest entries are of order one. The number t is an
    eigenvalue estimate, raised until every factorisation ends with a finite factor and a positive diagonal; it is a guess that is
    then proved. Upper side, with the rounding of the products, of the subtraction and of the factor counted. ``vector`` is the
    eigenvector of the block with the largest estimate: its image is a lower bound. Raises :class:`NotProved`, and ``ValueError`` for
    entries that are not finite.

    Theorem: ``norm.rounded-product`` (upper relative, frobenius, underflow).
    Theorem: ``norm.cholesky-residual`` (upper relative, trace, underflow).
    Theorem: ``norm.cholesky`` (upper scale, rounding).

    >>> 1.0 <= cholesky_norm([torch.eye(3, dtype=torch.float64)[None]]).norm.value < 1 + 1e-14
    True
    """
    search = _Search()
    for chunk in chunks:
        if not bool(torch.isfinite(chunk).all()):
            raise ValueError("a matrix with entries that are not finite has no spectral norm")
        search.cover(chunk if chunk.shape[-1] <= chunk.shape[-2] else chunk.mT)
    return search.result()


class _Search:
    """The least number t found so far at which every block seen has a factorisation, and what the proof rests on."""

    def __init__(self) -> None:
        self.square = 0.0
        self.slack = 0.0
        self.largest = -1.0
        self.frobenius = 0.0
        self.rows = self.columns = self.seen = self.number = 0
        self.block = self.vector = torch.zeros(0, dtype=torch.float64, device="cpu")

    def cover(self, blocks: Tensor) -> None:
        rows, columns = blocks.shape[-2:]
        self.rows, self.columns = max(self.rows, rows), max(self.columns, columns)
        norms = torch.linalg.vector_norm(blocks, dim=(-2, -1))
        self.frobenius = max(self.frobenius, norm_upper(float(norms.max()), rows * columns))
        grams = blocks.mT @ blocks
        slack = 8 * columns * UNIT_ROUNDOFF
        pending = torch.arange(len(blocks), device="cpu")
        rank = rayleigh_quotients(grams)
        estimates: dict[int, tuple[float, Tensor]] = {}
        while len(pending):
            open_blocks = grams if len(pending) == len(grams) else grams[pending]
            pending = pending[~_factored(self.square, open_blocks)]
            if not len(pending):
                self.seen += len(blocks)
                return
            worst = int(pending[rank[pending].argmax()])
            if worst not in estimates:
                estimates[worst] = largest_of_gram(grams[worst])
            value, vector = estimates[worst]
            if value > self.largest:
                self.largest, self.number, self.block, self.vector = value, self.seen + worst, blocks[worst], vector
            if value * (1 + slack) <= self.square:
                slack *= _COARSER
            if slack > _HARDLY:
                raise NotProved("no Cholesky factorisation ran to its end: the entries are too ill-scaled for float64")
            self.square = max(max(self.square, value) * (1 + slack), 2.0**-900)
            rank[worst] = 0.0

    def result(self) -> Proved:
        """What the factorisations prove, with the rounding of the worst block for all.

        Theorem: ``norm.rounded-product`` (upper relative, frobenius, underflow).
        Theorem: ``norm.cholesky`` (upper scale, rounding).
        """
        size = self.rows * self.columns
        underflow = Bound(
            max(size, 1) * 2.0**-1000, Side.UPPER, Measured("what underflows in a product or a factor of numbers of order one")
        )
        product = derive(
            "norm.rounded-product",
            relative=Bound(gamma(self.rows), Side.UPPER, Measured("rounding of an inner product")),
            frobenius=Bound(self.frobenius, Side.UPPER, Measured("Frobenius norm")),
            underflow=underflow,
        )
        subtraction = Bound(self.square, Side.UPPER, Measured("largest entry of the diagonal")) * (2 * UNIT_ROUNDOFF)
        largest = Bound(self.square, Side.UPPER, Measured("largest entry of the diagonal"))
        factor = lost_in_factor(self.columns, largest, underflow)
        rounding = product + subtraction + factor
        scale = Bound(self.square, Side.UPPER, Measured("number whose factorisations ran to their end")).sqrt()
        norm = derive("norm.cholesky", scale=scale, rounding=rounding)
        root = max(self.largest, 0.0) ** 0.5
        halved = 2 * norm.value or 1.0
        ledger = (
            Charge("above the computed eigenvalue", max(scale.value - root, 0.0)),
            Charge("rounding of the products A'A", product.value / halved),
            Charge("rounding of t I - A'A and of its factor", (subtraction + factor).value / halved),
        )
        return Proved(norm, self.number, self.block, self.vector, ledger)


def _factored(square: float, grams: Tensor) -> Tensor:
    """Which of the matrices ``square`` I - G have a factor."""
    size = grams.shape[-1]
    shifted = -grams
    diagonal = shifted.diagonal(dim1=-2, dim2=-1)
    diagonal += square
    if square <= 0.0:
        return torch.full((len(grams),), size == 0, device="cpu")
    return completed(shifted)
