"""Instances of the filters: trees of releases, the law of each chosen in the light of the outcomes before it."""

from __future__ import annotations

import numpy
from scipy.special import logsumexp, ndtr, ndtri

from .laws import Law, coin, law, near, parameter, renyi
from .shared import Instance, Values, over

_ORDERS = 1 + numpy.geomspace(1e-3, 300, 200)


class Tree:
    """All courses of up to three releases: the logarithms of their probabilities under both laws, and what was spent on them."""

    def __init__(self) -> None:
        self.first, self.second, self.spent = numpy.zeros(1), numpy.zeros(1), numpy.zeros(1)

    def grow(self, pairs: list[tuple[Law, Law]], prices: numpy.ndarray) -> None:
        """One more release, of its own pair of laws and at its own price after every course so far."""
        self.first = numpy.concatenate([base + numpy.log(pair[0]) for base, pair in zip(self.first, pairs, strict=True)])
        self.second = numpy.concatenate([base + numpy.log(pair[1]) for base, pair in zip(self.second, pairs, strict=True)])
        sizes = [pair[0].size for pair in pairs]
        self.spent = numpy.repeat(self.spent + prices, sizes)

    def moment(self, order: float) -> float:
        """The logarithm of the mean under the second law of the ratio to the power of the order."""
        return float(logsumexp(order * self.first + (1 - order) * self.second))

    def paid(self, order: float) -> float:
        """The same, each course discounted by what was spent on it."""
        return float(logsumexp(order * self.first + (1 - order) * (self.second + self.spent)))


def next_pairs(generator: numpy.random.Generator, courses: int, alike: tuple[Law, Law] | None) -> list[tuple[Law, Law]]:
    """A pair of laws for every course: turned about by the outcomes only, or another one each time, some hardly apart."""
    if alike is not None:
        first, second = alike
        return [(first[::turn], second[::turn]) for turn in generator.choice([-1, 1], size=courses)]
    pairs = []
    for _ in range(courses):
        first = law(generator, int(generator.integers(2, 4)))
        pairs.append((first, near(generator, first)))
    return pairs


def renyi_filter(generator: numpy.random.Generator) -> Values:
    order, count = generator.uniform(1.1, 6), int(generator.integers(1, 4))
    now = int(generator.integers(count))
    first = law(generator, 3)
    alike = (first, near(generator, first)) if generator.random() < 0.5 else None
    slack = generator.choice([1.0, 1.3])
    tree, paid, worst = Tree(), [0.0], -numpy.inf
    for _ in range(count):
        pairs = next_pairs(generator, tree.spent.size, alike)
        divergences = numpy.array([renyi(*pair, order) for pair in pairs])
        prices = divergences if alike is not None else divergences * generator.uniform(1, slack, size=divergences.size)
        worst = max(worst, float(((order - 1) * (divergences - prices)).max()))
        tree.grow(pairs, prices)
        paid.append(tree.paid(order))
    moment = tree.moment(order)
    return {
        "budget": over(generator, float(tree.spent.max())), "v": moment / (order - 1), "order": order, "m": moment, "worst": worst,
        "w": paid[now], "w_next": paid[now + 1], "w_first": paid[0], "w_last": paid[-1],
    }  # fmt: skip


def concentrated(first: Law, second: Law, order: float) -> float:
    return max(renyi(*laws, a) / a for laws in ((first, second), (second, first)) for a in (*_ORDERS, order))


def concentrated_filter(generator: numpy.random.Generator) -> Values:
    order, tree = generator.uniform(1.1, 6), Tree()
    bias = 10 ** generator.uniform(-2, -0.5)
    alike = (coin((1 + bias) / 2), coin((1 - bias) / 2)) if generator.random() < 0.5 else None
    known = concentrated(*alike, order) if alike is not None else None
    for _ in range(int(generator.integers(1, 4))):
        pairs = next_pairs(generator, tree.spent.size, alike)
        tree.grow(pairs, numpy.array([concentrated(*pair, order) if known is None else known for pair in pairs]))
    d = tree.moment(order) / (order - 1)
    return {"budget": over(generator, float(tree.spent.max())), "v": d / order, "a": order, "d": d}


def with_rest(tree: Tree, allowed: float) -> float:
    """The Gaussian parameter of the course together with N(r, 1) against N(0, 1), r² what it left of the sum allowed."""
    rest = numpy.sqrt(numpy.maximum(allowed - tree.spent, 1e-14))
    ratios, second, first = tree.first - tree.second, numpy.exp(tree.second), numpy.exp(tree.first)
    best = 0.0
    ordered = numpy.sort(ratios)
    for threshold in (*numpy.linspace(ordered[0] - 3, ordered[-1] + 3, 400), *(ordered[1:] + ordered[:-1]) / 2):
        point = (threshold - ratios) / rest + rest / 2
        level, power = float(second @ ndtr(-point)), float(first @ ndtr(rest - point))
        if 1e-9 < level < 1 - 1e-9 and 1e-9 < power < 1 - 1e-9:
            best = max(best, float(ndtri(power) - ndtri(level)))
    return best


def two_way(first: Law, second: Law) -> float:
    return max(parameter(first, second), parameter(second, first))


def gaussian_filter(generator: numpy.random.Generator) -> Values:
    """Coins whose bias depends on earlier outcomes; a single one is tight."""
    count, tree = int(generator.integers(1, 4)), Tree()
    now, trees = int(generator.integers(count)), [Tree()]
    for _ in range(count):
        pairs = [coins(generator) for _ in range(tree.spent.size)]
        tree.grow(pairs, numpy.array([two_way(*pair) ** 2 for pair in pairs]))
        grown = Tree()
        grown.first, grown.second, grown.spent = tree.first, tree.second, tree.spent
        trees.append(grown)
    allowed = float(tree.spent.max())
    parameters = [with_rest(one, allowed) for one in trees]
    g = float(numpy.sqrt(allowed))
    return {
        "square": over(generator, allowed), "v": max(0.0, parameter(numpy.exp(tree.first), numpy.exp(tree.second))), "g": g,
        "p": g if now == 0 else parameters[now], "p_next": parameters[now + 1], "p_first": g, "p_last": parameters[-1],
    }  # fmt: skip


def coins(generator: numpy.random.Generator) -> tuple[Law, Law]:
    """A coin and one that is mu-GDP from it, at a random level: both sides of N(0, 1) and N(mu, 1) cut at one point."""
    mu, cut = generator.uniform(0.1, 1.2), generator.uniform(-1, 1)
    return coin(float(ndtr(cut + mu / 2))), coin(float(ndtr(cut - mu / 2)))


INSTANCES: dict[str, Instance] = {
    "renyi.filter": renyi_filter,
    "zcdp.filter": concentrated_filter,
    "gaussian.filter": gaussian_filter,
}
TIGHT = {"renyi.filter": 0.9999, "zcdp.filter": 0.99, "gaussian.filter": 0.9999}
