"""Instances of the theorems on random probes: matrices with one or two different eigenvalues, whose estimates have exact laws of chi square."""

from __future__ import annotations

import numpy
from scipy import stats

from .shared import Instance, Values, over

_NODES, _WEIGHTS = numpy.polynomial.legendre.leggauss(400)


class Spectrum:
    """Eigenvalues ``first`` (``many`` times) and ``second`` (``few`` times or never)."""

    def __init__(self, generator: numpy.random.Generator, semidefinite: bool) -> None:
        self.first, self.second = generator.uniform(0.2, 2), generator.uniform(0 if semidefinite else -2, 2)
        self.many, self.few = int(generator.integers(1, 4)), int(generator.choice([0, 0, 1, 3]))
        self.eigenvalues = numpy.array([self.first] * self.many + [self.second] * self.few)
        generator.shuffle(self.eigenvalues)
        self.trace = float(self.eigenvalues.sum())

    def below(self, probes: int, threshold: float) -> float:
        """Probability that the mean of w · A w over the probes is below the threshold: the quantiles of the second part are integrated."""
        if not self.few:
            return float(stats.chi2.cdf(probes * threshold / self.first, probes * self.many))
        second = self.second * stats.chi2.ppf((_NODES + 1) / 2, probes * self.few)
        return float(_WEIGHTS @ stats.chi2.cdf((probes * threshold - second) / self.first, probes * self.many) / 2)


def chernoff(generator: numpy.random.Generator, turn: int) -> Values:
    """Shares below one (``turn`` 1) or above it (-1), near one in half of the draws."""
    spectrum, m = Spectrum(generator, semidefinite=True), int(10 ** generator.uniform(0, 1.5))
    share = float(generator.uniform(0.1, 0.99)) if generator.random() < 0.5 else 1 - 10 ** generator.uniform(-4, -1)
    share = share**turn
    scaled = turn * (1 / share - 1) / spectrum.trace * spectrum.eigenvalues  # 2 s (eigenvalue)/m
    part, product = numpy.append(0, scaled.cumsum()), numpy.append(1, (1 + turn * scaled).cumprod())
    g, step, probe = product[-1] ** -0.5, int(generator.integers(len(scaled))), int(generator.integers(m))
    below = spectrum.below(m, share * spectrum.trace)
    return {
        "m": m, "share": share, "p": below if turn > 0 else 1 - below, "g": g,
        "product": product[step], "product_next": product[step + 1], "product_first": 1, "product_last": product[-1],
        "part": part[step], "part_next": part[step + 1], "part_first": 0, "part_last": part[-1],
        "mean": g**probe, "mean_next": g ** (probe + 1), "mean_first": 1, "mean_last": g**m,
        "power": share**probe, "power_next": share ** (probe + 1), "power_first": 1, "power_last": share**m,
    }  # fmt: skip


def frobenius(generator: numpy.random.Generator) -> Values:
    spectrum, m = Spectrum(generator, semidefinite=False), int(10 ** generator.uniform(0, 2))
    share = float(generator.uniform(0.01, 0.99)) if generator.random() < 0.5 else 1 - 10 ** generator.uniform(-4, -1)
    spectrum.first, spectrum.second = spectrum.first**2, spectrum.second**2
    failure = spectrum.below(m, share * float((spectrum.eigenvalues**2).sum()))
    return {"m": m, "share": share, "p": failure, "up": failure}


def deviation(generator: numpy.random.Generator) -> tuple[Spectrum, Values]:
    """The hypotheses; deviations are from a hundredth of the standard deviation of the estimate to ten times it."""
    spectrum, m = Spectrum(generator, semidefinite=False), int(10 ** generator.uniform(0, 2))
    squares = float((spectrum.eigenvalues**2).sum())
    return spectrum, {
        "m": m, "deviation": float((2 * squares / m) ** 0.5 * 10 ** generator.uniform(-2, 1)), "square_sum": over(generator, squares),
        "spectral": over(generator, float(numpy.abs(spectrum.eigenvalues).max())),
    }  # fmt: skip


def deviation_above(generator: numpy.random.Generator) -> Values:
    spectrum, values = deviation(generator)
    c = values["deviation"] / (values["square_sum"] + values["deviation"] * values["spectral"])
    y, step = c * spectrum.eigenvalues, int(generator.integers(len(spectrum.eigenvalues)))
    squares, rise = numpy.append(0, (spectrum.eigenvalues**2).cumsum()), numpy.append(0, (-numpy.log1p(-y) - y).cumsum())
    return {
        **values, "p": 1 - spectrum.below(int(values["m"]), spectrum.trace + values["deviation"]), "c": c,
        "squares": squares[step], "squares_next": squares[step + 1], "squares_first": 0, "squares_last": squares[-1],
        "rise": rise[step], "rise_next": rise[step + 1], "rise_first": 0, "rise_last": rise[-1],
    }  # fmt: skip


def two_sided(generator: numpy.random.Generator) -> Values:
    spectrum, values = deviation(generator)
    up = 1 - spectrum.below(int(values["m"]), spectrum.trace + values["deviation"])
    down = spectrum.below(int(values["m"]), spectrum.trace - values["deviation"])
    return {**values, "p": up + down, "up": up, "down": down}


INSTANCES: dict[str, Instance] = {
    "trace.chernoff": lambda generator: chernoff(generator, 1),
    "trace.chernoff-below": lambda generator: chernoff(generator, -1),
    "trace.frobenius": frobenius,
    "trace.deviation": deviation_above,
    "trace.two-sided": two_sided,
}
TIGHT = {
    "trace.chernoff": 0.6,
    "trace.chernoff-below": 0.4,
    "trace.frobenius": 0.6,
    "trace.deviation": 0.45,
    "trace.two-sided": 0.45,
}
