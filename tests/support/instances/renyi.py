"""Instances of the theorems on Rényi divergences: laws on a few atoms, Gaussian laws by quadrature, an extremal pair."""

from __future__ import annotations

import numpy

from .laws import Law, best_event, binned_gaussians, gaussian_renyi, law, moment, near, pair, renyi, slack
from .shared import Instance, Values, over, under


def gaussian(generator: numpy.random.Generator) -> Values:
    order, r, sigma = generator.uniform(1.1, 15), 10 ** generator.uniform(-1, 0.7), 10 ** generator.uniform(-2, 2)
    return {
        "order": order, "sensitivity": over(generator, r * sigma), "sigma": under(generator, sigma), "r": r, "v": gaussian_renyi(r, order),
    }  # fmt: skip


def composition(generator: numpy.random.Generator) -> Values:
    """The second law depends on the outcome of the first, or does not."""
    order = generator.uniform(1.1, 8)
    first, first_back = pair(generator)
    seconds = [law(generator, 4) for _ in first]
    seconds_back = [near(generator, one) for one in seconds]
    if generator.random() < 0.3:
        seconds, seconds_back = [seconds[0]] * first.size, [seconds_back[0]] * first.size
    joint, joint_back = first[:, None] * numpy.array(seconds), first_back[:, None] * numpy.array(seconds_back)
    g = max(moment(one, other, order) for one, other in zip(seconds, seconds_back, strict=True))
    m, f = moment(joint.ravel(), joint_back.ravel(), order), moment(first, first_back, order)
    a, b = f / (order - 1), g / (order - 1)
    return {
        "first": over(generator, a), "second": over(generator, b), "v": m / (order - 1), "order": order, "a": a, "b": b, "m": m, "f": f, "g": g,
    }  # fmt: skip


def triangle(generator: numpy.random.Generator) -> Values:
    """Three laws on a few atoms; or three Gaussian laws on a line with the split that makes Hölder's inequality an equality."""
    order, split = generator.uniform(1.2, 5), generator.uniform(1.2, 4)
    if generator.random() < 0.5:
        start = law(generator, int(generator.integers(2, 6)))
        middle = near(generator, start)
        end = near(generator, middle)
        second_order = 1 + split * (order - 1) / (split - 1)
        v, a, b = renyi(start, end, order), renyi(start, middle, split * order), renyi(middle, end, second_order)
    else:
        there, onward = 10 ** generator.uniform(-0.5, 0.3, size=2)
        split = 1 + (order - 1) * onward / (order * there)
        second_order = 1 + split * (order - 1) / (split - 1)
        v, a, b = (
            gaussian_renyi(there + onward, order),
            gaussian_renyi(there, split * order),
            gaussian_renyi(onward, second_order),
        )
    return {
        "order": order, "split": split, "first": over(generator, a), "second": over(generator, b), "v": v, "a": a, "b": b,
        "m": (order - 1) * v, "f": (split * order - 1) * a, "g": (second_order - 1) * b,
    }  # fmt: skip


def extremal(generator: numpy.random.Generator, order: float) -> tuple[Law, Law, float]:
    """All of P on one event where the likelihood ratio is constant, and the epsilon at which Bernoulli's inequality is an equality."""
    ratio = order / (order - 1) * float(numpy.exp(generator.uniform(0, 3)))
    return numpy.array([1.0, 0.0]), numpy.array([1 / ratio, 1 - 1 / ratio]), float(numpy.log(ratio * (order - 1) / order))


def _event(generator: numpy.random.Generator) -> tuple[Values, float]:
    """A pair of laws, the greatest slack at some epsilon, and what the proof says of that event."""
    order, kind = generator.uniform(1.1, 10), generator.random()
    if kind < 0.3:
        first, second, epsilon = extremal(generator, order)
    else:
        first, second = pair(generator) if kind < 0.7 else binned_gaussians(generator)
        epsilon = float(generator.random() * 0.8 * numpy.log(first / second).max())
    event = best_event(first, second, epsilon)
    point = float(numpy.exp(epsilon)) * order / (order - 1)
    p, q = float(first[event].sum()), float(second[event].sum())
    u = float((second[event] * (first[event] / second[event] / point) ** order).sum())
    values = {"order": order, "divergence": over(generator, renyi(first, second, order)), "p": p, "q": q, "u": u, "point": point}
    return {**values, "v": slack(first, second, epsilon)}, epsilon


def profile(generator: numpy.random.Generator) -> Values:
    values, epsilon = _event(generator)
    return {**values, "epsilon": epsilon}


def approximate(generator: numpy.random.Generator) -> Values:
    """The slack at e is measured and allowed, so that e is the least epsilon."""
    values, e = _event(generator)
    delta = under(generator, values.pop("v"))
    return {**values, "delta": delta, "e": e}


def simple(generator: numpy.random.Generator) -> Values:
    values = approximate(generator)
    return {name: values[name] for name in ("order", "divergence", "delta", "e")}


INSTANCES: dict[str, Instance] = {
    "renyi.gaussian": gaussian,
    "renyi.composition": composition,
    "renyi.triangle": triangle,
    "renyi.profile": profile,
    "renyi.approximate": approximate,
    "renyi.simple": simple,
}
TIGHT = {
    "renyi.gaussian": 0.9999,
    "renyi.composition": 0.9999,
    "renyi.triangle": 0.9999,
    "renyi.profile": 0.9999,
    "renyi.approximate": 0.9999,
    "renyi.simple": 0.8,
}
