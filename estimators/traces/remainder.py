"""Gaussian probes of A, or of what explicit vectors have not seen of it: quadratic forms and lengths of images, enclosed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from certify.bounds.rounding import gamma

from ..products import Accuracy, Products, accuracy
from ..progress import progress
from ..spectrum.ritz import Ritz
from .magnitude import LEAST, check_magnitude
from .probes import check_probes

_SAFE = 1.01


@dataclass(frozen=True)
class Remainder:
    """Means over m probes w of law N(0, I), with Q the projector on the complement of the vectors (the identity if there are none).

    ``lower`` <= mean of w . QAQ w <= ``upper``, but for ``slip``² |A| on the upper side, and on both for an indefinite A;
    ``length`` is at least the root of the mean of |QAQ w|² less ``slip`` |QA|, ``shortest`` at most it plus that;
    ``slip`` is the root of the mean square of what rounding puts between Q w and the vector that was multiplied.
    """

    lower: float
    upper: float
    shortest: float
    length: float
    slip: float
    probes: int
    accuracy: Accuracy


def remainder(asked: Products, vectors: Ritz | None, probes: int, generator: torch.Generator | None) -> Remainder:
    """Draw the probes now, after the vectors, and multiply: one product a probe, and one to measure the accuracy if no vectors did."""
    check_probes(probes)
    forms, lengths, slips, kept_lengths, image_lengths = [], [], [], [], []
    first: tuple[torch.Tensor, torch.Tensor] | None = None
    for _ in progress(range(probes), "probes", probes):
        probe = asked.gaussian(1, generator)[:, 0]
        kept, slip = (probe, 0.0) if vectors is None else _projected(vectors, probe)
        image = asked(kept)
        check_magnitude(image, least=0.0 if vectors is not None or first else LEAST)  # small beside the vectors is no harm
        first = first or (kept, image)
        long, image = kept.double(), image.double()
        inner, outer = float(long @ image), image
        spread = gamma(len(long) + 4) * float(long.abs() @ image.abs())
        leak = 0.0
        if vectors is not None:
            basis = vectors.basis.double()
            along = basis.T @ image
            outer = image - basis @ along
            leak = 2 * vectors.skew * (1 + vectors.skew) / (1 - vectors.skew) * float(torch.linalg.vector_norm(along))
        slips.append(slip)
        kept_lengths.append(_SAFE * float(torch.linalg.vector_norm(long)))
        image_lengths.append(_SAFE * float(torch.linalg.vector_norm(image)))
        forms.append((inner, _SAFE * (spread + 2 * slip * image_lengths[-1])))
        lengths.append(
            (float(torch.linalg.vector_norm(outer)), leak + 8 * gamma(8 + (vectors.count if vectors else 0)) * image_lengths[-1])
        )
    assert first is not None
    known = vectors.accuracy if vectors is not None else accuracy(asked, *first)
    missed = [known.absolute * length for length in kept_lengths]
    spreads = [spread + length * off for (_, spread), length, off in zip(forms, kept_lengths, missed, strict=True)]
    middle = math.fsum(form for form, _ in forms) / probes
    apart = _SAFE * math.fsum(spreads) / probes + 4e-16 * abs(middle)
    return Remainder(
        lower=middle - apart,
        upper=middle + apart,
        shortest=_root(max(0.0, length * (1 - 1e-12) - leak - off) for (length, leak), off in zip(lengths, missed, strict=True))
        * (1 - 1e-12),
        length=_root(length * (1 + 1e-12) + leak + _SAFE * off for (length, leak), off in zip(lengths, missed, strict=True))
        * (1 + 1e-12),
        slip=_root(slips) * (1 + 1e-12),
        probes=probes,
        accuracy=known,
    )


def _projected(vectors: Ritz, probe: torch.Tensor) -> tuple[torch.Tensor, float]:
    """The probe less its part along the vectors, twice; and a bound on its distance to the exact projection.

    Q w = Q (kept + what was rounded off), and kept - Q kept = Y (Y'Y)^-1 Y' kept, whose norm is at most that of Y' kept over
    the least singular value of Y, which is measured.
    """
    basis = vectors.basis
    kept = probe - basis @ (basis.T @ probe)
    kept = kept - basis @ (basis.T @ kept)
    along = torch.linalg.vector_norm(basis.double().T @ kept.double())
    roundoff = torch.finfo(probe.dtype).eps / 2
    rounded = roundoff * (2 + 4 * (1 + vectors.count)) * float(torch.linalg.vector_norm(probe.double()))
    return kept, _SAFE * (float(along) / math.sqrt(1 - vectors.skew) * (1 + gamma(len(probe) + 4)) + rounded)


def _root(values: Iterable[float]) -> float:
    squares = [value**2 for value in values]
    return math.sqrt(math.fsum(squares) / len(squares))
