"""Instances of the theorems on zCDP: the divergence over the order, tried at many orders."""

from __future__ import annotations

import numpy

from .laws import Law, gaussian_renyi, gaussian_slack, law, near, pair, renyi, response
from .shared import Instance, Values, over, under

_ORDERS = 1 + numpy.geomspace(1e-3, 300, 200)


def _rho(first: Law, second: Law, order: float) -> float:
    """The greatest divergence over order in both directions, at many orders and at the one given."""
    return max(renyi(*laws, a) / a for laws in ((first, second), (second, first)) for a in (*_ORDERS, order))


def gaussian(generator: numpy.random.Generator) -> Values:
    a, r, sigma = generator.uniform(1.1, 15), 10 ** generator.uniform(-1, 0.7), 10 ** generator.uniform(-2, 2)
    d = gaussian_renyi(r, a)
    return {"sensitivity": over(generator, r * sigma), "sigma": under(generator, sigma), "v": d / a, "a": a, "d": d}


def at_one_order(generator: numpy.random.Generator) -> Values:
    order = generator.uniform(1.1, 15)
    if generator.random() < 0.5:
        first, second = pair(generator)
        r, d = _rho(first, second, order), max(renyi(first, second, order), renyi(second, first, order))
    else:
        distance = 10 ** generator.uniform(-1, 0.7)
        r, d = distance**2 / 2, gaussian_renyi(distance, order)
    return {"order": order, "rho": over(generator, r), "d": d, "r": r}


def pure(generator: numpy.random.Generator) -> Values:
    """Laws on a few atoms, or randomised response, whose divergence at a small epsilon is nearly the bound."""
    first, second = (
        pair(generator) if generator.random() < 0.5 else [one[1:3] for one in response(10 ** generator.uniform(-2, 0.5), 0)]
    )
    ratios, a = numpy.log(first / second), generator.uniform(1.1, 8)
    d, r = renyi(first, second, a), float(first @ ratios)
    e, m = float(numpy.log(first @ numpy.exp(-ratios))), float(numpy.log(first @ numpy.exp((a - 1) * ratios)))
    return {"epsilon": over(generator, float(abs(ratios).max())), "v": d / a, "a": a, "d": d, "r": r, "e": e, "m": m}


def composition(generator: numpy.random.Generator) -> Values:
    a = generator.uniform(1.1, 8)
    if generator.random() < 0.5:
        first, first_back = pair(generator)
        seconds = [law(generator, 4) for _ in first]
        seconds_back = [near(generator, one) for one in seconds]
        pairs = list(zip(seconds, seconds_back, strict=True))
        joint, joint_back = first[:, None] * numpy.array(seconds), first_back[:, None] * numpy.array(seconds_back)
        d, r, e = renyi(joint.ravel(), joint_back.ravel(), a), renyi(first, first_back, a), max(renyi(*one, a) for one in pairs)
        rho, other_rho = _rho(first, first_back, a), max(_rho(*one, a) for one in pairs)
    else:
        one, other = 10 ** generator.uniform(-1, 0.5, size=2)
        d, r, e = (gaussian_renyi(float(distance), a) for distance in (numpy.hypot(one, other), one, other))
        rho, other_rho = one**2 / 2, other**2 / 2
    return {"first": over(generator, rho), "second": over(generator, other_rho), "v": d / a, "a": a, "d": d, "r": r, "e": e}


def approximate(generator: numpy.random.Generator) -> Values:
    """Gaussian laws at an order near the best one; the slack at e is measured and allowed."""
    distance = 10 ** generator.uniform(-0.5, 0.5)
    e = distance * generator.uniform(0.5, 4.5) + distance**2 / 2
    delta, rho = gaussian_slack(distance, e), distance**2 / 2
    order = 1 + generator.choice([1, generator.uniform(0.5, 2)]) * float(numpy.sqrt(numpy.log(1 / delta) / rho))
    return {
        "order": order,
        "rho": over(generator, rho),
        "delta": under(generator, delta),
        "e": e,
        "d": gaussian_renyi(distance, order),
    }


def closed_form(generator: numpy.random.Generator) -> Values:
    distance = 10 ** generator.uniform(-1, 1)
    rho, e = distance**2 / 2, distance * generator.uniform(0.5, 5) + distance**2 / 2
    delta = gaussian_slack(distance, e)
    values = {"rho": over(generator, rho), "exponent": over(generator, float(numpy.log(1 / delta)))}
    a = 1 + float(numpy.sqrt(values["exponent"] / values["rho"]))
    return {**values, "delta": delta, "e": e, "a": a, "d": gaussian_renyi(distance, a)}


INSTANCES: dict[str, Instance] = {
    "zcdp.renyi": at_one_order,
    "zcdp.gaussian": gaussian,
    "zcdp.pure": pure,
    "zcdp.composition": composition,
    "zcdp.approximate": approximate,
    "zcdp.closed-form": closed_form,
}
TIGHT = {
    "zcdp.renyi": 0.9999,
    "zcdp.gaussian": 0.9999,
    "zcdp.pure": 0.99,
    "zcdp.composition": 0.9999,
    "zcdp.approximate": 0.9,
    "zcdp.closed-form": 0.9,
}
