"""Symmetric matrices with known eigenvalues, and one that only multiplies: what tests of solves, spectra and traces run on."""

from __future__ import annotations

import torch

from certify.estimators.operators.matrix import Function


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rotated(values: torch.Tensor, seed: int) -> torch.Tensor:
    """A dense symmetric float64 matrix with these eigenvalues, in a random basis."""
    size = len(values)
    basis = torch.linalg.qr(torch.randn(size, size, generator=generator(seed), dtype=torch.float64)).Q
    matrix = (basis * values.double()) @ basis.T
    return (matrix + matrix.T) / 2


def outliers(size: int, *, negative: float = 0.0) -> torch.Tensor:
    """Eigenvalues like those of a trained network: a few that stand out, a small bulk, and a negative edge."""
    bulk = 0.05 * torch.linspace(0, 1, size, dtype=torch.float64) ** 3
    bulk[:6] = torch.tensor([4.0, 2.5, 2.0, 1.0, 0.6, 0.3])
    if negative:
        bulk[-size // 4 :] = -negative * torch.linspace(0, 1, len(bulk[-size // 4 :]), dtype=torch.float64)
    return bulk


SPECTRA = {
    "outliers": outliers(60),
    "indefinite": outliers(60, negative=0.4),
    "flat": torch.ones(60, dtype=torch.float64),
    "one": torch.cat([torch.tensor([1.0]), torch.zeros(59)]).double(),
    "uniform": torch.linspace(0, 1, 60, dtype=torch.float64),
    "below zero": -torch.linspace(0.5, 2, 60, dtype=torch.float64),
}


class Multiplied(Function):
    """A matrix behind its products, in a precision of choice: no code can look inside."""

    def __init__(self, matrix: torch.Tensor, dtype: torch.dtype = torch.float64, *, semidefinite: bool = False) -> None:
        held = matrix.to(dtype)
        super().__init__(
            lambda rows: rows @ held, len(matrix), dtype=dtype, device=held.device, symmetric="a test",
            positive_semidefinite="a test" if semidefinite else "",
        )  # fmt: skip
