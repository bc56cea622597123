"""Instances of the theorems on the largest eigenvalue: outliers above a bulk, Lanczos vectors with and without orthogonality, sharp planes."""

from __future__ import annotations

import numpy
from scipy import stats

from .shared import Instance, Values, over, under


def rotated(generator: numpy.random.Generator, values: numpy.ndarray) -> numpy.ndarray:
    basis, _ = numpy.linalg.qr(generator.normal(size=(len(values), len(values))))
    return (basis * values) @ basis.T


def spectrum(generator: numpy.random.Generator, semidefinite: bool) -> numpy.ndarray:
    """A few outliers and a bulk that is from a thousandth of them to as large."""
    size = int(generator.integers(3, 15))
    bulk = 10 ** generator.uniform(-3, 0) * generator.normal(size=size)
    bulk[: int(generator.integers(1, 3))] = generator.uniform(1, 3)
    return numpy.abs(bulk) if semidefinite else bulk


def lanczos(matrix: numpy.ndarray, start: numpy.ndarray, steps: int) -> numpy.ndarray:
    """An orthonormal basis of the Krylov space, by full reorthogonalisation; shorter where the space ends."""
    columns = [start / numpy.linalg.norm(start)]
    for _ in range(steps - 1):
        image = matrix @ columns[-1]
        basis = numpy.stack(columns, axis=1)
        for _ in range(2):
            image = image - basis @ (basis.T @ image)
        if numpy.linalg.norm(image) < 1e-6:
            break
        columns.append(image / numpy.linalg.norm(image))
    return numpy.stack(columns, axis=1)


class Deflation:
    """A, columns Y (Ritz vectors of a Lanczos run, knocked a little off orthogonality), and the parts of the top eigenvector."""

    def __init__(self, generator: numpy.random.Generator, semidefinite: bool) -> None:
        sharp = generator.random() < 0.4
        values = spectrum(generator, semidefinite)
        if sharp:  # two eigenvalues, and one column in their plane: nothing is lost
            values[2:] = 0
            values[:2] = numpy.sort(generator.uniform(0.1, 3, size=2))[::-1]
        matrix = self.matrix = rotated(generator, values)
        size = len(values)
        start = matrix @ generator.normal(size=size) if sharp else generator.normal(size=size)
        krylov = lanczos(matrix, start, 1 if sharp else int(generator.integers(1, size)))
        _, vectors = numpy.linalg.eigh(krylov.T @ matrix @ krylov)
        columns = (krylov @ vectors)[:, -int(generator.integers(1, krylov.shape[1] + 1)) :]
        noise = generator.normal(size=columns.shape)
        knock = generator.choice([0, 1e-6, 0.2]) / numpy.linalg.norm(noise, 2)
        self.columns = columns if sharp else columns + knock * noise
        count = columns.shape[1]
        gram, self.form = self.columns.T @ self.columns, self.columns.T @ matrix @ self.columns
        self.residual = matrix @ self.columns - self.columns @ self.form
        self.skew = float(numpy.linalg.norm(gram - numpy.eye(count), 2))
        inside = self.columns @ numpy.linalg.solve(gram, self.columns.T)
        outside = numpy.eye(size) - inside
        self.inside, self.outside = inside, outside
        self.kept, self.rest = inside @ matrix @ inside, outside @ matrix @ outside
        top, vectors = numpy.linalg.eigh(matrix)
        x = vectors[:, -1]
        a = numpy.linalg.solve(gram, self.columns.T @ x)
        q = outside @ x
        self.parts = {
            "t": float(top[-1]), "c": float(numpy.linalg.norm(a)), "p": float(numpy.linalg.norm(inside @ x)), "z": float(numpy.linalg.norm(q)),
            "inside": float(a @ self.form @ a), "cross": float(q @ matrix @ self.columns @ a), "outside": float(q @ matrix @ q),
        }  # fmt: skip

    def hypotheses(self, generator: numpy.random.Generator, tail: float) -> Values:
        """The numbers that all three theorems ask for, and the best weight, or nearly."""
        top = max(float(numpy.linalg.eigvalsh(self.form)[-1]), 0.0)
        coupling = float(numpy.linalg.norm(self.residual, 2))
        margin, gap = 1 - self.skew, top - tail * (1 - self.skew)
        weight = (numpy.hypot(gap, 2 * coupling * margin**0.5) - gap) / (2 * coupling) if coupling > 1e-12 else 1.0
        return {
            "top": over(generator, top), "coupling": over(generator, coupling), "skew": self.skew,
            "weight": float(max(weight, 1e-12)) * float(generator.choice([1, 1, 2])),
        }  # fmt: skip


