"""What explicit vectors Y and their images AY prove of A: Ritz values, residuals, and how far from orthonormal Y is.

Nothing of a Lanczos run is believed but these two blocks. The Gram matrix Y'Y, the form Y'AY and the residual R = AY - Y (Y'AY)
are computed again in float64, each with the rounding of sums of n terms (Higham 2002, 3.5) and with the stated accuracy of the
products added outward.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from certify.bounds import Bound
from certify.bounds.rounding import UNIT_ROUNDOFF, gamma
from certify.proofs.sides import Side

from ..products import Accuracy

_ROWS = 1 << 18
_SAFE = 1.01
"""Covers the rounding of the few scalar operations by which an allowance itself is computed."""


@dataclass(frozen=True, eq=False)
class Ritz:
    """The vectors Y V, V orthogonal and k by k, sorted by falling Ritz value, and what is known of A on them.

    ``form`` = V'Y'AYV and ``residual_form`` = V'R'RV are k by k in float64, off by at most ``form_error`` and
    ``residual_form_error`` in the Frobenius norm; ``residual_error`` is what rounding and products may add to the Frobenius
    norm of any columns of R V. ``skew`` bounds |V'Y'YV - I|.
    """

    basis: torch.Tensor
    form: torch.Tensor
    residual_form: torch.Tensor
    rotation: torch.Tensor
    skew: float
    form_error: float
    residual_form_error: float
    residual_error: float
    accuracy: Accuracy

    @property
    def count(self) -> int:
        """The number of vectors."""
        return self.form.shape[0]

    @property
    def values(self) -> torch.Tensor:
        """The Ritz values [k] as they were computed, largest first: estimates."""
        return self.form.diagonal()

    def negated(self) -> Ritz:
        """The same vectors for -A, sorted again."""
        return replace(
            self, form=-self.form.flip(0, 1), residual_form=self.residual_form.flip(0, 1), rotation=self.rotation.flip(1)
        )

    # ------------------------------------------------------------ bounds, for the first ``kept`` vectors

    def top(self, kept: int) -> Bound:
        """An upper bound on the largest eigenvalue of the form on the first vectors, zero where that is negative."""
        block = self.form[:kept, :kept]
        value = float(block.diagonal().max()) + _off_diagonal(block) + self.form_error
        return self._upper(max(0.0, value), "largest eigenvalue of Y'AY")

    def rayleigh(self) -> Bound:
        """A lower bound on the largest eigenvalue: the Rayleigh quotient of the first vector."""
        value = float(self.form[0, 0])
        error = self._upper(self.form_error, "what Y'AY is off by")
        square = Bound(math.nextafter(1 + self.skew, math.inf), Side.UPPER, self.accuracy.evidence("squared norm of the vector"))
        if value >= self.form_error:
            return (Bound(value, Side.LOWER, self.accuracy.evidence("Rayleigh quotient")) - error) / square
        square = Bound(math.nextafter(1 - self.skew, -math.inf), Side.LOWER, self.accuracy.evidence("squared norm of the vector"))
        return -((Bound(max(0.0, -value), Side.UPPER, self.accuracy.evidence("Rayleigh quotient")) + error) / square)

    def coupling(self, kept: int) -> Bound:
        """An upper bound on the Frobenius norm, and so on the spectral norm, of R for the first vectors."""
        return self._upper(self._residual(kept)[1], "norm of AY - Y(Y'AY)")

    def residual_squares(self, kept: int) -> Bound:
        """A lower bound on the squared Frobenius norm of R for the first vectors."""
        least = self._residual(kept)[0]
        return self._lower(least * least * (1 - 4 * UNIT_ROUNDOFF), "squared norm of AY - Y(Y'AY)")

    def ritz_sum(self, kept: int) -> Bound:
        """A lower bound on the trace of the form on the first vectors, zero where that is negative."""
        block = self.form[:kept, :kept].diagonal()
        error = _SAFE * (math.sqrt(kept) * self.form_error + gamma(kept + 1) * float(block.abs().sum()))
        return self._lower(max(0.0, float(block.sum()) - error), "trace of Y'AY")

    def ritz_squares(self, kept: int) -> Bound:
        """A lower bound on the squared Frobenius norm of the form on the first vectors."""
        norm = max(0.0, float(torch.linalg.matrix_norm(self.form[:kept, :kept])) * (1 - gamma(kept * kept + 4)) - self.form_error)
        return self._lower(norm * norm * (1 - 4 * UNIT_ROUNDOFF), "squared norm of Y'AY")

    def form_norm(self) -> Bound:
        """An upper bound on the Frobenius norm of the form on all vectors."""
        return self._upper(self._norm(self.form), "norm of Y'AY")

    def dropped(self, kept: int) -> Bound:
        """An upper bound on the Frobenius norm of the form on the vectors after the first."""
        return self._upper(self._norm(self.form[kept:, kept:]), "norm of Y'AY on the vectors left out")

    def residual_norm(self) -> Bound:
        """An upper bound on the Frobenius norm of R for all vectors."""
        return self.coupling(self.count)

    def dropped_residual(self, kept: int) -> Bound:
        """An upper bound on the Frobenius norm of the columns of the whole residual that belong to the vectors left out."""
        square = float(self.residual_form.diagonal()[kept:].sum()) + self.residual_form_error
        return self._upper(math.sqrt(max(0.0, square)) * (1 + gamma(self.count + 4)) + self.residual_error, "norm of R left out")

    def inside(self) -> tuple[Bound, Bound]:
        """The trace of PAP from below and above, P the projector on the span: tr((Y'Y)^-1 Y'AY).

        It differs from the trace of the form by at most |(Y'Y)^-1 - I| times the sum of the moduli of the form's eigenvalues.
        """
        middle = math.fsum(self.form.diagonal().tolist())
        count, norm = math.sqrt(self.count), self._norm(self.form)
        apart = _SAFE * count * (self.form_error + self.skew / (1 - self.skew) * norm) + 4 * UNIT_ROUNDOFF * abs(middle)
        evidence = self.accuracy.evidence("trace of A on the span of the vectors")
        return Bound(middle - apart, Side.LOWER, evidence), Bound(middle + apart, Side.UPPER, evidence)

    def skewness(self) -> Bound:
        """An upper bound on |Y'Y - I|."""
        return Bound(self.skew, Side.UPPER, self.accuracy.evidence("distance of Y'Y to the unit matrix"))

    def vector(self) -> torch.Tensor:
        """The vector of the largest Ritz value, in float64."""
        return self.basis.double() @ self.rotation[:, 0].to(self.basis.device)

    def _norm(self, block: torch.Tensor) -> float:
        return float(torch.linalg.matrix_norm(block)) * (1 + gamma(block.numel() + 4)) + self.form_error if block.numel() else 0.0

    def _residual(self, kept: int) -> tuple[float, float]:
        """Below and above the Frobenius norm of R for the first vectors: of R V, and what the vectors left out lack of being Ritz."""
        square = float(self.residual_form.diagonal()[:kept].sum())
        slack = self.residual_form_error + gamma(kept + 4) * abs(square)
        mixed = float(torch.linalg.matrix_norm(self.form[kept:, :kept])) if kept < self.count else 0.0
        apart = self.residual_error + _SAFE * (1 + self.skew) * (mixed + self.form_error)
        return (
            max(0.0, math.sqrt(max(0.0, square - slack)) * (1 - 4 * UNIT_ROUNDOFF) - apart),
            math.sqrt(max(0.0, square) + slack) * (1 + 4 * UNIT_ROUNDOFF) + apart,
        )

    def _upper(self, value: float, what: str) -> Bound:
        return Bound(math.nextafter(value, math.inf) if value else 0.0, Side.UPPER, self.accuracy.evidence(what))

    def _lower(self, value: float, what: str) -> Bound:
        return Bound(max(0.0, math.nextafter(value, -math.inf)), Side.LOWER, self.accuracy.evidence(what))


def ritz(basis: torch.Tensor, images: torch.Tensor, accuracy: Accuracy) -> Ritz:
    """Measure the vectors ``basis`` [P, k] and their ``images`` under A; both must be on one device.

    Raises ``ValueError`` where Y'AY is not symmetric up to the accuracy of the products, and where the columns are dependent to
    working precision (|Y'Y - I| >= 1/2), as they are after a Lanczos run without full
    reorthogonalisation: a bound from such numbers would count an eigenvalue twice.

    >>> eye = torch.eye(3, 2, dtype=torch.float64)
    >>> matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64))
    >>> ritz(eye, matrix @ eye, Accuracy(1e-15, True, "exact")).top(2).value
    3.0000...
    """
    size, count = basis.shape
    unit = torch.eye(count, dtype=torch.float64, device="cpu")
    gram, product, lengths = torch.zeros_like(unit), torch.zeros_like(unit), 0.0
    for vectors, mapped in _blocks(basis, images):
        gram += (vectors.T @ vectors).cpu()
        product += (vectors.T @ mapped).cpu()
        lengths += float((mapped * mapped).sum())
    rounding = _SAFE * gamma(size + size // _ROWS + 4)
    basis_norm = math.sqrt(float(gram.trace())) * (1 + rounding)
    images_norm = math.sqrt(lengths) * (1 + rounding)
    skew = _SAFE * (float(torch.linalg.matrix_norm(gram - unit)) + rounding * basis_norm**2 + 4 * UNIT_ROUNDOFF)
    if not skew < 0.5:
        raise ValueError(
            "the vectors are not orthonormal: Lanczos without full reorthogonalisation proves nothing, use certify's own run"
        )
    form = (product + product.T) / 2
    form_norm = float(torch.linalg.matrix_norm(form))
    missed = accuracy.absolute * basis_norm  # the Frobenius norm of what the products are off by
    form_error = _SAFE * (rounding * basis_norm * images_norm + (1 + skew) * missed + 4 * UNIT_ROUNDOFF * form_norm)
    lopsided = float(torch.linalg.matrix_norm(product - product.T))
    if lopsided > 4 * form_error:
        raise ValueError(
            f"the operator is not symmetric: u . A v and v . A u differ by {lopsided:.2g}, which its products are not off by; "
            "symmetrise it, or correct its claim"
        )

    residual_form = torch.zeros_like(unit)
    held = form.to(basis.device)
    for vectors, mapped in _blocks(basis, images):
        residual = mapped - vectors @ held
        residual_form += (residual.T @ residual).cpu()
    computed = math.sqrt(float(residual_form.trace())) * (1 + rounding)
    difference = _SAFE * gamma(count + 2) * (images_norm + basis_norm * (form_norm + form_error))
    residual_error = _SAFE * (difference + missed + (1 + skew) * form_error)
    residual_form_error = rounding * computed**2

    rotation = torch.linalg.eigh(form).eigenvectors.flip(1)
    turn = _SAFE * float(torch.linalg.matrix_norm(rotation.T @ rotation - unit)) + 8 * gamma(count + 4) * count
    small = _SAFE * 4 * gamma(2 * count + 8) * count  # two products of k by k matrices, one of them nearly orthogonal
    return Ritz(
        basis=basis,
        form=_symmetric(rotation.T @ form @ rotation),
        residual_form=_symmetric(rotation.T @ residual_form @ rotation),
        rotation=rotation,
        skew=_SAFE * (skew * (1 + turn) + turn + small * 2),
        form_error=_SAFE * (form_error * (1 + turn) + small * form_norm),
        residual_form_error=_SAFE * (residual_form_error * (1 + turn) + small * computed**2),
        residual_error=_SAFE * (residual_error * (1 + turn) + 2 * turn * (form_norm + form_error)),
        accuracy=accuracy,
    )


def _blocks(basis: torch.Tensor, images: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for start in range(0, basis.shape[0], _ROWS):
        yield basis[start : start + _ROWS].double(), images[start : start + _ROWS].double()


def _symmetric(block: torch.Tensor) -> torch.Tensor:
    return (block + block.T) / 2


def _off_diagonal(block: torch.Tensor) -> float:
    return float(torch.linalg.matrix_norm(block - torch.diag(block.diagonal()))) * (1 + gamma(block.numel() + 4))
