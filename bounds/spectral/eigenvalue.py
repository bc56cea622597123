"""Estimates of the largest eigenvalue of Gram matrices: they say where to look, and prove nothing."""

from __future__ import annotations

import torch
from torch import Tensor

_DENSE = 600
_STEPS = 4
_MOST_RESTARTS, _LARGER = 40, 160  # and the subspace where these have not sufficed: the largest eigenvalues lie close together


def rayleigh_quotients(grams: Tensor) -> Tensor:
    """For each Gram matrix of a batch a number at or below its largest eigenvalue, up to rounding, by a few power steps.

    >>> rayleigh_quotients(torch.eye(2, dtype=torch.float64)[None]).item()
    1.0
    """
    size = grams.shape[-1]
    if size <= 1:
        return grams.diagonal(dim1=-2, dim2=-1).sum(-1)
    column = grams.diagonal(dim1=-2, dim2=-1).argmax(-1)  # the power step of the unit vector with the longest image
    vectors = grams.gather(-1, column[:, None, None].expand(-1, size, 1))
    for _ in range(_STEPS):
        vectors = grams @ (vectors / _length(vectors))
    vectors = vectors / _length(vectors)
    return torch.sum(vectors * (grams @ vectors), (-2, -1))


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-2, keepdim=True)
    return length.clamp_min(torch.finfo(vectors.dtype).tiny)


def largest_of_gram(gram: Tensor) -> tuple[float, Tensor]:
    """The largest eigenvalue of one symmetric matrix and its eigenvector, computed: an estimate.

    >>> value, vector = largest_of_gram(torch.diag(torch.tensor([1.0, 4.0], dtype=torch.float64)))
    >>> value, abs(vector[1].item())
    (4.0, 1.0)
    """
    if len(gram) <= _DENSE:
        values, vectors = torch.linalg.eigh(gram)
        return float(values[-1]), vectors[:, -1]
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    start = gram[:, int(gram.diagonal().argmax())] + gram.diagonal()
    if not bool(start.any()):
        return 0.0, torch.ones_like(start)
    try:
        values, vectors = eigsh(gram.numpy(), k=1, which="LA", v0=start.numpy(), tol=1e-13, maxiter=_MOST_RESTARTS)
    except ArpackNoConvergence:
        values, vectors = eigsh(gram.numpy(), k=1, which="LA", v0=start.numpy(), tol=1e-6, ncv=_LARGER)
    return float(values[0]), torch.from_numpy(vectors[:, 0])
