"""Pairs of linear Gaussian chains, for which the Gaussian parameter of the last iterate is known, and the plan that bounds it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy


@dataclass(frozen=True)
class Chain:
    """X' = A_t X + b_t + N(0, noise² I) beside X' = A_t X + N(0, noise² I): the two differ in the start and in the offsets b_t."""

    start: numpy.ndarray
    maps: Sequence[numpy.ndarray]
    offsets: Sequence[numpy.ndarray]
    noise: float

    @property
    def contractions(self) -> list[float]:
        return [float(numpy.linalg.norm(matrix, 2)) for matrix in self.maps]

    @property
    def differences(self) -> list[float]:
        return [float(numpy.linalg.norm(offset)) for offset in self.offsets]

    def parameter(self) -> float:
        """The least mu for which the laws of the two last iterates are mu-GDP: the distance of their means in the metric of the covariance."""
        mean, covariance = self.start, numpy.zeros((self.start.size, self.start.size))
        for matrix, offset in zip(self.maps, self.offsets, strict=True):
            mean = matrix @ mean + offset
            covariance = matrix @ covariance @ matrix.T + self.noise**2 * numpy.eye(self.start.size)
        return float(math.sqrt(mean @ numpy.linalg.solve(covariance, mean)))


@dataclass(frozen=True)
class Path:
    """What a plan of moves does: the distance of X and Y after every number of steps, and the lengths of the moves."""

    gaps: list[float]
    moves: list[float]


def followed(chain: Chain, plan: Sequence[float], contraction: float | None = None, difference: float | None = None) -> Path:
    """Y takes in each step the share of its way to X that makes the planned move where the way is longest, or all of it."""
    apart = chain.start
    gaps, moves = [float(numpy.linalg.norm(apart))], []
    for t, shift in enumerate(plan):
        way = chain.maps[t] @ apart + chain.offsets[t]
        longest = (chain.contractions[t] if contraction is None else contraction) * gaps[-1]
        longest += chain.differences[t] if difference is None else difference
        share = 1.0 if longest <= shift else shift / longest
        apart = (1 - share) * way
        moves.append(share * float(numpy.linalg.norm(way)))
        gaps.append(float(numpy.linalg.norm(apart)))
    return Path(gaps, moves)
