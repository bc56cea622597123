"""Instances of the theorems on (epsilon, delta): laws on a few atoms, randomised response, chains of coins."""

from __future__ import annotations

import numpy

from .laws import Law, best_event, coin, law, near, pair, response, slack, two_sided_slack
from .shared import Instance, Values, over


def total_variation(generator: numpy.random.Generator) -> Values:
    epsilon = generator.choice([0.0, generator.uniform(0, 3)])
    first, second = pair(generator) if generator.random() < 0.5 else response(epsilon, generator.choice([0, 1e-3, 0.2]))
    event = best_event(first, second, 0)
    return {
        "epsilon": epsilon,
        "delta": min(1.0, over(generator, two_sided_slack(first, second, epsilon))),
        "v": slack(first, second, 0), "p": float(first[event].sum()), "q": float(second[event].sum()),
    }  # fmt: skip


def triangle(generator: numpy.random.Generator) -> Values:
    """Three laws; or three coins, of which the last is as likely to fall as the definition allows, in the one order or in the other."""
    first_epsilon, second_epsilon = generator.uniform(0, 2, size=2)
    if generator.random() < 0.5:
        start = law(generator, int(generator.integers(2, 6)))
        middle = near(generator, start)
        end = near(generator, middle)
    else:
        chances = [10 ** generator.uniform(-4, -2)]
        forward = generator.random() < 0.5
        for epsilon in (second_epsilon, first_epsilon) if forward else (first_epsilon, second_epsilon):
            chances.append(float(numpy.exp(epsilon)) * chances[-1] + generator.choice([0, 0.01, 0.02]))
        start, middle, end = map(coin, chances[::-1] if forward else chances)
    epsilon = first_epsilon + second_epsilon
    there, back = best_event(start, end, epsilon), best_event(end, start, epsilon)
    return {
        "first_epsilon": first_epsilon, "first_delta": over(generator, two_sided_slack(start, middle, first_epsilon)),
        "second_epsilon": second_epsilon, "second_delta": over(generator, two_sided_slack(middle, end, second_epsilon)),
        "v": two_sided_slack(start, end, epsilon),
        "p": float(start[there].sum()), "s": float(middle[there].sum()), "q": float(end[there].sum()),
        "p_back": float(start[back].sum()), "s_back": float(middle[back].sum()), "q_back": float(end[back].sum()),
    }  # fmt: skip


def group(generator: numpy.random.Generator) -> Values:
    count, epsilon = int(generator.integers(1, 6)), generator.uniform(0.02, 1)
    if generator.random() < 0.5:
        laws = [law(generator, int(generator.integers(2, 6)))]
        for _ in range(count):
            laws.append(near(generator, laws[-1]))
    else:
        chance, slack_of_a_step = 1e-3, generator.choice([1e-4, 1e-3])
        laws = [coin(chance)]
        for _ in range(count):
            chance = chance * float(numpy.exp(epsilon)) + slack_of_a_step
            laws.append(coin(chance))
    delta = max(two_sided_slack(laws[t], laws[t + 1], epsilon) for t in range(count))
    event, t = best_event(laws[-1], laws[0], count * epsilon), int(generator.integers(count))
    chances, powers = [float(one[event].sum()) for one in laws], [float(numpy.exp(epsilon)) ** step for step in range(count + 1)]
    return {
        "excess": float(numpy.exp(epsilon)) - 1,
        "group_excess": over(generator, powers[-1] - 1),
        "delta": over(generator, delta),
        "v": slack(laws[-1], laws[0], count * epsilon),
        "w": chances[t], "w_next": chances[t + 1], "w_first": chances[0], "w_last": chances[-1],
        "c": powers[t], "c_next": powers[t + 1], "c_first": 1.0, "c_last": powers[-1],
    }  # fmt: skip


def composition(generator: numpy.random.Generator) -> Values:
    """A law and, for each of its outcomes, another; or twice randomised response."""
    first_epsilon, second_epsilon = generator.uniform(0, 1.5, size=2)
    if generator.random() < 0.5:
        first, first_back = pair(generator)
        seconds = [law(generator, 4) for _ in first]
        seconds_back = [near(generator, one) for one in seconds]
    else:
        first, first_back = response(first_epsilon, 10 ** generator.uniform(-3, -1))
        one, one_back = response(second_epsilon, 10 ** generator.uniform(-3, -1))
        seconds, seconds_back = [one] * first.size, [one_back] * first.size
    ratios = float(numpy.exp(first_epsilon)), float(numpy.exp(second_epsilon))
    joint, joint_back = first[:, None] * numpy.array(seconds), first_back[:, None] * numpy.array(seconds_back)
    event = best_event(joint, joint_back, first_epsilon + second_epsilon)
    test = numpy.minimum(1, ratios[1] * (numpy.array(seconds_back) * event).sum(axis=1))
    second_slacks = [two_sided_slack(one, other, second_epsilon) for one, other in zip(seconds, seconds_back, strict=True)]
    return {
        "first_delta": over(generator, two_sided_slack(first, first_back, first_epsilon)),
        "second_delta": over(generator, max(second_slacks)),
        "v": slack(joint, joint_back, first_epsilon + second_epsilon),
        "p": float(joint[event].sum()), "q": float(joint_back[event].sum()),
        "h": float(first @ test), "k": float(first_back @ test), "first_ratio": ratios[0], "second_ratio": ratios[1],
    }  # fmt: skip


def high_probability(generator: numpy.random.Generator) -> Values:
    """Common randomness picks a pair of laws; with some values of it the two have nothing in common. It is published or kept."""
    count, epsilon = int(generator.integers(2, 6)), generator.uniform(0, 1.5)
    weights = generator.dirichlet(numpy.ones(count)) if generator.random() < 0.5 else coin(10 ** generator.uniform(-4, -1))
    pairs: list[tuple[Law, Law]] = []
    for _ in weights[1:]:
        start = law(generator, 4)
        pairs.append((start, near(generator, start)) if generator.random() < 0.5 else response(epsilon, 0.01))
    bad_pair = numpy.array([1.0, 0, 0, 0]), numpy.array([0, 0, 0, 1.0])
    rows, rows_back = (
        numpy.array([weight * one[side] for weight, one in zip(weights, [bad_pair, *pairs], strict=True)]) for side in (0, 1)
    )
    published = generator.random() < 0.5
    seen, seen_back = (rows, rows_back) if published else (rows.sum(axis=0), rows_back.sum(axis=0))
    event = best_event(seen, seen_back, epsilon) & numpy.ones_like(rows, dtype=bool)
    good = numpy.arange(weights.size) > 0
    return {
        "delta": over(generator, max(two_sided_slack(*one, epsilon) for one in pairs)),
        "failure": over(generator, weights[0]),
        "v": slack(seen, seen_back, epsilon),
        "p": float(rows[event].sum()), "q": float(rows_back[event].sum()),
        "p_good": float((rows * event)[good].sum()), "q_good": float((rows_back * event)[good].sum()),
        "bad": float(weights[0]), "ratio": float(numpy.exp(epsilon)),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "approximate.total-variation": total_variation,
    "approximate.triangle": triangle,
    "approximate.group": group,
    "approximate.composition": composition,
    "approximate.high-probability-sensitivity": high_probability,
}
TIGHT = dict.fromkeys(INSTANCES, 0.999)
