"""The spectral norm of a convolution with its padding, stride, dilation and groups, at one input size or at every one."""

from __future__ import annotations

import math
from typing import Literal

import torch
from flint import arb, fmpq
from torch import Tensor

from certify.proofs.balls import lower_double, precision
from certify.proofs.sides import Side

from ..bound import Bound
from ..derive import derive
from ..evidence import Combined, Enclosed, Measured
from ..rounding import norm_upper
from .attained import attained
from .cholesky import Proved, cholesky_norm
from .convolution_data import Convolution
from .dense import NotALinearMap, zero_norm
from .result import Charge, SpectralNorm
from .symbol import Symbols, spreads
from .unrolled import Map, summing_error, unrolled

Route = Literal["matrix", "symbol"]
_SMALL, _MOST = 1024, 4096  # unknowns of the matrix route: taken unasked, and at most
_GRID_PER_STEP = 16
_SIZE_OF_EXAMPLE = 24
_NOTHING = Bound(0.0, Side.EXACT, Enclosed("a norm is nonnegative"))


def convolution_norm(
    convolution: Convolution, size: tuple[int, ...] | None, *, route: Route | None = None, outputs: tuple[int, ...] | None = None
) -> SpectralNorm:
    """The spectral norm of the convolution of inputs of spatial ``size``, or of any size for ``None`` (zero padding only).

    ``route`` chooses the proof: ``matrix`` unrolls the whole map (tight, up to 4096 unknowns), ``symbol`` goes by frequencies: tight for
    circular padding, above the norm by some per cent for zero padding. By default the matrix up to 1024 unknowns and for what has no
    symbol. ``outputs`` keeps the first output positions only. Raises
    :class:`~certify.bounds.spectral.dense.NotALinearMap` where no route leads.

    Theorem: ``convolution.circular`` (upper symbol).
    Theorem: ``convolution.zero-padding`` (upper symbol, size, padding; lower grid).
    Theorem: ``convolution.torus`` (upper symbol; lower cosine).
    Theorem: ``norm.cholesky`` (upper scale, rounding).

    >>> kernel = torch.ones(1, 1, 3, 3, dtype=torch.float64) / 2
    >>> norm = convolution_norm(Convolution(kernel, (1, 1), ((1, 1), (1, 1)), (1, 1)), (8, 8))
    >>> abs(norm.upper.value / ((1 + 2 * math.cos(math.pi / 9)) ** 2 / 2) - 1) < 1e-9
    True
    """
    if not bool(convolution.kernel.any()):
        return zero_norm()
    if size is None:
        return _any_size(convolution)
    given = convolution.output_size(size)
    if min(given) < 1 or min(size) < 1:
        raise NotALinearMap(f"an input of size {size} is smaller than the kernel: the convolution has no output")
    outputs = outputs or given
    kernel = convolution.grouped
    unknowns = min(kernel.shape[1] * math.prod(outputs), kernel.shape[2] * math.prod(size))
    by_symbol = _has_symbol(convolution, size, outputs)
    if route is None:
        circular = by_symbol and convolution.mode == "circular"
        route = "matrix" if convolution.groups * unknowns**3 <= _SMALL**3 and not circular else "symbol"
    if route == "matrix" and unknowns > _MOST:
        raise NotALinearMap(f"the convolution has {unknowns:,} unknowns a group: the matrix route takes {_MOST:,}")
    if route == "matrix":
        return _by_matrix(convolution, size, outputs)
    if by_symbol:
        return _by_symbol(convolution, size, outputs)
    if unknowns <= _MOST and convolution.mode == "circular":
        return _by_matrix(convolution, size, outputs)
    return _padded_before(convolution, size, outputs)