def deflated(generator: numpy.random.Generator) -> Values:
    case = Deflation(generator, semidefinite=False)
    tail = max(float(numpy.linalg.eigvalsh(case.rest)[-1]), 0.0)
    return {**case.parts, **case.hypotheses(generator, tail), "tail": over(generator, tail)}


def deflated_trace(generator: numpy.random.Generator) -> Values:
    case = Deflation(generator, semidefinite=True)
    trace, ritz = float(numpy.trace(case.matrix)), float(numpy.trace(case.form))
    return {
        **case.parts, **case.hypotheses(generator, trace - ritz / (1 + case.skew)), "trace": over(generator, trace),
        "ritz_sum": under(generator, ritz), "rest": float(numpy.trace(case.rest)), "kept": float(numpy.trace(case.kept)),
    }  # fmt: skip


def squared(matrix: numpy.ndarray) -> float:
    return float((matrix**2).sum())


def deflated_frobenius(generator: numpy.random.Generator) -> Values:
    case = Deflation(generator, semidefinite=False)
    tail = float(numpy.linalg.norm(case.rest))
    return {
        **case.parts, **case.hypotheses(generator, tail), "square_sum": over(generator, squared(case.matrix)),
        "ritz_squares": under(generator, squared(case.form)), "residual_squares": under(generator, squared(case.residual)), "b": tail,
        "kept": squared(case.kept), "mixed": squared(case.outside @ case.matrix @ case.inside), "form": squared(case.form),
        "along": squared(case.inside @ case.residual), "across": squared(case.outside @ case.residual),
    }  # fmt: skip


def wolkowicz_styan(generator: numpy.random.Generator, turn: int) -> Values:
    """Any spectrum with a trace that is not negative, or one outlier and equal others, where the bound is attained."""
    size = int(generator.integers(1, 12))
    values = numpy.sort(generator.normal(size=size) + generator.uniform(0, 2))[::-1]
    if generator.random() < 0.5:
        values = numpy.full(size, generator.uniform(0, 1) if turn > 0 else -generator.uniform(0, 1) / size)
        values[0] = generator.uniform(1, 2)
    values = values if values.sum() >= 0 else -values[::-1]
    matrix = rotated(generator, values)
    best = turn * values[1:].mean() / values[0] if size > 1 else 0.0
    trace = float(numpy.trace(matrix))
    return {
        "trace": under(generator, trace) if turn > 0 else over(generator, trace), "square_sum": over(generator, squared(matrix)), "others": size - 1,
        "weight": float(numpy.clip(best, 0, 0.999)) if generator.random() < 0.7 else generator.random(),
        "t": float(numpy.linalg.eigvalsh(matrix)[-1]), "rest": float(values[1:].sum()), "b": float(numpy.linalg.norm(matrix)),
    }  # fmt: skip


def dropped_ritz(generator: numpy.random.Generator) -> Values:
    size = int(generator.integers(3, 12))
    matrix = (
        rotated(generator, spectrum(generator, semidefinite=False))
        if generator.random() < 0.5
        else rotated(generator, generator.normal(size=size))
    )
    size = len(matrix)
    columns, _ = numpy.linalg.qr(generator.normal(size=(size, int(generator.integers(2, size)))))
    columns = columns + generator.choice([0, 1e-6, 0.2]) / size * generator.normal(size=columns.shape)
    count = int(generator.integers(1, columns.shape[1]))
    kept, rest = columns[:, :count], columns[:, count:]
    beyond_kept = numpy.eye(size) - kept @ numpy.linalg.pinv(kept)
    beyond = numpy.eye(size) - columns @ numpy.linalg.pinv(columns)
    between, dropped = beyond_kept - beyond, beyond_kept @ rest
    form = columns.T @ matrix @ columns
    residual = matrix @ columns - columns @ form
    tail = float(numpy.linalg.norm(beyond @ matrix @ beyond))
    return {
        "tail": over(generator, tail), "dropped": over(generator, float(numpy.linalg.norm(form[count:, count:]))),
        "dropped_residual": over(generator, float(numpy.linalg.norm(residual[:, count:]))), "form": over(generator, float(numpy.linalg.norm(form))),
        "residual": over(generator, float(numpy.linalg.norm(residual))),
        "skew": float(numpy.linalg.norm(columns.T @ columns - numpy.eye(columns.shape[1]), 2)),
        "t": float(numpy.linalg.norm(beyond_kept @ matrix @ beyond_kept)), "b": tail,
        "inside": float(numpy.linalg.norm(between @ matrix @ between)), "mixed": float(numpy.linalg.norm(beyond @ matrix @ between)),
        "e": float(numpy.linalg.norm(numpy.linalg.pinv(kept) @ rest, 2)), "a": float(numpy.linalg.norm(dropped.T @ matrix @ dropped)),
        "f": float(numpy.linalg.norm(beyond @ matrix @ dropped)),
    }  # fmt: skip


