"""The design of a linear model: the rows, which of them are retained, and passes over them in blocks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from flint import arb
from numpy.typing import NDArray

from certify.bounds.linear_model import DesignNorms
from certify.bounds.rounding import ALLOWANCE_BITS, gamma
from certify.bounds.spectral import spectral_norm_from_gram, vector_norm_upper
from certify.errors import InputError
from certify.proofs.balls import precision, upper_double

_DENSE_COLUMNS = 2048
_SQUARES_UNDERFLOW = 2.0**-500
"""More than a computed norm can lose because squares of its entries underflow."""


@dataclass(frozen=True)
class Summation:
    """How products are summed in float64: over ``block`` rows at a time, whose sums are added in twice the
    precision, and over ``segment`` columns at a time, whose sums are added after. Smaller is sharper and slower.
    """

    block: int
    segment: int
    chunk: int
    """Rows handled in one call; it changes nothing but the speed."""


PLAIN = Summation(block=256, segment=1 << 40, chunk=2048)
CAREFUL = Summation(block=128, segment=32, chunk=2048)


def as_tensor(array: Any) -> torch.Tensor:
    """The floating-point tensor that shares memory with ``array``; integers become float64."""
    if isinstance(array, torch.Tensor):
        tensor = array.detach()
        if tensor.layout != torch.strided:
            raise InputError("features must be a dense table, not a sparse one: convert them with .to_dense() first")
    else:
        if np.ma.is_masked(array):
            raise InputError("features have masked entries: fill them or remove their records")
        try:
            numbers = np.asarray(array)
        except ValueError:
            raise InputError("features must be a table: some rows have other lengths than the rest") from None
        if numbers.dtype.kind not in "fiub":
            raise InputError(f"features must be numbers, not {numbers.dtype}: encode the columns as numbers first")
        if numbers.dtype.kind == "f" and numbers.dtype.itemsize > 8:
            raise InputError(f"features of {numbers.dtype} are not doubles: round them with .astype(numpy.float64) first")
        if not numbers.dtype.isnative or any(stride < 0 for stride in numbers.strides):
            numbers = np.ascontiguousarray(numbers, dtype=numbers.dtype.newbyteorder("="))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # it is never written to
            tensor = torch.from_numpy(numbers)
    if tensor.is_complex():
        raise InputError("features must be real numbers, not complex ones")
    if tensor.dtype in (torch.float64, torch.float32):
        return tensor
    doubles = tensor.to(torch.float64)
    if not tensor.is_floating_point() and doubles.numel() and float(doubles.abs().max()) >= 2.0**53:
        raise InputError(
            "features hold integers of 2**53 and beyond, not all of them doubles: round them with .astype(numpy.float64)"
        )
    return doubles


@dataclass(frozen=True, eq=False)
class Design:
    """``features`` of shape (n, d); ``retained`` is a mask of the rows kept, or None for all of them.

    Deleted rows are passed over with weight zero, so forgetting copies nothing.
    """

    features: torch.Tensor
    intercept: bool = False
    retained: NDArray[np.bool_] | None = None
    _row_norms: NDArray[np.float64] | None = None
    _norms: DesignNorms | None = None

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or 0 in self.features.shape:
            raise InputError(
                f"features must be a table of at least one row and column, not of shape {tuple(self.features.shape)}"
            )

    @property
    def rows(self) -> int:
        """The number of rows stored, deleted ones included."""
        return int(self.features.shape[0])

    @property
    def columns(self) -> int:
        """The number of parameters of one output."""
        return int(self.features.shape[1]) + self.intercept

    @property
    def count(self) -> int:
        """The number of retained rows."""
        return self.rows if self.retained is None else int(self.retained.sum())

    def without(self, forgotten: NDArray[np.bool_]) -> Design:
        """The design without the rows of the mask. Norms of the larger design stay valid upper bounds."""
        kept = ~forgotten if self.retained is None else self.retained & ~forgotten
        return replace(self, retained=kept, _row_norms=self.row_norms, _norms=self.norms)

    def select(self, positions: NDArray[np.int64]) -> torch.Tensor:
        """The rows at these positions in float64, intercept column included."""
        chosen = self.features[torch.from_numpy(positions).to(self.features.device)].to(torch.float64)
        return self._with_intercept(chosen)

    def chunks(self, rows: int) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor | None]]:
        """Consecutive rows in float64, with the mask of those retained when some are not."""
        for start in range(0, self.rows, rows):
            where = slice(start, min(start + rows, self.rows))
            kept = None if self.retained is None else self.retained[where]
            if kept is None or bool(kept.all()):
                mask = None
            elif not kept.any():
                continue
            else:
                mask = torch.from_numpy(kept).to(self.features.device, torch.float64)
            yield where, self.features[where].to(torch.float64), mask

    def predictors(self, rows: torch.Tensor, weights: torch.Tensor, summation: Summation = PLAIN) -> torch.Tensor:
        """``rows`` times the (k, p) weights: shape (b, k)."""
        width = rows.shape[1]
        total = _times(rows[:, : summation.segment], weights[:, : min(summation.segment, width)])
        for start in range(summation.segment, width, summation.segment):
            stop = min(start + summation.segment, width)
            total += _times(rows[:, start:stop], weights[:, start:stop])
        return total + weights[:, -1] if self.intercept else total

    def predictor_terms(self, summation: Summation) -> int:
        """How often a product is rounded at most on its way into a predictor."""
        width = int(self.features.shape[1])
        return min(summation.segment, width) + -(-width // summation.segment) + 1

    def adjoint(
        self, evaluate: Callable[[slice, torch.Tensor], torch.Tensor], summation: Summation = PLAIN
    ) -> tuple[torch.Tensor, float]:
        """``R' X`` of shape (k, p) in one pass, for R = ``evaluate(where, rows)`` of shape (b, k), and an upper bound on |R|_F."""
        partial: list[torch.Tensor] = []
        sizes: list[float] = []
        block = summation.block
        for where, rows, mask in self.chunks(summation.chunk):
            weights = evaluate(where, rows)
            if mask is not None:
                weights = weights * mask[:, None]
            sizes.append(float(torch.linalg.vector_norm(weights)))
            whole = rows.shape[0] - rows.shape[0] % block
            if whole:
                left = weights[:whole].reshape(whole // block, block, -1).transpose(1, 2)
                partial.append(self._products(left, rows[:whole].reshape(whole // block, block, -1)))
            if whole < rows.shape[0]:
                partial.append(self._products(weights[None, whole:].transpose(1, 2), rows[None, whole:]))
        largest = vector_norm_upper(torch.tensor(sizes, dtype=torch.float64))
        terms = summation.chunk * partial[0].shape[1] + 4
        with precision(ALLOWANCE_BITS):
            size = upper_double(arb(largest) * (1 + arb(gamma(terms))) + arb(len(sizes) * _SQUARES_UNDERFLOW))
        return accurate_sum(torch.cat(partial)), size

    def gram(self, evaluate: Callable[[slice, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """``X' diag(h) X`` in float64 for h = ``evaluate(where, rows)`` of shape (b,): plain products, no allowance."""
        total = torch.zeros(self.columns, self.columns, dtype=torch.float64, device=self.features.device)
        for where, rows, mask in self.chunks(4096):
            weights = evaluate(where, rows)
            if mask is not None:
                weights = weights * mask
            extended = self._with_intercept(rows)
            total.addmm_(extended.T, extended * weights[:, None])
        return total

    @cached_property
    def row_norms(self) -> NDArray[np.float64]:
        """Upper bounds on the norms of all rows, intercept included; refuses rows that are not finite."""
        if self._row_norms is not None:
            return self._row_norms
        squares = np.empty(self.rows)
        for start in range(0, self.rows, 4096):
            rows = self.features[start : start + 4096].to(torch.float64)
            squares[start : start + 4096] = torch.linalg.vector_norm(rows, dim=1).cpu().numpy()
        if not np.isfinite(squares).all():
            self._refuse_nonfinite(int(np.argmin(np.isfinite(squares))))
        safe = squares * (1 + 2 * gamma(self.columns + 6)) + _SQUARES_UNDERFLOW
        return np.nextafter(np.hypot(safe, 1.0) * (1 + 2.0**-50), np.inf) if self.intercept else np.nextafter(safe, np.inf)

    def _refuse_nonfinite(self, row: int) -> None:
        entries = self.features[row].to(torch.float64)
        bad = torch.nonzero(~torch.isfinite(entries))
        if len(bad) == 0:
            raise InputError(f"features row {row} is too large for float64 norms: scale the columns by public constants")
        column = int(bad[0])
        raise InputError(f"features row {row}, column {column} is {float(entries[column])}: remove or impute it before fitting")

    @property
    def largest_row(self) -> float:
        """An upper bound on the largest norm of a retained row."""
        return float(self.row_norms.max() if self.retained is None else self.row_norms[self.retained].max())

    @cached_property
    def norms(self) -> DesignNorms:
        """Upper bounds on the norms of the design; those of a larger design that this one was cut from serve as well."""
        if self._norms is not None:
            return self._norms
        frobenius = vector_norm_upper(torch.from_numpy(self.row_norms))
        spectral = frobenius
        if self.columns <= _DENSE_COLUMNS:
            gram = self.gram(lambda _, rows: torch.ones(rows.shape[0], dtype=torch.float64, device=rows.device))
            with precision(ALLOWANCE_BITS):
                error = upper_double(arb(gamma(self.rows + 8)) * arb(frobenius) ** 2)
            if bool(torch.isfinite(gram).all()):
                spectral = min(frobenius, spectral_norm_from_gram(gram, error))
        return DesignNorms(self.rows, self.columns, spectral, frobenius, float(self.row_norms.max()))

    def _products(self, left: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        single = left.shape[:2] == (1, 1)  # then the vector-matrix product is faster
        products = (left[0, 0] @ rows[0])[None, None] if single else torch.bmm(left, rows)
        return torch.cat([products, left.sum(2, keepdim=True)], 2) if self.intercept else products

    def _with_intercept(self, rows: torch.Tensor) -> torch.Tensor:
        if not self.intercept:
            return rows
        return torch.cat([rows, torch.ones(rows.shape[0], 1, dtype=torch.float64, device=rows.device)], 1)


def _times(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """``rows`` [b, p] times ``weights`` [k, p] transposed; one output takes the faster matrix-vector product."""
    return (rows @ weights[0])[:, None] if weights.shape[0] == 1 else rows @ weights.T


def accurate_sum(terms: torch.Tensor) -> torch.Tensor:
    """The sum over the first axis as if in twice the precision, rounded once (pairwise error-free additions)."""
    correction = torch.zeros_like(terms[0])
    while terms.shape[0] > 1:
        if terms.shape[0] % 2:
            terms = torch.cat([terms, torch.zeros_like(terms[:1])])
        left, right = terms[0::2], terms[1::2]
        total = left + right
        part = total - left
        correction = correction + ((left - (total - part)) + (right - part)).sum(0)
        terms = total
    return terms[0] + correction
