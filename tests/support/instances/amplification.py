"""Instances of privacy amplification by iteration: linear Gaussian chains, whose last iterates have known laws."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
from chains import Chain, Path, followed

from .shared import Instance, Values, norm, over, under


def turn(generator: numpy.random.Generator, dimension: int) -> numpy.ndarray:
    return numpy.linalg.qr(generator.normal(size=(dimension, dimension)))[0]


def chain(generator: numpy.random.Generator, contraction: float, difference: float, count: int) -> Chain:
    """Turns times the contraction, or matrices of smaller norm; offsets along the mean, or at random."""
    dimension = int(generator.integers(1, 4))
    start = generator.normal(size=dimension) * 10 ** generator.uniform(-1, 1)
    aligned, mean = generator.random() < 0.6, start
    maps, offsets = [], []
    for _ in range(count):
        matrix = contraction * turn(generator, dimension)
        if not aligned:
            matrix = matrix * generator.uniform(0, 1, size=dimension)
        along = matrix @ mean if aligned else generator.normal(size=dimension)
        offset = difference * along / norm(along)
        maps.append(matrix)
        offsets.append(offset)
        mean = matrix @ mean + offset
    return Chain(start, maps, offsets, 10 ** generator.uniform(-1, 1))


def at(name: str, sequence: Sequence[float], t: int) -> Values:
    """The four values of a sequence that a proof speaks of."""
    return {name: sequence[t], f"{name}_next": sequence[t + 1], f"{name}_first": sequence[0], f"{name}_last": sequence[-1]}


def sums(ratio: float, count: int) -> list[float]:
    """The sums of ratio^k over k from 1 to t, for every t up to the count."""
    return [float(total) for total in numpy.cumsum([0.0, *(ratio**k for k in range(1, count + 1))])]


def iterated(generator: numpy.random.Generator, contraction: float, difference: float) -> tuple[Values, Chain, Path, int]:
    """A chain, the optimal plan for the numbers that a caller might give, and what it does at a step drawn at random."""
    count = int(generator.integers(1, 7))
    laws = chain(generator, contraction, difference, count)
    given, apart = over(generator, contraction) if contraction < 0.6 else contraction, over(generator, difference)
    gap, squares, powers = over(generator, norm(laws.start)), sums(given**-2, count), sums(1 / given, count)
    h = (gap + apart * powers[-1]) / squares[-1]
    path = followed(laws, [h / given ** (t + 1) for t in range(count)], given, apart)
    t = int(generator.integers(count))
    values = {
        "gap": gap, "contraction": given, "difference": apart, "sigma": under(generator, laws.noise), "squares": under(generator, squares[-1]),
        "powers": over(generator, powers[-1]), "h": h, "w": squares[-1], "a": powers[-1], "k": 0.0,
        **at("p", [given**k for k in range(count + 1)], t), **at("q", squares, t), **at("r", powers, t), **at("z", path.gaps, t),
    }  # fmt: skip
    return values, laws, path, t


def spending(path: Path, noise: float, t: int) -> Values:
    """Gaussian parameters of the moves and of the path."""
    moves = [move / noise for move in path.moves]
    spent = [math.sqrt(total) for total in numpy.cumsum([0.0, *(move**2 for move in moves)])]
    return {**at("m", spent, t), **at("e", [*moves, 0.0], t)}


def gaussian(generator: numpy.random.Generator) -> Values:
    values, laws, path, t = iterated(generator, generator.choice([0.5, 0.9, 1.0, 1.3]), 0.0)
    return {**values, **spending(path, laws.noise, t), "mu": laws.parameter()}


def renyi(generator: numpy.random.Generator) -> Values:
    values, laws, path, t = iterated(generator, generator.choice([0.5, 0.9, 1.0, 1.3]), 0.0)
    order = 1 + 10 ** generator.uniform(-1, 1)
    moves = [order * (move / laws.noise) ** 2 / 2 for move in path.moves]
    spent = [float(total) for total in numpy.cumsum([0.0, *moves])]
    return {**values, "order": order, **at("m", spent, t), **at("e", [*moves, 0.0], t), "v": order * laws.parameter() ** 2 / 2}


def differing_maps(generator: numpy.random.Generator) -> Values:
    values, laws, path, t = iterated(
        generator, generator.choice([0.5, 0.9, 1.0]), 10 ** generator.uniform(-2, 1) * generator.choice([0, 1, 1])
    )
    return {**values, **spending(path, laws.noise, t), "mu": laws.parameter()}


def squares(generator: numpy.random.Generator) -> Values:
    contraction, count = generator.uniform(0.5, 0.99), int(generator.integers(1, 7))
    t, total = int(generator.integers(count)), sums(contraction**-2, count)
    return {
        "contraction": contraction, "growth": under(generator, contraction ** (-2 * count) - 1), "w": total[-1],
        **at("p", [contraction**k for k in range(count + 1)], t), **at("q", total, t),
    }  # fmt: skip


def contracting(generator: numpy.random.Generator) -> Values:
    contraction, count = generator.uniform(0.5, 0.99), int(generator.integers(1, 30))
    laws = chain(generator, contraction, 0.0, count)
    return {
        "gap": over(generator, norm(laws.start)), "contraction": contraction, "sigma": under(generator, laws.noise),
        "growth": under(generator, contraction ** (-2 * count) - 1), "mu": laws.parameter(), "w": sums(contraction**-2, count)[-1],
    }  # fmt: skip


def non_expansive(generator: numpy.random.Generator) -> Values:
    count = int(generator.integers(1, 30))
    laws = chain(generator, 1.0, 0.0, count)
    return {
        "gap": over(generator, norm(laws.start)), "sigma": under(generator, laws.noise), "steps": count, "mu": laws.parameter(), "w": count,
    }  # fmt: skip


def one_step(generator: numpy.random.Generator) -> tuple[Chain, Values]:
    contraction, difference = generator.uniform(0, 2), generator.uniform(0, 2) * generator.choice([0, 1])
    laws = chain(generator, contraction, difference, 1)
    return laws, {
        "gap": over(generator, norm(laws.start)), "contraction": over(generator, contraction), "difference": over(generator, difference),
        "d": norm(laws.start), "x": norm(laws.maps[0] @ laws.start + laws.offsets[0]),
    }  # fmt: skip


def gap_after(generator: numpy.random.Generator) -> Values:
    _, values = one_step(generator)
    longest = values["contraction"] * values["gap"] + values["difference"]
    shift = longest * generator.choice([0.0, generator.uniform(0, 1), 1.5])
    share = 1.0 if longest <= shift else shift / longest
    return {**values, "shift": shift, "f": share, "y": (1 - share) * values["x"]}


def spent_after(generator: numpy.random.Generator) -> Values:
    spent, v, s = 10 ** generator.uniform(-2, 1, size=3) * [1, generator.choice([0, 1]), 1]
    return {
        "spent": over(generator, spent), "shift": over(generator, v), "sigma": under(generator, s),
        "mu": math.hypot(spent, v / s), "e": v / s, "s": s, "v": v,
    }  # fmt: skip


def release(generator: numpy.random.Generator) -> Values:
    """All steps of a chain but the last by the optimal plan or by a random one, then the whole way."""
    values, laws, path, _ = iterated(generator, generator.choice([0.5, 0.9, 1.0, 1.3]), 0.0)
    if generator.random() < 0.5:
        path = followed(laws, [generator.uniform(0, 2) * move for move in path.moves])
    spent = math.sqrt(sum((move / laws.noise) ** 2 for move in path.moves[:-1]))
    contraction, d = laws.contractions[-1], path.gaps[-2]
    e = contraction * d / laws.noise
    return {
        "spent": over(generator, spent), "gap": over(generator, d), "contraction": over(generator, contraction),
        "difference": generator.choice([0.0, 0.1]), "sigma": values["sigma"], "v": laws.parameter(), "mu": math.hypot(spent, e), "e": e,
        "s": laws.noise, "d": d, "x": contraction * d,
    }  # fmt: skip


def divergence(generator: numpy.random.Generator) -> Values:
    """Two Gaussian laws of which only the cell of a grid is seen: mu-GDP by the distance of the means."""
    mu, order, width = 10 ** generator.uniform(-1, 0.3), 1 + 10 ** generator.uniform(-1, 0.5), 10 ** generator.uniform(-2, 0.5)
    edges = numpy.arange(-9.0, 9.0 + mu + width, width)
    above = numpy.vectorize(lambda x: math.erfc(x / math.sqrt(2)) / 2)
    p, q = (above(edges[:-1] - mean) - above(edges[1:] - mean) for mean in (mu, 0.0))
    seen = q > 0
    v = math.log(float((p[seen] ** order * q[seen] ** (1 - order)).sum())) / (order - 1)
    return {"order": order, "mu": over(generator, mu), "v": v, "e": order * mu**2 / 2}


INSTANCES: dict[str, Instance] = {
    "amplification.gap": gap_after,
    "amplification.spent": spent_after,
    "amplification.release": release,
    "amplification.gaussian": gaussian,
    "amplification.squares": squares,
    "amplification.contracting": contracting,
    "amplification.non-expansive": non_expansive,
    "amplification.renyi": renyi,
    "amplification.divergence": divergence,
    "amplification.differing-maps": differing_maps,
}
TIGHT = {
    "amplification.gap": 0.9999,
    "amplification.spent": 0.9999,
    "amplification.release": 0.99,
    "amplification.gaussian": 0.9999,
    "amplification.squares": 0.9999,
    "amplification.contracting": 0.9999,
    "amplification.non-expansive": 0.9999,
    "amplification.renyi": 0.9999,
    "amplification.divergence": 0.99,
    "amplification.differing-maps": 0.9999,
}
