"""The spectral norm of a convolution with its padding, stride, dilation and groups, at one input size or at every one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

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
from .result import Charge, SpectralNorm, nothing_below
from .symbol import Symbols, spreads
from .unrolled import Map, summing_error, unrolled

Route = Literal["matrix", "symbol"]
_SMALL, _MOST = 1024, 4096  # unknowns of the matrix route: taken unasked, and at most
_MOST_ENTRIES = 1 << 25  # of a matrix
_MOST_READ = 1 << 22  # numbers in the windows of an example
_MOST_WORK = 2e12  # floating-point operations: a minute or two
_GRIDS_PER_STEP = (16, 8, 4, 2)
_SIZE_OF_EXAMPLE = 24
_NOTHING = Bound(0.0, Side.EXACT, Enclosed("a norm is nonnegative"))


def convolution_norm(
    convolution: Convolution, size: tuple[int, ...] | None, *, route: Route | None = None, outputs: tuple[int, ...] | None = None
) -> SpectralNorm:
    """The spectral norm of the convolution of inputs of spatial ``size``, or of any size for ``None`` (zero padding only).

    ``route`` chooses the proof: ``matrix`` unrolls the whole map (tight, up to 4096 unknowns), ``symbol`` goes by frequencies: tight for
    circular padding, above the norm by some per cent for zero padding. By default the matrix up to 1024 unknowns, and up to 4096 for
    what has no symbol (reflected or repeated padding; circular padding where stride and size disagree). Beyond, those have the norm of the
    padding as a factor, up to 2 in two dimensions for a padding of one. ``outputs`` keeps the first output positions only. Raises
    :class:`~certify.bounds.spectral.dense.NotALinearMap` where no route leads or the work would take more than minutes, and ``ValueError``
    for another route.

    Theorem: ``convolution.circular`` (upper symbol).
    Theorem: ``norm.compression`` (upper norm).
    Theorem: ``convolution.torus`` (upper symbol; lower cosine).
    Theorem: ``norm.cholesky`` (upper scale, rounding).

    >>> kernel = torch.ones(1, 1, 3, 3, dtype=torch.float64) / 2
    >>> norm = convolution_norm(Convolution(kernel, (1, 1), ((1, 1), (1, 1)), (1, 1)), (8, 8))
    >>> abs(norm.upper.value / ((1 + 2 * math.cos(math.pi / 9)) ** 2 / 2) - 1) < 1e-9
    True
    """
    if route is not None and route not in get_args(Route):
        raise ValueError(f"the route of a convolution is one of {', '.join(get_args(Route))}, not {route!r}")
    if size is not None:
        given = convolution.output_size(size)
        if min(given) < 1 or min(size) < 1:
            raise NotALinearMap(f"an input of size {size} is smaller than the kernel: the convolution has no output")
        convolution.check_padding(size)
    if not bool(convolution.kernel.any()):
        return zero_norm()
    if size is None:
        return _any_size(convolution)
    outputs = outputs or given
    rows, columns = convolution.grouped.shape[1] * math.prod(outputs), convolution.grouped.shape[2] * math.prod(size)
    unknowns = min(rows, columns)
    by_symbol = _has_symbol(convolution, size, outputs)
    if route is None:
        most = (0 if _is_whole(convolution, size, outputs) else _SMALL) if by_symbol else _MOST
        route = "matrix" if convolution.groups * unknowns**3 <= most**3 and rows * columns <= _MOST_ENTRIES else "symbol"
    elif route == "matrix" and (unknowns > _MOST or rows * columns > _MOST_ENTRIES):
        raise NotALinearMap(
            f"the convolution is a matrix of {rows:,} by {columns:,} a group: the matrix route takes {_MOST:,} unknowns and "
            f"{_MOST_ENTRIES:,} entries"
        )
    if route == "matrix":
        return _by_matrix(convolution, size, outputs)
    if by_symbol:
        return _by_symbol(convolution, size, outputs)
    return _padded_before(convolution, size, outputs)


def _has_symbol(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> bool:
    if convolution.mode == "zeros":
        return True
    return convolution.mode == "circular" and all(
        length % stride == 0 and places <= length // stride
        for length, stride, places in zip(size, convolution.stride, outputs, strict=True)
    )


def _is_whole(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> bool:
    """Whether the convolution is a circular one with all its outputs, whose norm the symbols give exactly."""
    return convolution.mode == "circular" and all(
        length == stride * places for length, stride, places in zip(size, convolution.stride, outputs, strict=True)
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
    """By the frequencies of the period of the input, or, for zero padding, of one that leaves room for the padding.

    A zero-padded convolution is the circular one of any period of the size and the padding of one side, or more, along every axis, in the
    columns of the input; a row that is not there twice over, in a window that lies beyond the period, reads zeros alone.

    Theorem: ``convolution.circular`` (upper symbol).
    Theorem: ``norm.compression`` (upper norm).
    """
    circular = convolution.mode == "circular"
    periods = tuple(
        -(-(length + (0 if circular else max(0, *pair))) // step)
        for length, pair, step in zip(size, convolution.padding, convolution.stride, strict=True)
    )
    symbols = Symbols.of(convolution, periods)
    every = symbols.within(_MOST_WORK)
    found = _on_grid(convolution, symbols) if every else _on_torus(convolution)
    upper = derive("convolution.circular", symbol=found.upper)
    if every and _is_whole(convolution, size, outputs):
        lower = _less(attained(found.proved.block, found.proved.vector), *found.errors)
    else:
        lower = _by_map(convolution, found.proved.number, size, outputs)
    if circular:
        return SpectralNorm(upper, lower, found.words, found.charges)
    return SpectralNorm(
        derive("norm.compression", norm=upper),
        lower,
        f"{found.words}, of a circular convolution of which this is a part",
        found.charges,
    )


def _any_size(convolution: Convolution) -> SpectralNorm:
    """The supremum over all input sizes, by a grid on the torus; what a small input attains is below it.

    Theorem: ``convolution.torus`` (upper symbol; lower cosine).
    """
    if convolution.mode != "zeros":
        raise NotALinearMap(
            f"the norm with {convolution.mode} padding depends on the input size: pass input_shape=(channels, height, width)"
        )
    found = _on_torus(convolution)
    size = tuple(max(_SIZE_OF_EXAMPLE, reach) for reach in _reach(convolution))
    lower = _by_map(convolution, found.proved.number, size, convolution.output_size(size))
    return SpectralNorm(found.upper, lower, f"{found.words}, at every input size", found.charges)


@dataclass(frozen=True)
class _Found:
    """The greatest norm of some symbols, from above; what proved it, what it counts for errors, and what it holds beyond the computed norm."""

    upper: Bound
    proved: Proved
    errors: tuple[Bound, Bound]
    words: str
    charges: tuple[Charge, ...]


def _on_grid(convolution: Convolution, symbols: Symbols) -> _Found:
    proved, error, folding = cholesky_norm(symbols), symbols.error(), _folding(convolution)
    charges = (*proved.ledger, *_charges((error, "rounding of the symbols"), (folding, "rounding of the folded kernel")))
    words = f"Cholesky factors of the symbols at {_times(symbols.points)} frequencies"
    return _Found(proved.norm + error + folding, proved, (error, folding), words, charges)


def _on_torus(convolution: Convolution) -> _Found:
    """The greatest norm of the symbol at all frequencies, by the finest grid that does not take too long.

    Theorem: ``convolution.torus`` (upper symbol; lower cosine).
    """
    alike = convolution.undilated()
    moved = sum(spreads(alike))
    grids = (Symbols.of(alike, (max(per_step * moved, 1),) * len(alike.taps)) for per_step in _GRIDS_PER_STEP)
    symbols = next((grid for grid in grids if grid.within(_MOST_WORK)), None)
    if symbols is None:
        raise NotALinearMap(
            f"the symbols of a convolution with a kernel of {_times(tuple(convolution.kernel.shape))} would take too long: give a smaller "
            "input_shape, or bound it in parts, some channels each, with stacked_norm"
        )
    with precision(90):
        angle = fmpq(moved, 2 * max(symbols.points))
        cosine = Bound(lower_double(arb.cos_pi_fmpq(angle)), Side.LOWER, Enclosed("cosine"))
    found = _on_grid(convolution, symbols)
    upper = derive("convolution.torus", symbol=found.upper, cosine=cosine)
    between = Charge("between the points of the grid", upper.value - found.upper.value)
    return replace(found, upper=upper, words=f"{found.words} on a grid of all", charges=(*found.charges, between))


def _padded_before(convolution: Convolution, size: tuple[int, ...], outputs: tuple[int, ...]) -> SpectralNorm:
    """Reflected, repeated or wrapped padding as a map of its own, whose norm is the root of the most copies of one position.

    Theorem: ``norm.product`` (upper left, right).
    """
    counts = torch.bincount(convolution.padded_positions(size).reshape(-1))
    copies = Bound(float(counts.max()), Side.EXACT, Measured("copies of one input position")).sqrt()
    padded = tuple(length + left + right for length, (left, right) in zip(size, convolution.padding, strict=True))
    inner = convolution_norm(convolution.unpadded(), padded, outputs=outputs)
    upper = derive("norm.product", left=inner.upper, right=copies)
    heaviest = int(torch.linalg.vector_norm(convolution.grouped, dim=(1, 2, 3)).argmax())
    lower = _by_map(convolution, heaviest, size, outputs)
    words = f"{inner.proof}; times the norm of the padding"
    return SpectralNorm(upper, lower, words, (*inner.ledger, Charge("norm of the padding", upper.value - inner.upper.value)))


def _by_map(convolution: Convolution, number: int, size: tuple[int, ...], outputs: tuple[int, ...]) -> Bound:
    """What the group of the symbol with the ``number`` attains: symbols come frequency by frequency, each with all groups.

    With zero padding a smaller input does, where the whole has too many windows: its map is a part of the larger one's.
    """
    kernel = convolution.grouped[number % convolution.groups]
    places = list(outputs)
    while math.prod(places) * kernel.shape[1] * kernel.shape[2] > _MOST_READ:
        longest = max(range(len(size)), key=lambda axis: size[axis] - _reach(convolution)[axis])
        if convolution.mode != "zeros" or size[longest] <= _reach(convolution)[longest]:
            return nothing_below()
        halved = max(size[longest] // 2, _reach(convolution)[longest])
        size = (*size[:longest], halved, *size[longest + 1 :])
        places = [min(pair) for pair in zip(outputs, convolution.output_size(size), strict=True)]
    windows = convolution.windows(size, tuple(places))
    return _less(Map(kernel, windows, math.prod(size)).attained(), _folding(convolution, windows))


def _folding(convolution: Convolution, windows: Tensor | None = None) -> Bound:
    """At or above the norm of the convolution whose kernel is what folding may have rounded off; without windows, where each tap reads a
    position in one window at most.

    Theorem: ``convolution.reshaped`` (upper kernel, overlap).
    """
    if convolution.relative_error == 0.0:
        return _NOTHING
    sums = norm_upper(float(torch.linalg.vector_norm(convolution.kernel)), convolution.kernel.numel())
    kernel = Bound(sums, Side.UPPER, Measured("Frobenius norm of the kernel")) * convolution.relative_error
    reads = convolution.overlap() if windows is None else int(torch.bincount(windows[windows >= 0], minlength=1).max())
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
