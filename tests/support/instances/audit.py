"""Instances of the theorems on audits: small laws on the boundary of closeness, with every outcome enumerated."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy

from .confidence import beta, coin_scores
from .shared import Instance, Values, over, under


def excess(first: numpy.ndarray, second: numpy.ndarray, epsilon: float) -> float:
    """The least delta for which the first law is at most exp(epsilon) times the second plus delta."""
    return float(numpy.maximum(first - math.exp(epsilon) * second, 0).sum())


def least_epsilon(first: numpy.ndarray, second: numpy.ndarray, delta: float) -> float:
    """The least epsilon at which the laws are close in both directions, by bisection (the upper end)."""
    low, high = 0.0, 60.0
    for _ in range(70):
        middle = (low + high) / 2
        close = max(excess(first, second, middle), excess(second, first, middle)) <= delta
        low, high = (low, middle) if close else (middle, high)
    return high


@dataclass(frozen=True)
class Pair:
    """An unlearned and a retrained law on a few outcomes, and what it takes to call them close."""

    unlearned: numpy.ndarray
    retrained: numpy.ndarray
    epsilon: float
    delta: float


def pair(generator: numpy.random.Generator) -> Pair:
    """Two laws with the unlearned one in front: its excess is the delta at the least epsilon."""
    while True:
        size = int(generator.integers(2, 7))
        first, second = generator.dirichlet(numpy.full(size, 0.7), size=2) * 0.999 + 0.001 / size
        if generator.random() < 0.2:  # randomised response
            first = numpy.array([generator.uniform(0.55, 0.99), 0.0])
            first[1] = 1 - first[0]
            second = first[::-1].copy()
        delta = float(generator.choice([0.0, 10 ** generator.uniform(-4, -0.7)]))
        epsilon = least_epsilon(first, second, delta)
        if epsilon > 0.01:
            ahead = excess(first, second, epsilon) >= excess(second, first, epsilon)
            return Pair(*(first, second) if ahead else (second, first), epsilon, delta)


def rates(generator: numpy.random.Generator, laws: Pair) -> tuple[float, float]:
    """How often the two laws hit a region, the most telling one or a random one."""
    best = laws.unlearned > math.exp(laws.epsilon) * laws.retrained * (1 - 1e-9)
    region = best if generator.random() < 0.6 else generator.random(best.size) < 0.5
    return float(laws.unlearned[region].sum()), float(laws.retrained[region].sum())


def region(generator: numpy.random.Generator) -> Values:
    while True:
        laws = pair(generator)
        hits, f = rates(generator, laws)
        g = max(0.0, 1 - hits)
        values = {
            "false_negatives": over(generator, g), "false_positives": over(generator, f), "delta": over(generator, laws.delta),
            "e": laws.epsilon, "d": laws.delta, "f": f, "g": g,
        }  # fmt: skip
        if f > 1e-6 and 1 - values["false_negatives"] - values["delta"] > 1e-3:
            return values


def total_variation(generator: numpy.random.Generator) -> Values:
    while True:
        laws = pair(generator)
        ahead = laws.unlearned > laws.retrained
        p, q = float(laws.unlearned[ahead].sum()), float(laws.retrained[ahead].sum())
        values = {
            "advantage": under(generator, p - q), "delta": over(generator, laws.delta), "e": laws.epsilon, "d": laws.delta, "p": p, "q": q,
        }  # fmt: skip
        if 1 + values["advantage"] - 2 * values["delta"] > 1e-3:
            return values


def gaussian(generator: numpy.random.Generator) -> Values:
    """The test is positive above a cut, the best, or also between two lower ones."""
    normal = NormalDist()
    while True:
        u, cut = generator.uniform(0, 4), generator.uniform(0, 4)
        ends = sorted(generator.uniform(-3, cut, size=2)) if generator.random() < 0.5 else [cut, cut]
        f = 1 - normal.cdf(cut) + normal.cdf(ends[1]) - normal.cdf(ends[0])
        g = normal.cdf(cut - u) - normal.cdf(ends[1] - u) + normal.cdf(ends[0] - u)
        if f < 0.499:
            break
    s = -normal.inv_cdf(f)
    mu, threshold = over(generator, u), under(generator, s)
    gap = (s - u) - (threshold - mu)
    w = (1 - normal.cdf(u - s) - normal.cdf(threshold - mu)) / gap if gap > 1e-7 else normal.pdf(s - u)
    return {"mu": mu, "threshold": threshold, "g": g, "s": s, "u": u, "w": w}


# ---------------------------------------------------------------- betting


@dataclass(frozen=True)
class Round:
    """One round on its way: how often the two draws hit the region, whether each is there, the stakes of all bettors."""

    hit: float
    false: float
    unlearned_there: bool
    retrained_there: bool
    stakes: tuple[float, ...]

    def outcomes(self) -> list[tuple[float, int, int]]:
        """The probability of every pair of indicators; a missing unlearned draw counts 0, a missing retrained one 1."""
        x, y = self.hit * self.unlearned_there, self.false if self.retrained_there else 1.0
        return [((x if a else 1 - x) * (y if b else 1 - y), a, b) for a in (0, 1) for b in (0, 1)]

    def factors(self, a: int, b: int, epsilon: float, delta: float) -> numpy.ndarray:
        """What the round makes of the capital of every bettor."""
        return 1 + numpy.array(self.stakes) * (a - math.exp(epsilon) * b - delta)


def a_round(generator: numpy.random.Generator, laws: Pair, epsilon: float, greatest: float, bettors: int) -> Round:
    hit, false = rates(generator, laws)
    share = greatest * generator.choice([1.0, generator.uniform(0, 1)], size=bettors)
    there = generator.random(2) < 0.9
    return Round(hit, false, bool(there[0]), bool(there[1]), tuple(share / (math.exp(epsilon) + laws.delta)))


def factor(generator: numpy.random.Generator) -> Values:
    laws = pair(generator)
    epsilon = over(generator, laws.epsilon)
    here = a_round(generator, laws, epsilon, 1.0, 1)
    mean = sum(chance * float(here.factors(a, b, epsilon, laws.delta)[0]) for chance, a, b in here.outcomes())
    return {
        "epsilon": epsilon, "delta": laws.delta, "v": mean, "w": here.stakes[0], "x": here.hit, "y": here.false,
        "s": float(here.unlearned_there), "t": float(here.retrained_there),
    }  # fmt: skip


def loss(generator: numpy.random.Generator) -> Values:
    laws = pair(generator)
    epsilon, fraction = laws.epsilon, generator.uniform(0, 1)
    here = a_round(generator, laws, epsilon, fraction, 1)
    a, b = [(0, 1), (0, 0), (1, 0), (1, 1)][int(generator.choice(4, p=[0.7, 0.1, 0.1, 0.1]))]
    return {
        "fraction": fraction, "epsilon": epsilon, "delta": laws.delta, "v": 1 - float(here.factors(a, b, epsilon, laws.delta)[0]),
        "w": here.stakes[0], "a": a, "b": b,
    }  # fmt: skip


@dataclass
class Node:
    """A past: its probability, the capitals, and whether the mixture has reached the threshold, and with what."""

    chance: float
    capitals: numpy.ndarray
    stopped_at: float | None = None


@dataclass(frozen=True)
class Game:
    """Some rounds of a mixture of bettors, every past enumerated."""

    laws: Pair
    epsilon: float
    fraction: float
    weights: numpy.ndarray
    pasts: list[list[Node]]
    greatest_loss: float
    greatest_mean: float

    def stop_at(self, threshold: float) -> list[dict[str, float]]:
        """What the theorem speaks of after 0, 1, ... rounds; a child keeps the state of its parent (four children in order)."""
        rows: list[dict[str, float]] = []
        for t, nodes in enumerate(self.pasts):
            for index, node in enumerate(nodes):
                value = float(self.weights @ node.capitals)
                before = self.pasts[t - 1][index // 4].stopped_at if t else None
                node.stopped_at = before if before is not None else value if value >= threshold else None
            running = sum(node.chance * float(self.weights @ node.capitals) for node in nodes if node.stopped_at is None)
            left = sum(node.chance * node.stopped_at for node in nodes if node.stopped_at is not None)
            rows.append({
                "stopped": running + left, "running": running, "reached": sum(node.chance for node in nodes if node.stopped_at is not None),
                "lost": 1 - min(float(node.capitals.min()) for node in nodes),
            })  # fmt: skip
        return rows


def certain_hit(generator: numpy.random.Generator) -> Pair:
    """The unlearned law always hits, the retrained one as rarely as closeness lets it: the capital moves least."""
    epsilon = generator.uniform(2, 4)
    rare = math.exp(-epsilon)
    return Pair(numpy.array([1.0, 0.0]), numpy.array([rare, 1 - rare]), epsilon, 0.0)


def game(generator: numpy.random.Generator) -> Game:
    """One to four rounds; the regions and stakes of a round depend on the past."""
    simple = generator.random() < 0.3
    laws = certain_hit(generator) if simple else pair(generator)
    rounds, bettors = (1, 1) if simple else (int(generator.integers(1, 5)), int(generator.integers(1, 4)))
    epsilon, fraction = laws.epsilon if simple else over(generator, laws.epsilon), 1.0 if simple else generator.uniform(0.2, 1)
    pasts, loss, greatest = [[Node(1.0, numpy.ones(bettors))]], -math.inf, -math.inf
    for _ in range(rounds):
        children = []
        for node in pasts[-1]:
            full = Round(1.0, math.exp(-epsilon), True, True, (math.exp(-epsilon),))
            here = full if simple else a_round(generator, laws, epsilon, fraction, bettors)
            loss = max(loss, 1 - float(here.factors(0, 1, epsilon, laws.delta).min()))
            means = sum(chance * here.factors(a, b, epsilon, laws.delta) for chance, a, b in here.outcomes())
            greatest = max(greatest, float(numpy.max(means)))
            children += [
                Node(node.chance * chance, node.capitals * here.factors(a, b, epsilon, laws.delta))
                for chance, a, b in here.outcomes()
            ]
        pasts.append(children)
    return Game(laws, epsilon, fraction, generator.dirichlet(numpy.ones(bettors)), pasts, loss, greatest)


def _claim(played: Game) -> Values:
    return {"fraction": played.fraction, "epsilon": played.epsilon, "delta": played.laws.delta}


def at_steps(generator: numpy.random.Generator, rows: list[dict[str, float]], names: tuple[str, ...]) -> Values:
    """Every number at a random step, at the next, at first and at last."""
    t = int(generator.integers(0, len(rows) - 1))
    at = {"": t, "_next": t + 1, "_first": 0, "_last": len(rows) - 1}
    return {f"{name}{when}": rows[step][name] for name in names for when, step in at.items()}


def capital(generator: numpy.random.Generator) -> Values:
    played = game(generator)
    return {**_claim(played), "g": played.greatest_loss, **at_steps(generator, played.stop_at(math.inf), ("lost",))}


def process(generator: numpy.random.Generator) -> Values:
    played = game(generator)
    values = [float(played.weights @ node.capitals) for nodes in played.pasts for node in nodes]
    threshold = max(values) * (1 - 1e-12) if generator.random() < 0.7 else generator.uniform(0.5, 3)
    rows = played.stop_at(threshold)
    numbers = at_steps(generator, rows, ("stopped", "running", "reached", "lost"))
    return {**_claim(played), "threshold": threshold, "g": played.greatest_mean, **numbers}


# ---------------------------------------------------------------- a grid of claims


def capital_from_counts(epsilon: float, delta: float, counts: tuple[int, int, int, int]) -> float:
    """The capital after so many rounds with indicators (1, 1), (1, 0), (0, 1), (0, 0), nine tenths of the capital at stake."""
    stake = 0.9 / (math.exp(epsilon) + delta)
    pays = [1 - math.exp(epsilon) - delta, 1 - delta, -math.exp(epsilon) - delta, -delta]
    return math.prod((1 + stake * pay) ** count for pay, count in zip(pays, counts, strict=True))


def all_counts(rounds: int, hit: float, false: float) -> list[tuple[float, tuple[int, int, int, int]]]:
    """Every outcome of so many rounds with its multinomial probability."""
    cells = [hit * false, hit * (1 - false), (1 - hit) * false, (1 - hit) * (1 - false)]
    found = []
    for a, b, c in itertools.product(range(rounds + 1), repeat=3):
        d = rounds - a - b - c
        if d >= 0:
            ways = math.factorial(rounds) // math.prod(math.factorial(count) for count in (a, b, c, d))
            found.append((ways * math.prod(cell**count for cell, count in zip(cells, (a, b, c, d), strict=True)), (a, b, c, d)))
    return found


def grid(generator: numpy.random.Generator) -> Values:
    """Bets at every point of a grid; with delta > 0 the capital does not fall with epsilon."""
    while True:
        laws = pair(generator)
        hit, false = rates(generator, laws)
        points = numpy.sort(generator.uniform(0, 1.5 * laws.epsilon, size=int(generator.integers(1, 8))))
        if not points[-1] >= laws.epsilon:
            continue
        level, true = generator.uniform(0.2, 0.8), points >= laws.epsilon
        exceeds, rejected = 0.0, numpy.zeros(points.size)
        for chance, counts in all_counts(int(generator.integers(1, 9)), hit, false):
            rejects = numpy.array([capital_from_counts(point, laws.delta, counts) >= 1 / level for point in points])
            run = int(numpy.argmin([*rejects, False]))
            exceeds += chance * (run > 0 and points[run - 1] > laws.epsilon)
            rejected += chance * rejects
        return {"alpha": over(generator, float(max(rejected[true].max(), 1e-6))), "m": exceeds, "c": float(rejected[true][0])}


# ---------------------------------------------------------------- one run


def tilted(chances: numpy.ndarray, event: numpy.ndarray, epsilon: float, delta: float) -> numpy.ndarray:
    """The law that is (epsilon, delta)-close to the given one in both directions and gives the event as much as it can."""
    before = float(chances[event].sum())
    if before in {0.0, 1.0}:
        return chances
    after = min(1.0, math.exp(epsilon) * before + delta, 1 - (1 - before - delta) * math.exp(-epsilon))
    law: numpy.ndarray = numpy.where(event, chances * after / before, chances * (1 - after) / (1 - before))
    return law


@dataclass(frozen=True)
class Run:
    """Coins, results, the reference law of the results, and how many calls are right for every coins and result."""

    reference: numpy.ndarray
    right: numpy.ndarray
    calls: int


def run(generator: numpy.random.Generator) -> Run:
    """A result is a guess of all the coins; which of them are called depends on it."""
    coins = int(generator.integers(1, 6))
    words = numpy.array(list(itertools.product([0, 1], repeat=coins)))
    calls = int(generator.integers(1, coins + 1))
    called = numpy.array([numpy.isin(numpy.arange(coins), generator.choice(coins, size=calls, replace=False)) for _ in words])
    right = ((words[:, None, :] == words[None, :, :]) & called[None, :, :]).sum(axis=2)
    even = numpy.full(len(words), 1 / len(words))
    return Run(even if generator.random() < 0.5 else generator.dirichlet(numpy.ones(len(words))), right, calls)


def seen(one: Run, least: float, epsilon: float, delta: float) -> tuple[float, float, float]:
    """Chance that ``right`` is at least so much: after unlearning and under the reference; and the least epsilon of all coins."""
    unlearned = [tilted(one.reference, row >= least, epsilon, delta) for row in one.right]
    chance = float(numpy.mean([law[row >= least].sum() for law, row in zip(unlearned, one.right, strict=True)]))
    independent = float(numpy.mean([one.reference[row >= least].sum() for row in one.right]))
    return chance, independent, max(least_epsilon(law, one.reference, delta) for law in unlearned)


def one_run_tail(generator: numpy.random.Generator) -> Values:
    one = run(generator)
    v, delta = int(generator.integers(1, one.calls + 1)), float(generator.choice([0.0, generator.uniform(0, 0.2)]))
    c, b, epsilon = seen(one, v, generator.uniform(0, 2), delta)
    return {"r": one.calls, "v": v, "epsilon": over(generator, epsilon), "delta": over(generator, delta), "c": c, "b": b}


def one_run(generator: numpy.random.Generator) -> Values:
    while True:
        one = run(generator)
        v, delta = int(generator.integers(1, one.calls + 1)), float(generator.choice([0.0, generator.uniform(0, 0.2)]))
        c, _, epsilon = seen(one, v, generator.uniform(0, 2), delta)
        values = {
            "r": one.calls, "v": v, "delta": over(generator, delta), "tail": over(generator, beta(0.5, v, one.calls - v + 1)),
            "alpha": min(under(generator, c), 1 - 1e-12), "e": epsilon, "c": c,
        }  # fmt: skip
        if values["alpha"] > values["delta"] + 1e-6:
            return values


def one_run_level(generator: numpy.random.Generator) -> Values:
    """The truth lies just below what the rule reports at some count, or anywhere down to the report before."""
    while True:
        one = run(generator)
        tails = [1.0, *(beta(0.5, count, one.calls - count + 1) for count in range(1, one.calls + 1))]
        delta = float(generator.choice([0.0, generator.uniform(0, 0.2)]))
        alpha = generator.uniform(delta + 0.02, 0.95)
        reports = [max(0.0, math.log((alpha - delta) / tail)) for tail in tails]
        v = int(generator.integers(1, one.calls + 1))
        if reports[v] <= 1e-6:
            continue
        share = float(generator.choice([1e-6, generator.uniform(0, 1)]))
        wanted = reports[v] - share * (reports[v] - reports[v - 1])
        unlearned = [tilted(one.reference, row >= v, wanted, delta) for row in one.right]
        truth = max(least_epsilon(law, one.reference, delta) for law in unlearned)
        excessive = [count for count in range(one.calls + 1) if reports[count] > truth]
        chances = [
            float(numpy.mean([law[row >= count].sum() for law, row in zip(unlearned, one.right, strict=True)]))
            for count in range(one.calls + 1)
        ]
        if excessive:
            least = min(excessive)
            return {
                "r": one.calls, "v": least, "epsilon": reports[least], "delta": delta, "alpha": min(over(generator, alpha), 0.999),
                "m": chances[least], "c": chances[least],
            }  # fmt: skip


def one_run_weighted(generator: numpy.random.Generator) -> Values:
    """Every result brings its own weights."""
    coins = int(generator.integers(1, 6))
    results = int(generator.integers(1, 6))
    scores = numpy.stack([coin_scores(generator.normal(size=coins)) for _ in range(results)], axis=1)
    score = float(generator.choice(scores[scores > 1e-3])) * (1 - 1e-12)
    one = Run(generator.dirichlet(numpy.ones(results)), scores, coins)
    delta = float(generator.choice([0.0, generator.uniform(0, 0.2)]))
    c, b, epsilon = seen(one, score, generator.uniform(0, 1), delta)
    return {"score": score, "epsilon": over(generator, epsilon), "delta": over(generator, delta), "c": c, "b": b}


INSTANCES: dict[str, Instance] = {
    "audit.region": region,
    "audit.total-variation": total_variation,
    "audit.gaussian": gaussian,
    "audit.e-factor": factor,
    "audit.e-loss": loss,
    "audit.e-capital": capital,
    "audit.e-process": process,
    "audit.grid": grid,
    "audit.one-run-tail": one_run_tail,
    "audit.one-run": one_run,
    "audit.one-run-level": one_run_level,
    "audit.one-run-weighted": one_run_weighted,
}
TIGHT = {
    "audit.region": 1 - 1e-6,
    "audit.total-variation": 1 - 1e-6,
    "audit.gaussian": 1 - 1e-6,
    "audit.e-factor": 1 - 1e-6,
    "audit.e-loss": 1 - 1e-6,
    "audit.e-capital": 1 - 1e-6,
    "audit.e-process": 0.99,
    "audit.grid": 0.99,
    "audit.one-run-tail": 1 - 1e-6,
    "audit.one-run": 1 - 1e-6,
    "audit.one-run-level": 0.99,
    "audit.one-run-weighted": 0.8,  # as for the coins
}
