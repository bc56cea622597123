"""Instances of the theorems on sequences of deletions: real logistic sums with every minimiser found, and ramps that come near to equality."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy

from .shared import Instance, Values, norm, over, sigmoid, under

_THIRD = 1 / (6 * 3**0.5)


class Sum:
    """The sum of logistic losses over records and (ridge/2)|w|², and its minimiser without some of the records."""

    def __init__(self, features: numpy.ndarray, labels: numpy.ndarray, ridge: float) -> None:
        self.features, self.labels, self.ridge = features, labels, ridge
        self.count, self.dimension = features.shape
        self.best = self.minimiser([])

    def records(self, w: numpy.ndarray) -> numpy.ndarray:
        return (-self.labels * sigmoid(-self.labels * (self.features @ w)))[:, None] * self.features

    def losses_hessian(self, w: numpy.ndarray, deleted: list[int]) -> numpy.ndarray:
        share = sigmoid(self.features @ w)
        weights = share * (1 - share)
        weights[deleted] = 0
        return (self.features * weights[:, None]).T @ self.features

    def hessian(self, w: numpy.ndarray, deleted: list[int]) -> numpy.ndarray:
        return self.losses_hessian(w, deleted) + self.ridge * numpy.eye(self.dimension)

    def gradient(self, w: numpy.ndarray, deleted: list[int]) -> numpy.ndarray:
        return numpy.delete(self.records(w), deleted, axis=0).sum(axis=0) + self.ridge * w

    def minimiser(self, deleted: list[int]) -> numpy.ndarray:
        w = numpy.zeros(self.dimension)
        for _ in range(200):
            gradient = self.gradient(w, deleted)
            step = numpy.linalg.solve(self.hessian(w, deleted), gradient)
            size = 1.0
            while norm(self.gradient(w - size * step, deleted)) > norm(gradient) and size > 1e-9:
                size /= 2
            w = w - size * step
            if norm(step) < 1e-15:
                break
        return w

    def residual(self, deleted: list[int]) -> numpy.ndarray:
        """One Newton step from the best parameters over all records, less the minimiser without the deleted."""
        step = numpy.linalg.solve(self.hessian(self.best, deleted), self.records(self.best)[deleted].sum(axis=0))
        return self.best + step - self.minimiser(deleted)


def logistic(generator: numpy.random.Generator) -> Sum:
    count, dimension = int(generator.integers(3, 10)), int(generator.integers(1, 4))
    features = generator.normal(size=(count, dimension))
    features *= generator.uniform(0.2, 1, size=(count, 1)) / numpy.linalg.norm(features, axis=1, keepdims=True)
    if generator.random() < 0.3:
        features[:] = features[0] * generator.uniform(0.5, 1, size=(count, 1))
    labels = numpy.ones(count) if generator.random() < 0.4 else generator.choice([-1.0, 1.0], size=count)
    return Sum(features, labels, 10 ** generator.uniform(-1, 1))


@dataclass
class Pair:
    """A request of ``earlier`` records that grows by ``further``, and what is measured of both."""

    earlier: int
    further: int
    d: float
    x: float
    y: float
    z: float
    g_before: float
    g_change: float
    g_left: float
    p: float
    q: float
    s: float
    f: float
    k: float
    w: float
    t: float
    residual: float
    removed: float
    start_curvature: float
    later_curvature: float
    curvature: float
    gradient: float
    smoothness: float
    record_hessian: float
    hessian_lipschitz: float


def pair_of(problem: Sum, first: list[int], second: list[int]) -> Pair:
    best = problem.best
    far = [problem.minimiser(deleted) - best for deleted in (first, second)]
    step, change = far[1] - far[0], [record for record in second if record not in first]
    hessians = [problem.hessian(best, deleted) for deleted in (first, second)]
    inverses = [numpy.linalg.inv(hessian) for hessian in hessians]
    sizes = numpy.linalg.norm(problem.features, axis=1)
    radius = max(map(norm, far))
    ends = [problem.features @ best + sign * radius * sizes for sign in (-1, 1)]
    slopes = numpy.maximum(*(sigmoid(-problem.labels * end) for end in ends))

    def remainder(deleted: list[int], point: numpy.ndarray) -> numpy.ndarray:
        return problem.gradient(best + point, deleted) - problem.gradient(best, deleted) - problem.hessian(best, deleted) @ point

    remainders = [remainder(first, far[0]), remainder(second, far[1])]
    residuals = [-inverse @ -one for inverse, one in zip(inverses, remainders, strict=True)]
    gradients = problem.records(best)
    fading = float(numpy.exp(-sizes.max() * radius)) * float(numpy.linalg.eigvalsh(problem.losses_hessian(best, second))[0])
    between = problem.losses_hessian(best, first) - problem.losses_hessian(best, second)
    return Pair(
        len(first), len(change), norm(residuals[1] - residuals[0]), norm(far[0]), norm(far[1]), norm(step),
        norm(gradients[first].sum(axis=0)), norm(gradients[change].sum(axis=0)), norm(problem.gradient(best + far[0], second)),
        norm(inverses[1] @ (remainders[1] - remainders[0])), norm((inverses[1] - inverses[0]) @ remainders[0]), norm(remainders[1] - remainders[0]),
        norm(remainder(second, far[1]) - remainder(second, far[0])), norm(remainder(second, far[0]) - remainders[0]), norm(remainders[0]),
        float(numpy.linalg.norm(inverses[1] - inverses[0], 2)), norm(residuals[0]), float(numpy.linalg.norm(between, 2)),
        float(numpy.linalg.eigvalsh(hessians[0])[0]), float(numpy.linalg.eigvalsh(hessians[1])[0]), problem.ridge + max(0.0, fading) * 0.999999,
        float((slopes * sizes).max()), float(sizes.max() ** 2 / 4), float(_THIRD * sizes.max() ** 3),
        float(numpy.linalg.norm((problem.features * (_THIRD * sizes)[:, None]).T @ problem.features, 2)),
    )  # fmt: skip


def logistic_pair(generator: numpy.random.Generator) -> Pair:
    problem = logistic(generator)
    order = generator.permutation(problem.count).tolist()
    later = int(generator.integers(1, problem.count))
    return pair_of(problem, order[: int(generator.integers(0, later))], order[:later])


def ramp_pair(generator: numpy.random.Generator) -> Pair:
    """One parameter: K w²/2 + C max(w, 0)³/6 over all, each record b w + B w²/2 + c max(w, 0)³/6 of it."""
    earlier, further = int(generator.integers(0, 5)), int(generator.integers(1, 4))
    later = earlier + further
    total, b = 10 ** generator.uniform(-1, 1, size=2)
    share = generator.choice([0, 1e-3, generator.random() / later])
    third = 10 ** generator.uniform(-4, -1) * total**2 / (b * later)
    smoothness, record_third = share * total, generator.choice([0, 1]) * third * share

    def at(m: int) -> tuple[float, float, float]:
        curve, ramp = total - m * smoothness, third - m * record_third
        v = 2 * m * b / (curve + numpy.sqrt(curve**2 + 2 * ramp * m * b))
        return curve, ramp, float(v)

    (first, ramp, x), (second, later_ramp, y) = at(earlier), at(later)
    remainders = (ramp * x**2 / 2, later_ramp * y**2 / 2)
    residuals = (remainders[0] / first, remainders[1] / second)
    turn = 1 / second - 1 / first
    return Pair(
        earlier, further, residuals[1] - residuals[0], x, y, y - x, earlier * b, further * b, further * (b + smoothness * x + record_third * x**2 / 2),
        abs(remainders[1] - remainders[0]) / second, turn * remainders[0], abs(remainders[1] - remainders[0]),
        later_ramp * (y**2 - x**2) / 2, further * record_third * x**2 / 2, remainders[0], turn, residuals[0], further * smoothness,
        first, second, second, b + smoothness * y + record_third * y**2 / 2, smoothness + record_third * y, record_third, third,
    )  # fmt: skip


def pair(generator: numpy.random.Generator) -> Pair:
    return logistic_pair(generator) if generator.random() < 0.5 else ramp_pair(generator)


def residual(generator: numpy.random.Generator) -> Values:
    found = pair(generator)
    return {
        "request": over(generator, found.g_before), "hessian_lipschitz": over(generator, found.hessian_lipschitz),
        "curvature": under(generator, found.curvature), "start_curvature": under(generator, found.start_curvature),
        "d": found.residual, "x": found.x, "w": found.w,
    }  # fmt: skip


def count_residual(generator: numpy.random.Generator) -> Values:
    found = pair(generator)
    return {
        "m": found.earlier, "gradient": over(generator, found.gradient), "hessian_lipschitz": over(generator, found.hessian_lipschitz),
        "curvature": under(generator, found.curvature), "d": found.residual, "g": found.g_before,
    }  # fmt: skip


def shift(generator: numpy.random.Generator) -> Values:
    found = pair(generator)
    return {
        "change": over(generator, found.g_change), "m": found.further, "smoothness": over(generator, found.smoothness),
        "before": over(generator, found.x), "curvature": under(generator, found.curvature), "z": found.z, "g": found.g_left, "x": found.x,
    }  # fmt: skip


def inverse_change(generator: numpy.random.Generator) -> Values:
    """A positive semidefinite matrix added to a positive definite one; in some draws both are multiples of the unit matrix."""
    size = int(generator.integers(1, 5))
    smaller, added = (root @ root.T for root in generator.normal(size=(2, size, size)))
    smaller = smaller + 10 ** generator.uniform(-2, 1) * numpy.eye(size)
    if generator.random() < 0.4:
        smaller, added = (10 ** generator.uniform(-1, 1) * numpy.eye(size) for _ in range(2))
    inverse, larger = numpy.linalg.inv(smaller), numpy.linalg.inv(smaller + added)
    values, vectors = numpy.linalg.eigh(inverse - larger)
    point, b = vectors[:, -1], float(numpy.linalg.eigvalsh(added)[-1])
    z = numpy.linalg.solve(smaller + b * numpy.eye(size), point)
    return {
        "removed": over(generator, b), "curvature": under(generator, float(numpy.linalg.eigvalsh(smaller)[0])), "t": float(values[-1]), "b": b,
        "p": float(point @ inverse @ point), "s": float(point @ z), "y": float(point @ inverse @ z), "u": norm(inverse @ z), "z": norm(z),
    }  # fmt: skip


def increment(generator: numpy.random.Generator) -> Values:
    found = pair(generator)
    return {
        "before": over(generator, found.x), "after": over(generator, found.y), "moved": over(generator, found.z), "m": found.further,
        "record_hessian": over(generator, found.record_hessian), "hessian_lipschitz": over(generator, found.hessian_lipschitz),
        "curvature": under(generator, found.later_curvature), "turn": over(generator, found.t),
        **{name: getattr(found, name) for name in ("d", "x", "y", "z", "p", "q", "s", "f", "k", "w", "t")},
    }  # fmt: skip


def count_increment(generator: numpy.random.Generator) -> Values:
    found = pair(generator)
    return {
        "earlier": found.earlier, "m": found.further, "gradient": over(generator, found.gradient), "smoothness": over(generator, found.smoothness),
        "record_hessian": over(generator, found.record_hessian), "hessian_lipschitz": over(generator, found.hessian_lipschitz),
        "curvature": under(generator, found.curvature), **{name: getattr(found, name) for name in ("d", "x", "y", "z", "t")},
    }  # fmt: skip


def curvature(generator: numpy.random.Generator) -> Values:
    """Random points of the ball, the farthest among them; far out in one dimension the curvature fades as fast as it may."""
    problem = logistic(generator)
    radius = 10 ** generator.uniform(-1, 0.5)
    far = generator.normal(size=problem.dimension)
    centre = far * generator.choice([0, 20, 1])
    point = centre + far / norm(far) * radius * generator.choice([1, generator.random()])
    values, vectors = numpy.linalg.eigh(problem.losses_hessian(point, []))
    v = vectors[:, 0]
    hessian = problem.losses_hessian(centre, [])
    size = float(numpy.linalg.norm(problem.features, axis=1).max())
    return {
        "l2": under(generator, problem.ridge), "start_curvature": max(0.0, under(generator, float(numpy.linalg.eigvalsh(hessian)[0]))),
        "self_concordance": over(generator, size), "radius": over(generator, radius),
        "k": problem.ridge + float(values[0]), "r": problem.ridge, "b": float(values[0]), "h": float(v @ hessian @ v),
    }  # fmt: skip


def removed(generator: numpy.random.Generator) -> Values:
    problem, deleted = _deleted(generator)
    parts, whole = _parts(problem, deleted), problem.hessian(problem.best, [])
    x = numpy.linalg.eigh(problem.hessian(problem.best, deleted))[1][:, 0]
    taken = parts.sum(axis=0)
    return {
        "least": under(generator, float(numpy.linalg.eigvalsh(whole)[0])),
        "removed": over(generator, float(sum(numpy.linalg.norm(part, 2) for part in parts))),
        "k": float(x @ (whole - taken) @ x), "f": float(x @ whole @ x), "s": float(x @ taken @ x),
    }  # fmt: skip


def leverage(generator: numpy.random.Generator) -> Values:
    while True:
        problem, deleted = _deleted(generator)
        parts, whole = _parts(problem, deleted), problem.hessian(problem.best, [])
        total = over(generator, float(numpy.trace(numpy.linalg.solve(whole, parts.sum(axis=0)))))
        if total <= 1:
            break
    x = numpy.linalg.eigh(problem.hessian(problem.best, deleted))[1][:, 0]
    taken = parts.sum(axis=0)
    return {
        "least": under(generator, float(numpy.linalg.eigvalsh(whole)[0])), "leverage": total,
        "k": float(x @ (whole - taken) @ x), "f": float(x @ whole @ x), "s": float(x @ taken @ x),
    }  # fmt: skip


def _deleted(generator: numpy.random.Generator) -> tuple[Sum, list[int]]:
    problem = logistic(generator)
    return problem, generator.permutation(problem.count)[: int(generator.integers(1, problem.count))].tolist()


def _parts(problem: Sum, deleted: list[int]) -> numpy.ndarray:
    share = sigmoid(problem.features @ problem.best)[deleted]
    rows = problem.features[deleted] * numpy.sqrt(share * (1 - share))[:, None]
    return rows[:, :, None] * rows[:, None, :]


def _course(generator: numpy.random.Generator) -> list[numpy.ndarray]:
    """The residuals along a random course of requests on a real problem, nothing first."""
    problem = logistic(generator)
    order = generator.permutation(problem.count - 1).tolist()
    ends = sorted(
        generator.choice(numpy.arange(1, len(order) + 1), size=int(generator.integers(1, len(order) + 1)), replace=False)
    )
    return [numpy.zeros(problem.dimension), *(problem.residual(order[:end]) for end in ends)]


def _named(name: str, values: numpy.ndarray, now: int) -> Values:
    return {
        name: float(values[now]),
        f"{name}_next": float(values[now + 1]),
        f"{name}_first": float(values[0]),
        f"{name}_last": float(values[-1]),
    }


def random_walk(generator: numpy.random.Generator) -> Values:
    course = _course(generator)
    moves = numpy.array([norm(later - earlier) for earlier, later in itertools.pairwise(course)]) * 10 ** generator.uniform(0, 4)
    moves += 1e-3 * (moves == 0)
    scale = 10 ** generator.uniform(-1, 1)
    variances = scale * moves * (1 + generator.choice([0, 1]) * generator.random(moves.size))
    spent, used = (numpy.concatenate([[0], numpy.cumsum(part)]) for part in (moves**2 / variances, moves))
    now = int(generator.integers(moves.size))
    return {
        "path": over(generator, float(used[-1])), "scale": under(generator, scale), "v": float(spent[-1] ** 0.5),
        "b": float(moves[now] / variances[now] ** 0.5), "w": float(variances[now]), "d": float(moves[now]),
        **_named("spent", spent, now), **_named("used", used, now),
    }  # fmt: skip


def independent(generator: numpy.random.Generator) -> Values:
    residuals = numpy.array([norm(one) for one in _course(generator)[1:]]) * 10 ** generator.uniform(0, 4)
    sigma = 10 ** generator.uniform(-1, 1)
    spent, used = (numpy.concatenate([[0], numpy.cumsum(part)]) for part in ((residuals / sigma) ** 2, residuals**2))
    now = int(generator.integers(residuals.size))
    return {
        "squares": over(generator, float(used[-1])), "sigma": under(generator, sigma), "v": float(spent[-1] ** 0.5), "b": float(residuals[now] / sigma),
        "w": sigma**2, "d": float(residuals[now]), **_named("spent", spent, now), **_named("used", used, now),
    }  # fmt: skip


def set_path(generator: numpy.random.Generator) -> Values:
    if generator.random() < 0.5:
        return _ramp_path(generator)
    problem = logistic(generator)
    order = generator.permutation(problem.count).tolist()
    steps = int(generator.integers(1, problem.count))
    pairs = [pair_of(problem, order[:k], order[: k + 1]) for k in range(steps)]
    gradients = numpy.linalg.norm(problem.records(problem.best), axis=1)
    largest = float(numpy.sort(gradients)[-steps:].sum())
    return _path_values(generator, pairs, gradients[order[:steps]], largest)


def _ramp_path(generator: numpy.random.Generator) -> Values:
    """Equal records that are linear: all of the path comes from the ramp of the whole."""
    steps, total, b = int(generator.integers(1, 6)), 10 ** generator.uniform(-1, 1), 10 ** generator.uniform(-1, 1)
    third = 10 ** generator.uniform(-4, -1) * total**2 / (b * steps)
    ways = [2 * m * b / (total + numpy.sqrt(total**2 + 2 * third * m * b)) for m in range(steps + 1)]
    pairs = []
    for m, (x, y) in enumerate(itertools.pairwise(ways)):
        d = third * (y**2 - x**2) / (2 * total)
        pairs.append(
            Pair(
                m,
                1,
                d,
                x,
                y,
                y - x,
                m * b,
                b,
                b,
                d,
                0,
                d * total,
                d * total,
                0,
                third * x**2 / 2,
                0,
                0,
                0,
                total,
                total,
                total,
                b,
                0,
                0,
                third,
            )
        )
    return _path_values(generator, pairs, numpy.full(steps, b), steps * b)


def _path_values(generator: numpy.random.Generator, pairs: list[Pair], gradients: numpy.ndarray, largest: float) -> Values:
    now = int(generator.integers(len(pairs)))
    moves = numpy.array([one.d for one in pairs])
    sums, used = (numpy.concatenate([[0], numpy.cumsum(part)]) for part in (gradients, moves))
    here = pairs[now]
    return {
        "gradient_sum": over(generator, largest), "gradient": max(one.gradient for one in pairs), "m": len(pairs),
        "smoothness": over(generator, here.smoothness),
        "record_hessian": over(generator, here.record_hessian), "hessian_lipschitz": over(generator, here.hessian_lipschitz),
        "curvature": under(generator, min(one.curvature for one in pairs)), "q": float(gradients[now]),
        **{name: getattr(here, name) for name in ("d", "x", "y", "z", "t")},
        **_named("sums", sums, now), **_named("used", used, now), **_named("j", numpy.arange(len(pairs) + 1), now),
    }  # fmt: skip


def count_path(generator: numpy.random.Generator) -> Values:
    values = set_path(generator)
    count = int(values["j_last"])
    squares = numpy.concatenate([[0], numpy.cumsum(numpy.arange(count) ** 2)])
    return {
        **values, "squares": over(generator, float(squares[-1])), "gradient": over(generator, values["gradient"]),
        **_named("sums", squares, int(values["j"])),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "continual.residual": residual,
    "continual.count-residual": count_residual,
    "continual.shift": shift,
    "continual.inverse-change": inverse_change,
    "continual.increment": increment,
    "continual.count-increment": count_increment,
    "continual.removed": removed,
    "continual.leverage": leverage,
    "continual.curvature": curvature,
    "continual.random-walk": random_walk,
    "continual.independent": independent,
    "continual.count-path": count_path,
    "continual.set-path": set_path,
}
TIGHT = {
    "continual.residual": 0.95,
    "continual.count-residual": 0.95,
    "continual.shift": 0.95,
    "continual.inverse-change": 0.9999,
    "continual.increment": 0.95,
    "continual.count-increment": 0.95,
    "continual.removed": 0.95,
    "continual.leverage": 0.95,
    "continual.curvature": 0.95,
    "continual.random-walk": 0.9999,
    "continual.independent": 0.9999,
    "continual.count-path": 0.95,
    "continual.set-path": 0.95,
}