def sharp_start(dimension: int, ritz: float, ratio: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The spectrum and the start at which the bound is attained: eigenvalues where T is extreme, weights that make q a Ritz vector."""
    y = numpy.cos(numpy.arange(dimension) * numpy.pi / (2 * dimension - 1))
    values = numpy.append(ritz * (1 - y**2), ritz * ratio**2)
    gaps = values[:, None] - values[None, :] + numpy.eye(dimension + 1)
    degree, s = 2 * dimension - 1, (ratio**2 - 1) ** 0.5
    # q(x) (x - ritz) is -ritz T(y) y, and at the top eigenvalue, where y = i s, it is ritz s sinh(degree arsinh s) up to the sign of T
    slopes = numpy.append(
        -ritz * y * (-1.0) ** numpy.arange(dimension),
        (-1.0) ** (dimension - 1) * ritz * s * numpy.sinh(degree * numpy.arcsinh(s)),
    )
    weights = 1 / gaps.prod(axis=1) / slopes
    weights = weights / weights.sum()
    assert (weights > 0).all(), weights
    return values, numpy.sqrt(weights)


def lanczos_start(generator: numpy.random.Generator) -> Values:
    dimension = int(generator.integers(1, 5))
    if generator.random() < 0.5:
        values, start = sharp_start(dimension, generator.uniform(0.5, 2), 1 + 10 ** generator.uniform(-2, 0))
    else:
        size = dimension + int(generator.integers(1, 8))
        values, start = numpy.sort(generator.uniform(0, 1, size=size) ** 2), generator.normal(size=size)
        start /= numpy.linalg.norm(start)
    krylov = lanczos(numpy.diag(values), start, dimension)
    ritz = float(numpy.linalg.eigvalsh(krylov.T @ (values[:, None] * krylov))[-1])
    degree, top, o = 2 * dimension - 1, float(values[-1]), float(abs(start[-1]))
    r = max((top / ritz) ** 0.5, 1.0)
    overlap = under(generator, o)
    stretch = numpy.cosh(numpy.arccosh(1 / overlap) / degree) * (1 + 1e-12)

    def chebyshev(x: numpy.ndarray) -> numpy.ndarray:
        return numpy.where(
            numpy.abs(x) <= 1,
            numpy.cos(degree * numpy.arccos(numpy.clip(x, -1, 1))),
            numpy.cosh(degree * numpy.arccosh(numpy.maximum(x, 1))),
        )

    low = values <= ritz
    y = numpy.sqrt(1 - values[low] / ritz)
    growth = float(chebyshev(stretch))
    return {
        "ritz": ritz, "stretch": float(stretch), "growth": growth, "overlap": overlap, "t": top, "h": ritz, "r": r, "o": o, "big": growth,
        "value": float(chebyshev(r)), "small": float(((start[low] * chebyshev(y)) ** 2).sum()), "sinh": float(numpy.sinh(degree * numpy.arccosh(r)) ** 2),
    }  # fmt: skip


def start_overlap(generator: numpy.random.Generator) -> Values:
    """The share of the sphere in a belt, from the integral of the lengths of its circles of latitude."""
    others = int(generator.integers(1, 40))
    overlap = float(generator.uniform(0.01, 1)) / (others + 1) ** 0.5
    angle = numpy.arcsin(overlap)
    nodes, weights = numpy.polynomial.legendre.leggauss(200)

    def belt(width: float) -> float:
        return float(weights @ numpy.cos((nodes + 1) / 2 * width) ** (others - 1) * width / 2)

    return {
        "overlap": overlap, "others": others + int(generator.integers(0, 2)), "p": belt(angle) / belt(numpy.pi / 2), "k": others,
    }  # fmt: skip


def lanczos_growth(generator: numpy.random.Generator) -> Values:
    """A Lanczos run whose recurrence is knocked off by noise; the least candidate at which the theorem applies, or a greater one."""
    while (drawn := _lanczos_growth(generator)) is None:
        pass
    return drawn


def _lanczos_growth(generator: numpy.random.Generator) -> Values | None:
    sharp = generator.random() < 0.3
    values = spectrum(generator, True)
    if sharp:
        values[1:] = 0
    matrix, size = rotated(generator, values), len(values)
    top, axes = numpy.linalg.eigh(matrix)
    start = generator.normal(size=size)
    start /= numpy.linalg.norm(start)
    vectors, along, across, off = [start], [], [], []
    noise = generator.choice([0.0, 1e-6, 1e-3])
    for _ in range(1 if sharp else int(generator.integers(1, 5))):
        image = matrix @ vectors[-1] + noise * generator.normal(size=size)
        before = across[-1] * vectors[-2] if across else 0
        along.append(float(vectors[-1] @ image))
        rest = image - along[-1] * vectors[-1] - before
        across.append(float(numpy.linalg.norm(rest)))
        vectors.append(rest / across[-1] * generator.uniform(0.9, 1.1))
        off.append(float(numpy.linalg.norm(matrix @ vectors[-2] - before - along[-1] * vectors[-2] - across[-1] * vectors[-1])))
    x = axes[:, -1] * numpy.sign(axes[:, -1] @ start)
    components = [float(x @ vector) for vector in vectors]
    t, o, z = float(top[-1]), components[0], float(numpy.linalg.norm(vectors[-1]))

    def polynomials(point: float) -> tuple[list[float], list[float]]:
        """The values p_0, ..., p_k, and the sums of what may be lost after each step; without an end where one is not positive."""
        values, losses, carried = [1.0], [0.0], 0.0
        for step in range(len(along)):
            before = across[step - 1] * values[step - 1] if step else 0
            following = ((point - along[step]) * values[-1] - before) / across[step]
            if not following > 0:
                return [*values, 0.0], losses
            carried += off[step] * values[-1]
            losses.append(losses[-1] + carried / (across[step] * following * values[-1]))
            values.append(following)
            before = values[-2]
        return values, losses

    def slack(point: float) -> float:
        values, losses = polynomials(point)
        return -1.0 if len(losses) <= len(along) else values[-1] * (o - losses[-1]) - z

    low, high = t, 1e4 * t
    if slack(high) <= 1e-6:
        return None
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if slack(middle) > 1e-9 else (middle, high)
    candidate = over(generator, high)
    values_at, losses_at = polynomials(candidate)
    shares, losses = polynomials(t)
    step = int(generator.integers(len(along)))
    if len(losses) > len(along):
        shown = [component / value for component, value in zip(components, shares, strict=True)]
    else:
        shown, losses, shares = [o] * len(vectors), [0.0] * len(vectors), [0.0]
    return {
        "candidate": candidate, "overlap": o, "growth": values_at[-1], "remainder": values_at[-1] * losses_at[-1], "length": z,
        "t": t, "e": max(0.0, t - candidate), "o": o, "z": z, "q": shares[-1], "big": values_at[-1], "lost": losses_at[-1],
        "share": shown[step], "share_next": shown[step + 1], "share_first": shown[0], "share_last": shown[-1],
        "loss": losses[step], "loss_next": losses[step + 1], "loss_first": losses[0], "loss_last": losses[-1],
    }  # fmt: skip


def random_images(generator: numpy.random.Generator) -> Values:
    """Matrices with r equal singular values, whose images have the law of chi with r degrees of freedom."""
    m, rank, factor = int(generator.integers(1, 12)), int(generator.choice([1, 1, 2, 5])), 1 + 10 ** generator.uniform(-1, 3)
    g, step = float(stats.chi.cdf((numpy.pi / 2) ** 0.5 / factor, rank)), int(generator.integers(m))
    return {
        "m": m, "factor": factor, "p": g**m, "g": g, "power": g**step, "power_next": g ** (step + 1), "power_first": 1, "power_last": g**m,
        "inverse": factor**-step, "inverse_next": factor ** -(step + 1), "inverse_first": 1, "inverse_last": factor**-m,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "spectrum.deflated": deflated,
    "spectrum.deflated-trace": deflated_trace,
    "spectrum.deflated-frobenius": deflated_frobenius,
    "spectrum.wolkowicz-styan": lambda generator: wolkowicz_styan(generator, 1),
    "spectrum.wolkowicz-styan-above": lambda generator: wolkowicz_styan(generator, -1),
    "spectrum.dropped-ritz": dropped_ritz,
    "spectrum.start-overlap": start_overlap,
    "spectrum.lanczos-start": lanczos_start,
    "spectrum.lanczos-growth": lanczos_growth,
    "spectrum.random-images": random_images,
}
TIGHT = {
    "spectrum.deflated": 0.999,
    "spectrum.deflated-trace": 0.999,
    "spectrum.deflated-frobenius": 0.999,
    "spectrum.wolkowicz-styan": 0.999,
    "spectrum.wolkowicz-styan-above": 0.999,
    "spectrum.dropped-ritz": 0.999,
    "spectrum.start-overlap": 0.999,
    "spectrum.lanczos-start": 0.999,
    "spectrum.lanczos-growth": 0.97,
    "spectrum.random-images": 0.99,
}