def _has_symbol(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> bool:
    if convolution.mode == "zeros":
        return True
    return convolution.mode == "circular" and all(
        length % stride == 0 and places <= length // stride
        for length, stride, places in zip(size, convolution.stride, outputs, strict=True)
    )


def _by_matrix(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> SpectralNorm:
    windows = convolution.windows(size, outputs)
    summing, folding = summing_error(convolution, windows), _folding(convolution, windows)
    proved = cholesky_norm(unrolled(convolution, windows, math.prod(size)))
    upper = proved.norm + summing + folding
    lower = _less(attained(proved.block, proved.vector), summing, folding)
    ledger = (
        *proved.ledger,
        *_charges((summing, "sums of taps that read one position"), (folding, "rounding of the folded kernel")),
    )
    return SpectralNorm(upper, lower, "one Cholesky factor of the unrolled convolution", ledger)


def _by_symbol(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> SpectralNorm:
    """By the frequencies of the period of the input, or of one that leaves room for the padding.

    Theorem: ``convolution.circular`` (upper symbol).
    Theorem: ``convolution.zero-padding`` (upper symbol, size, padding; lower grid).
    """
    circular = convolution.mode == "circular"
    if circular:
        periods = size
    else:
        padding = max(width for pair in convolution.padding for width in pair)
        least = max(size) + padding
        step = math.lcm(*convolution.stride)
        periods = (-(-least // step) * step,) * len(size)
    symbols, proved, error = _greatest(convolution, tuple(n // s for n, s in zip(periods, convolution.stride, strict=True)))
    windows = convolution.windows(size, outputs)
    folding = _folding(convolution, windows)
    top = proved.norm + error + folding
    charges = (*proved.ledger, *_charges((error, "rounding of the symbols"), (folding, "rounding of the folded kernel")))
    if circular:
        full = all(n // s == places for n, s, places in zip(size, convolution.stride, outputs, strict=True))
        lower = (
            _less(attained(proved.block, proved.vector), error, folding)
            if full
            else _by_map(convolution, proved.number, windows, math.prod(size), folding)
        )
        words = f"Cholesky factors of the symbols at the frequencies of period {_times(symbols.points)}"
        return SpectralNorm(derive("convolution.circular", symbol=top), lower, words, charges)
    upper = derive(
        "convolution.zero-padding",
        symbol=top,
        grid=Bound(float(periods[0]), Side.EXACT, Enclosed("period chosen")),
        size=Bound(float(max(size)), Side.EXACT, Enclosed("input size")),
        padding=Bound(float(padding), Side.EXACT, Enclosed("zeros on one side")),
    )
    words = f"Cholesky factors of the symbols of the circular convolution of period {periods[0]}, of which this is a part"
    return SpectralNorm(upper, _by_map(convolution, proved.number, windows, math.prod(size), folding), words, charges)


def _any_size(convolution: Convolution) -> SpectralNorm:
    """The supremum over all input sizes, by a grid on the torus; what a small input attains is below it.

    Theorem: ``convolution.torus`` (upper symbol; lower cosine).
    """
    if convolution.mode != "zeros":
        raise NotALinearMap(
            f"the norm with {convolution.mode} padding depends on the input size: pass input_shape=(channels, height, width)"
        )
    moved = spreads(convolution)
    points = max(_GRID_PER_STEP * sum(moved), 1)
    with precision(90):
        half_angle = fmpq(sum(moved), 2 * points)
        cosine = Bound(lower_double(arb.cos_pi_fmpq(half_angle)), Side.LOWER, Enclosed("cosine"))
    symbols, proved, error = _greatest(convolution, (points,) * len(moved))
    folding = _folding(convolution, None)
    upper = derive("convolution.torus", symbol=proved.norm + error + folding, cosine=cosine)
    size = tuple(max(_SIZE_OF_EXAMPLE, reach) for reach in _reach(convolution))
    lower = _by_map(convolution, proved.number, convolution.windows(size), math.prod(size), folding)
    words = f"Cholesky factors of the symbols on a grid of {_times(symbols.points)} frequencies, at every input size"
    charges = (*proved.ledger, *_charges((error, "rounding of the symbols"), (folding, "rounding of the folded kernel")))
    return SpectralNorm(
        upper, lower, words, (*charges, Charge("between the points of the grid", upper.value - proved.norm.value))
    )


def _padded_before(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> SpectralNorm:
    """Reflected, repeated or wrapped padding as a map of its own, whose norm is the root of the most copies of one position.

    Theorem: ``norm.product`` (upper left, right).
    """
    counts = torch.bincount(convolution.padded_positions(size).reshape(-1))
    copies = Bound(float(counts.max()), Side.EXACT, Measured("copies of one input position")).sqrt()
    padded = tuple(length + left + right for length, (left, right) in zip(size, convolution.padding, strict=True))
    inner = convolution_norm(convolution.unpadded(), padded, outputs=outputs)
    upper = derive("norm.product", left=inner.upper, right=copies)
    windows = convolution.windows(size, outputs)
    heaviest = int(torch.linalg.vector_norm(convolution.grouped, dim=(1, 2, 3)).argmax())
    lower = _by_map(convolution, heaviest, windows, math.prod(size), _folding(convolution, windows))
    words = f"{inner.proof}; times the norm of the padding"
    return SpectralNorm(upper, lower, words, (*inner.ledger, Charge("norm of the padding", upper.value - inner.upper.value)))


def _greatest(convolution: Convolution, points: tuple[int, ...]) -> tuple[Symbols, Proved, Bound]:
    symbols = Symbols.of(convolution, points)
    return symbols, cholesky_norm(symbols), symbols.error()


def _by_map(convolution: Convolution, number: int, windows: Tensor, places: int, folding: Bound) -> Bound:
    """What the group of the symbol with the ``number`` attains: symbols come frequency by frequency, each with all groups."""
    return _less(Map(convolution.grouped[number % convolution.groups], windows, places).attained(), folding)


def _folding(convolution: Convolution, windows: Tensor | None) -> Bound:
    """At or above the norm of the convolution whose kernel is what folding may have rounded off; without windows, of zero padding at any size.

    Theorem: ``convolution.reshaped`` (upper kernel, overlap).
    """
    if convolution.relative_error == 0.0:
        return _NOTHING
    sums = norm_upper(float(torch.linalg.vector_norm(convolution.kernel)), convolution.kernel.numel())
    kernel = Bound(sums, Side.UPPER, Measured("Frobenius norm of the kernel")) * convolution.relative_error
    reads = convolution.overlap() if windows is None else int(torch.bincount(windows[windows >= 0]).max())
    overlap = Bound(float(reads), Side.EXACT, Measured("windows that hold one position"))
    return derive("convolution.reshaped", kernel=kernel + 2.0**-400, overlap=overlap)  # and what underflowed in the folding


def _less(lower: Bound, *errors: Bound) -> Bound:
    value = lower
    for error in errors:
        if error.value > 0:
            value = Bound(max((value - error).value, 0.0), Side.LOWER, Combined("less the rounding", (value, error)))
    return value


def _charges(*pairs: tuple[Bound, str]) -> tuple[Charge, ...]:
    return tuple(Charge(words, bound.value) for bound, words in pairs if bound.value > 0)


def _reach(convolution: Convolution) -> tuple[int, ...]:
    return tuple(dilation * (taps - 1) + 1 for dilation, taps in zip(convolution.dilation, convolution.taps, strict=True))


def _times(points: tuple[int, ...]) -> str:
    return " × ".join(str(count) for count in points)
