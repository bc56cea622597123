"""Instances of the theorems of accounting: Gaussian releases, randomised response, sampled Gaussian noise by quadrature."""

from __future__ import annotations

from math import comb

import numpy
from scipy.integrate import quad
from scipy.special import ndtr

from .laws import best_event, gaussian_renyi, pair, renyi, response, slack, two_sided_slack
from .shared import Instance, Values, norm, over


def gaussian_many(generator: numpy.random.Generator) -> Values:
    """Independent coordinates of one Gaussian vector: the distance of the means of the first few is the parameter so far."""
    steps = 10 ** generator.uniform(-2, 1, size=int(generator.integers(1, 9)))
    now = int(generator.integers(steps.size))
    return {
        "square": over(generator, float(steps @ steps)), "v": norm(steps),
        "b": float(steps[now]), "b_next": float([*steps, 0.0][now + 1]), "b_first": float(steps[0]), "b_last": 0.0,
        "m": norm(steps[:now]), "m_next": norm(steps[: now + 1]), "m_first": 0.0, "m_last": norm(steps),
        "total": float(steps[:now] @ steps[:now]), "total_next": float(steps[: now + 1] @ steps[: now + 1]),
        "total_first": 0.0, "total_last": float(steps @ steps),
    }  # fmt: skip


def renyi_many(generator: numpy.random.Generator) -> Values:
    """Gaussian releases of different sizes, or all alike, and the number given exact or too large."""
    order, count = generator.uniform(1.1, 8), int(generator.integers(1, 8))
    shifts = 10 ** generator.uniform(-1, 0.5, size=count)
    if generator.random() < 0.5:
        shifts[:] = shifts[0]
    divergences, now = order * shifts**2 / 2, int(generator.integers(count))
    return {
        "count": count + int(generator.integers(2)), "divergence": over(generator, float(divergences.max())), "v": float(divergences.sum()),
        "gap": float(divergences[:now].sum()), "gap_next": float(divergences[: now + 1].sum()), "gap_first": 0.0,
        "gap_last": float(divergences.sum()), "j": now, "j_next": now + 1, "j_first": 0, "j_last": count,
    }  # fmt: skip


def gaussian_parameter_concentrated(generator: numpy.random.Generator) -> Values:
    """Two Gaussian laws, or what is left of them when outcomes are sorted into bins."""
    order, r = generator.uniform(1.1, 12), 10 ** generator.uniform(-1, 0.6)
    if generator.random() < 0.5:
        divergence = gaussian_renyi(r, order)
    else:
        ends = numpy.concatenate([[-numpy.inf], numpy.linspace(-3, r + 3, 40), [numpy.inf]])
        divergence = renyi(numpy.diff(ndtr(ends - r)), numpy.diff(ndtr(ends)), order)
    return {"mu": over(generator, r), "v": divergence / order, "a": order, "d": divergence}


def approximate_profile(generator: numpy.random.Generator) -> Values:
    epsilon = generator.uniform(0.05, 3)
    first, second = pair(generator) if generator.random() < 0.5 else response(epsilon, generator.choice([0, 1e-3, 0.2]))
    target = generator.uniform(0, epsilon)
    event = best_event(first, second, target)
    return {
        "epsilon": epsilon, "delta": min(1.0, over(generator, two_sided_slack(first, second, epsilon))), "target": target,
        "v": slack(first, second, target), "p": float(first[event].sum()), "q": float(second[event].sum()),
    }  # fmt: skip


def _density(point: float) -> float:
    return float(numpy.exp(-(point**2) / 2) / numpy.sqrt(2 * numpy.pi))


def sampled_gaussian(generator: numpy.random.Generator) -> Values:
    """Both integrals by quadrature, which knows nothing of binomials; the pair of points with the least gain by trying many."""
    order, rate, shift = int(generator.integers(2, 7)), generator.uniform(0.001, 1), 10 ** generator.uniform(-0.7, 0.2)

    def ratio(point: float) -> float:
        return float(numpy.exp(shift * point - shift**2 / 2))

    def mixture(point: float) -> float:
        return 1 - rate + rate * ratio(point)

    def mean(power: int) -> float:
        ends = (-12.0, 12 + order * shift)
        return float(quad(lambda z: _density(z) * mixture(z) ** power, *ends, epsabs=1e-13, epsrel=1e-12, limit=400)[0])

    forward, backward = mean(order), mean(1 - order)
    mass = float(ndtr(-shift / 2))
    t = min((ratio(shift / 2 + step) for step in numpy.linspace(0, 0.2, 50)), key=lambda one: gain(one, rate, order))
    r, s = 1 - rate + rate * t, 1 - rate + rate / t
    at_r, at_s = powers(r, order), powers(s, order)
    moment = sum(
        comb(order, k) * (1 - rate) ** (order - k) * rate**k * numpy.exp(k * (k - 1) * shift**2 / 2) for k in range(order + 1)
    )
    x = max(forward, backward) if generator.random() < 0.7 else min(forward, backward)
    return {
        "order": order, "excess": over(generator, float(moment) - 1), "v": float(numpy.log(x)) / (order - 1), "x": x,
        "forward": forward, "backward": backward, "mass": mass, "rate": rate, "t": t, "r": r, "s": s, "at_r": at_r, "at_s": at_s,
        "w": (at_r - at_s) / (r * s - 1) if r * s - 1 > 1e-9 else 0.0,
    }  # fmt: skip


def powers(point: float, order: int) -> float:
    return float(sum(point**k for k in range(1 - order, order)))


def gain(t: float, rate: float, order: int) -> float:
    """What a pair of mirrored points adds to the difference of the two integrals, from its definition."""
    r, s = 1 - rate + rate * t, 1 - rate + rate / t
    return (r**order - r ** (1 - order)) + t * (s**order - s ** (1 - order))


INSTANCES: dict[str, Instance] = {
    "gaussian.composition-many": gaussian_many,
    "renyi.composition-many": renyi_many,
    "zcdp.gaussian-parameter": gaussian_parameter_concentrated,
    "approximate.profile": approximate_profile,
    "renyi.sampled-gaussian": sampled_gaussian,
}
TIGHT = {
    "gaussian.composition-many": 0.9999,
    "renyi.composition-many": 0.9999,
    "zcdp.gaussian-parameter": 0.9999,
    "approximate.profile": 0.9999,
    "renyi.sampled-gaussian": 0.999,
}
