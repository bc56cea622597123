"""A convolution as the matrix that it is, and as a map: for tight bounds on small ones, and lower bounds on all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from certify.proofs.sides import Side

from ..bound import Bound
from ..evidence import Measured
from ..rounding import gamma, norm_upper
from .attained import attained_by
from .convolution_data import Convolution

_LANCZOS_STEPS = 24


def unrolled(convolution: Convolution, windows: Tensor, places: int) -> Iterator[Tensor]:
    """The matrix of each group of channels, [1, outputs * windows, inputs * places].

    Taps are added where several of a window read one position (circular or reflected padding of a short input): see
    :func:`summing_error`. Elsewhere entries are the kernel's.

    >>> kernel = torch.tensor([[[1.0, 2.0]]], dtype=torch.float64)
    >>> convolution = Convolution(kernel, (1,), ((0, 0),), (1,))
    >>> next(unrolled(convolution, convolution.windows((3,)), 3))[0].tolist()
    [[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]
    """
    flat = torch.where(windows < 0, places, windows)
    for kernel in convolution.grouped:
        rows, columns, taps = kernel.shape
        matrix = kernel.new_zeros(rows, len(windows), columns, places + 1)
        for tap in range(taps):
            index = flat[:, tap, None, None].expand(rows, len(windows), columns, 1)
            matrix.scatter_add_(-1, index, kernel[:, None, :, tap, None].expand(rows, len(windows), columns, 1))
        yield matrix[..., :-1].reshape(1, rows * len(windows), columns * places)


def summing_error(convolution: Convolution, windows: Tensor) -> Bound:
    """At or above the spectral norm of what rounding adds to the unrolled matrix: zero unless two taps of a window read one position."""
    ordered = windows.sort(-1).values
    if not bool(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any()):
        return Bound(0.0, Side.EXACT, Measured("no entry is a sum"))
    sums = norm_upper(float(torch.linalg.vector_norm(convolution.grouped.abs().sum(-1))), convolution.kernel.numel())
    taps = math.prod(convolution.taps)
    most = Bound(sums, Side.UPPER, Measured("sum of the moduli of the taps")) * float(taps)
    return most * gamma(taps) * float(len(windows)) + 2.0**-1000


class Map:
    """The convolution of one group as a map and its transpose, in float64 products."""

    def __init__(self, kernel: Tensor, windows: Tensor, places: int) -> None:
        self._kernel = kernel
        self._places = places
        self._gather = torch.where(windows < 0, places, windows)

    def forward(self, signal: Tensor) -> Tensor:
        """The image [outputs, positions] of a signal [inputs, places]."""
        padded = torch.cat((signal, signal.new_zeros(len(signal), 1)), 1)
        columns = padded[:, self._gather]  # [inputs, positions, taps]
        return torch.einsum("oit,ipt->op", self._kernel, columns)

    def backward(self, image: Tensor) -> Tensor:
        """The transpose applied to an image."""
        columns = torch.einsum("oit,op->ipt", self._kernel, image)
        signal = image.new_zeros(self._kernel.shape[1], self._places + 1)
        signal.index_add_(1, self._gather.reshape(-1), columns.reshape(len(signal), -1))
        return signal[:, :-1]

    def attained(self) -> Bound:
        """A lower bound on the norm: the image of the best vector that a short Lanczos run finds, with its rounding taken off."""
        signal = self._dominant()
        image = self.forward(signal)
        inputs, taps = self._kernel.shape[1:]
        flat = norm_upper(float(torch.linalg.vector_norm(self._kernel)), self._kernel.numel())
        counts = torch.bincount(self._gather.reshape(-1), minlength=self._places + 1)[:-1]
        most = Bound(float(counts.max()), Side.EXACT, Measured("windows that hold one input position")).sqrt().value
        return attained_by(image, signal, terms=inputs * taps, absolute=flat * most * (1 + 2.0**-50))

    def _dominant(self) -> Tensor:
        heaviest = int(torch.linalg.vector_norm(self._kernel, dim=(1, 2)).argmax())
        start = self._kernel.new_zeros(self._kernel.shape[0], len(self._gather))
        start[heaviest] = 1.0
        start[heaviest, len(self._gather) // 2] = 2.0
        basis = [_unit(self.backward(start))]
        alphas, betas = [], []
        for _ in range(_LANCZOS_STEPS):
            image = self.backward(self.forward(basis[-1]))
            alphas.append(float((image * basis[-1]).sum()))
            for _ in range(2):
                for vector in basis:
                    image = image - (vector * image).sum() * vector
            length = float(torch.linalg.vector_norm(image))
            if length <= 1e-13 * alphas[0] or len(basis) == basis[0].numel():
                break
            betas.append(length)
            basis.append(image / length)
        size = len(alphas)
        coefficients = torch.diag(self._kernel.new_tensor(alphas))
        off = self._kernel.new_tensor(betas[: size - 1])
        coefficients = coefficients + torch.diag(off, 1) + torch.diag(off, -1)
        weights = torch.linalg.eigh(coefficients)[1][:, -1]
        combined: Tensor = torch.tensordot(weights, torch.stack(basis[:size]), dims=1)
        return combined


def _unit(signal: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(signal)
    return signal / length.clamp_min(2.0**-500)
