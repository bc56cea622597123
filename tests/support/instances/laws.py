"""Pairs of laws on a few atoms, and what is measured on them: slacks, divergences, Gaussian parameters."""

from __future__ import annotations

import numpy
from scipy.special import logsumexp, ndtr, ndtri

Law = numpy.ndarray


def law(generator: numpy.random.Generator, atoms: int) -> Law:
    """A random law without tiny atoms, so that every divergence is moderate."""
    return 0.98 * generator.dirichlet(numpy.full(atoms, 10 ** generator.uniform(-0.5, 1))) + 0.02 / atoms


def near(generator: numpy.random.Generator, first: Law) -> Law:
    """A law at a random distance from the given one."""
    tilted = first * numpy.exp(10 ** generator.uniform(-2, 0.3) * generator.normal(size=first.size))
    return tilted / tilted.sum()


def pair(generator: numpy.random.Generator) -> tuple[Law, Law]:
    first = law(generator, int(generator.integers(2, 7)))
    return first, near(generator, first)


def coin(probability: float) -> Law:
    return numpy.array([probability, 1 - probability])


def response(epsilon: float, delta: float) -> tuple[Law, Law]:
    """Randomised response: the truth with probability delta, else a coin that favours it by exp(epsilon)."""
    favoured, other = (1 - delta) * numpy.exp(epsilon) / (1 + numpy.exp(epsilon)), (1 - delta) / (1 + numpy.exp(epsilon))
    return numpy.array([delta, favoured, other, 0.0]), numpy.array([0.0, other, favoured, delta])


def best_event(first: Law, second: Law, epsilon: float) -> numpy.ndarray:
    """The event with the greatest P(A) - exp(epsilon) Q(A)."""
    return first > numpy.exp(epsilon) * second


def slack(first: Law, second: Law, epsilon: float) -> float:
    return float(numpy.maximum(first - numpy.exp(epsilon) * second, 0).sum())


def two_sided_slack(first: Law, second: Law, epsilon: float) -> float:
    return max(slack(first, second, epsilon), slack(second, first, epsilon))


def moment(first: Law, second: Law, order: float) -> float:
    """The logarithm of the mean under the second law of the likelihood ratio to the power of the order."""
    there = first > 0
    return float(logsumexp(order * numpy.log(first[there]) + (1 - order) * numpy.log(second[there])))


def renyi(first: Law, second: Law, order: float) -> float:
    return moment(first, second, order) / (order - 1)


def gaussian_renyi(distance: float, order: float) -> float:
    """The divergence of N(distance, 1) from N(0, 1) by quadrature around the peak of the integrand."""
    x = order * distance + numpy.linspace(-12, 12, 4001)
    exponent = -order * (x - distance) ** 2 / 2 + (order - 1) * x**2 / 2
    top = exponent.max()
    integral = numpy.exp(exponent - top).sum() * (x[1] - x[0]) / numpy.sqrt(2 * numpy.pi)
    return float((top + numpy.log(integral)) / (order - 1))


def gaussian_slack(distance: float, epsilon: float) -> float:
    threshold = epsilon / distance + distance / 2
    return float(ndtr(distance - threshold) - numpy.exp(epsilon) * ndtr(-threshold))


def binned_gaussians(generator: numpy.random.Generator) -> tuple[Law, Law]:
    """Two Gaussian laws seen through bins of equal width."""
    ends = numpy.concatenate([[-numpy.inf], numpy.linspace(-4, 6, 60), [numpy.inf]])
    distance = generator.uniform(0.2, 2)
    return numpy.diff(ndtr(ends - distance)), numpy.diff(ndtr(ends))


def best_test(first: Law, second: Law) -> numpy.ndarray:
    """The test, also a randomised one, whose mean has the greatest normal quantile under the second law less that under the first."""
    order = numpy.argsort(first / second)
    tests = []
    for rank, atom in enumerate(order):
        for share in numpy.linspace(0, 1, 200):
            test = numpy.zeros(first.size)
            test[order[:rank]] = 1
            test[atom] = share
            tests.append(test)
    kept = [test for test in tests if 0 < test.sum() < first.size]
    gaps = [ndtri(test @ second) - ndtri(test @ first) for test in kept]
    return kept[int(numpy.argmax(gaps))]


def parameter(first: Law, second: Law) -> float:
    """The Gaussian parameter of two laws without empty atoms (the complement of the best test serves the other direction)."""
    test = best_test(first, second)
    return float(ndtri(test @ second) - ndtri(test @ first))
