"""Instances of the theorems on confidence limits: binomial laws and coins, enumerated."""

from __future__ import annotations

import itertools
import math

import numpy
from flint import arb

from .shared import Instance, Values, over, under


def chances(n: int, q: float) -> list[float]:
    """The probabilities of 0, ..., n successes, added up from binomial coefficients."""
    return [math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]


def beta(x: float, a: float, b: float) -> float:
    return float(arb(x).beta_lower(arb(a), arb(b), regularized=True).mid())


def upper_limit(n: int, k: int, alpha: float) -> float:
    """The least double p found with P(Bin(n, p) <= k) <= alpha, by bisection on the sum of the probabilities."""
    if k == n:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if math.fsum(chances(n, middle)[: k + 1]) <= alpha else (middle, high)
    return high


def few_successes(generator: numpy.random.Generator) -> Values:
    n = int(generator.integers(1, 40))
    k, q = int(generator.integers(0, n)), generator.uniform(0.01, 0.99)
    p = q * float(generator.choice([1.0, generator.uniform(0, 0.99)]))
    given, true = beta(1 - p, n - k, k + 1), beta(1 - q, n - k, k + 1)
    density = (given - true) / (q - p) if q > p else 0.0
    return {"n": n, "k": k, "p": p, "q": q, "c": math.fsum(chances(n, q)[: k + 1]), "w": density}


def many_successes(generator: numpy.random.Generator) -> Values:
    n = int(generator.integers(1, 40))
    k, q = int(generator.integers(1, n + 1)), generator.uniform(0.01, 0.99)
    p = 1 - (1 - q) * float(generator.choice([1.0, generator.uniform(0, 0.99)]))
    given, true = beta(p, k, n - k + 1), beta(q, k, n - k + 1)
    density = (given - true) / (p - q) if abs(p - q) > 1e-12 else 0.0
    return {"n": n, "k": k, "p": max(p, q), "q": q, "c": math.fsum(chances(n, q)[k:]), "w": density}


def clopper_pearson(generator: numpy.random.Generator) -> Values:
    """The rate lies just above the limit of some count, or anywhere up to the next limit."""
    n, alpha = int(generator.integers(2, 25)), 10 ** generator.uniform(-3, -0.1)
    limits = [upper_limit(n, k, alpha) for k in range(n + 1)]
    k = int(generator.integers(0, n))
    q = limits[k] + (limits[k + 1] - limits[k]) * float(generator.choice([1e-9, generator.uniform(0, 1)]))
    law = chances(n, q)
    missed = [count for count in range(n + 1) if limits[count] < q]
    k = max(missed)
    return {
        "n": n, "k": k, "p": limits[k], "alpha": min(over(generator, alpha), 1 - 1e-9), "m": math.fsum(law[count] for count in missed),
        "c": math.fsum(law[: k + 1]),
    }  # fmt: skip


def clopper_pearson_lower(generator: numpy.random.Generator) -> Values:
    """The mirror image: failures for successes."""
    values = clopper_pearson(generator)
    return {**values, "k": values["n"] - values["k"], "p": 1 - values["p"]}


def union(generator: numpy.random.Generator) -> Values:
    """Events on 24 outcomes of equal chance: disjoint, or drawn at random; a step is drawn from all."""
    count, atoms = int(generator.integers(1, 9)), 24
    if generator.random() < 0.4:
        events = [set(range(3 * i, 3 * i + 3)) for i in range(count)]
    else:
        events = [set(generator.choice(atoms, size=int(generator.integers(0, 6)), replace=False).tolist()) for _ in range(count)]
    sizes = [len(set().union(*events[:i])) / atoms for i in range(count + 1)]
    greatest = max(len(event) for event in events) / atoms
    t = int(generator.integers(0, count))
    return {
        "count": count, "alpha": over(generator, greatest), "a": greatest, "j": t, "j_next": t + 1, "j_first": 0, "j_last": count,
        "missed": sizes[t], "missed_next": sizes[t + 1], "missed_first": 0.0, "missed_last": sizes[-1],
    }  # fmt: skip


def coin_scores(weights: numpy.ndarray) -> numpy.ndarray:
    """The scores of all outcomes of the coins."""
    signs = numpy.array(list(itertools.product([-1.0, 1.0], repeat=weights.size)))
    scores: numpy.ndarray = signs @ weights / math.sqrt(float(weights @ weights))
    return scores


def weighted_coins(generator: numpy.random.Generator) -> Values:
    size = int(generator.integers(1, 9))
    weights = generator.normal(size=size) * 10 ** generator.uniform(-1, 1)
    scores = coin_scores(weights)
    seen = float(generator.choice(scores[scores > 1e-3]))
    score = under(generator, seen * (1 - 1e-12))
    unit = weights / numpy.linalg.norm(weights)
    means = numpy.cumprod([1.0, *numpy.cosh(score * unit)])
    covers = numpy.exp(score**2 / 2 * numpy.cumsum([0.0, *unit**2]))
    t = int(generator.integers(0, size))
    return {
        "score": score, "b": float((scores >= score).mean()),
        "mean": means[t], "mean_next": means[t + 1], "mean_first": means[0], "mean_last": means[-1],
        "cover": covers[t], "cover_next": covers[t + 1], "cover_first": covers[0], "cover_last": covers[-1],
    }  # fmt: skip


def bounded_mean(generator: numpy.random.Generator) -> Values:
    n = int(generator.integers(1, 9))
    lengths, chances_up = 10 ** generator.uniform(-1, 0, n), generator.choice([0.5, generator.uniform(0.05, 0.95)], n)
    if generator.random() < 0.5:
        lengths[:] = lengths[0]
    up = numpy.array(list(itertools.product([0.0, 1.0], repeat=n)))
    weights = numpy.where(up == 1.0, chances_up, 1 - chances_up).prod(1)
    off = (up * lengths).mean(1) - (chances_up * lengths).mean()
    deviation = float(generator.choice(off[off > 1e-6])) * (1 - 1e-12)
    width = over(generator, float(lengths.max()))
    rate = 4 * deviation / width**2
    factors = chances_up * numpy.exp(rate * lengths * (1 - chances_up)) + (1 - chances_up) * numpy.exp(
        -rate * lengths * chances_up
    )
    length = float(lengths.max())
    means, covers = numpy.cumprod([1.0, *factors]), numpy.exp((rate * length) ** 2 / 8 * numpy.arange(n + 1))
    t = int(generator.integers(0, n))
    return {
        "n": n, "deviation": deviation, "width": width, "b": float(weights[off >= deviation].sum()), "a": length,
        "mean": means[t], "mean_next": means[t + 1], "mean_first": means[0], "mean_last": means[-1],
        "cover": covers[t], "cover_next": covers[t + 1], "cover_first": covers[0], "cover_last": covers[-1],
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "confidence.few-successes": few_successes,
    "confidence.many-successes": many_successes,
    "confidence.clopper-pearson": clopper_pearson,
    "confidence.clopper-pearson-lower": clopper_pearson_lower,
    "confidence.union": union,
    "confidence.weighted-coins": weighted_coins,
    "confidence.bounded-mean": bounded_mean,
}
TIGHT = {
    "confidence.few-successes": 1 - 1e-9,
    "confidence.many-successes": 1 - 1e-9,
    "confidence.clopper-pearson": 1 - 1e-6,
    "confidence.clopper-pearson-lower": 1 - 1e-6,
    "confidence.union": 1,
    "confidence.weighted-coins": 0.82,  # one coin: 1/2 against exp(-1/2)
    "confidence.bounded-mean": 0.82,  # one fair coin, likewise
}
