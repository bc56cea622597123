"""Our sigma, epsilon and compositions beside other libraries, against a reference of 160 digits, in one run.

Run ``python benchmarks/accounting.py [--peer-python PYTHON]``: prints a table and writes ``benchmarks/results/accounting.json``.
The peers are asked in the interpreter named (see docs/comparison.md for how to make one), or skipped. The reference is mpmath's, and
shares no code with ours.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import mpmath
from _asking import ask, peer_python
from _report import row, save

import certify

DIGITS = 160
SECONDS = {"sigma": 2.0, "epsilon": 2.0, "compose": 30.0}
PEERS = {
    "sigma": ("dp-accounting", "autodp", "diffprivlib", "diffprivlib classical", "OpenDP"),
    "epsilon": ("dp-accounting", "autodp", "prv-accountant", "OpenDP"),
    "compose": ("dp-accounting PLD", "dp-accounting RDP", "autodp", "prv-accountant", "OpenDP"),
}
DELTAS = (1e-2, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10)


# ---------------------------------------------------------------- the points


def sigma_points(wide: bool, count: int = 100) -> list[list[float]]:
    """(epsilon, delta): the everyday range, or far beyond it."""
    if not wide:
        return [[epsilon, delta] for epsilon in (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0) for delta in DELTAS]
    draw = random.Random(11)
    return [[10 ** draw.uniform(-6, 3), 10 ** draw.uniform(-100, -0.3)] for _ in range(count)]


def epsilon_points(wide: bool, count: int = 100) -> list[list[float]]:
    """(delta, sigma) at sensitivity 1."""
    if not wide:
        return [[delta, sigma] for sigma in (0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0) for delta in DELTAS]
    draw = random.Random(12)
    return [[10 ** draw.uniform(-100, -3), 10 ** draw.uniform(-1.5, 2)] for _ in range(count)]


def compose_points() -> list[list[Any]]:
    """(delta, sigmas): k different Gaussians, together about as one with sigma between 0.3 and 3."""
    draw = random.Random(13)
    return [
        [delta, [math.sqrt(k) * 10 ** draw.uniform(-0.5, 0.5) for _ in range(k)]]
        for k in (2, 10, 100, 1000)
        for delta in (1e-6, 1e-10, 1e-30)
    ]


# ---------------------------------------------------------------- the truth


def delta_of(epsilon: mpmath.mpf, mu: mpmath.mpf) -> mpmath.mpf:
    """The privacy profile of a Gaussian, by its definition."""
    return mpmath.ncdf(mu / 2 - epsilon / mu) - mpmath.exp(epsilon) * mpmath.ncdf(-mu / 2 - epsilon / mu)


def root(height: Callable[[mpmath.mpf], mpmath.mpf]) -> mpmath.mpf:
    """Where the falling function ``height`` meets zero: bisection in log x, then secants, then a bracket of width 10^-40 that proves it."""
    low, high = mpmath.mpf(0), mpmath.mpf(1)  # logarithms
    while height(mpmath.exp(low)) <= 0:
        low = 2 * low - 1
    while height(mpmath.exp(high)) >= 0:
        high = 2 * high
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if height(mpmath.exp(middle)) > 0 else (low, middle)
    near, far, at_near = low, high, height(mpmath.exp(low))
    for _ in range(40):
        at_far = height(mpmath.exp(far))
        if abs(near - far) < mpmath.mpf(10) ** -50 or at_near == at_far:
            break
        near, far, at_near = far, far - at_far * (far - near) / (at_far - at_near), at_far
    found, width = mpmath.exp(far), mpmath.mpf(10) ** -40
    if not height(found * (1 - width)) > 0 > height(found * (1 + width)):
        raise ArithmeticError("the reference did not find its root")
    return found


def true_sigma(epsilon: float, delta: float) -> mpmath.mpf:
    """The least sigma at sensitivity 1."""
    target = mpmath.log(mpmath.mpf(delta))
    return root(lambda sigma: mpmath.log(delta_of(mpmath.mpf(epsilon), 1 / sigma)) - target)


def true_epsilon(delta: float, sigmas: list[float]) -> mpmath.mpf:
    """Zero, or the root; k Gaussians together are one, of mu² = sum 1/sigma²."""
    mu = mpmath.sqrt(mpmath.fsum(1 / mpmath.mpf(sigma) ** 2 for sigma in sigmas))
    if delta_of(mpmath.mpf(0), mu) <= delta:
        return mpmath.mpf(0)
    target = mpmath.log(mpmath.mpf(delta))
    return root(lambda epsilon: mpmath.log(delta_of(epsilon, mu)) - target)


# ---------------------------------------------------------------- the answers


def our_sigma(epsilon: float, delta: float) -> float:
    return certify.noise(epsilon=epsilon, delta=delta, sensitivity=1).sigma.value


def our_epsilon(delta: float, sigma: float) -> float:
    return certify.noise(sigma=sigma, delta=delta, sensitivity=1).epsilon.value


def our_composition(delta: float, sigmas: list[float]) -> float:
    releases = [{"mechanism": "gaussian", "sigma": sigma, "sensitivity": 1} for sigma in sigmas]
    return certify.compose(releases, delta=delta).epsilon.value


OURS: dict[str, Callable[..., float]] = {"sigma": our_sigma, "epsilon": our_epsilon, "compose": our_composition}


def timed(solve: Callable[..., float], points: list[list[Any]]) -> dict[str, Any]:
    """Our own answers in the form of a peer's."""
    solve(*points[0])
    answers, times = [], []
    for point in points:
        start = time.perf_counter()
        answers.append(solve(*point))
        times.append(time.perf_counter() - start)
    return {"version": version("certify-unlearning"), "answers": answers, "times": times}


@dataclass(frozen=True)
class Verdict:
    """How the answers of one library stand to the truth, over the points that it answered."""

    median: float
    largest: float
    shortfall: float
    unsafe: int
    answered: int
    failed: int
    milliseconds: float
    slowest: float
    reasons: dict[str, int]


def judged(answer: dict[str, Any], truth: list[mpmath.mpf]) -> Verdict:
    """An answer below the truth is unsafe, by however little. Failures: errors, time-outs, nan, and infinite answers."""
    pairs = [(x, true) for x, true in zip(answer["answers"], truth, strict=True) if not isinstance(x, str) and math.isfinite(x)]
    excess = [float(mpmath.mpf(x) / true - 1) for x, true in pairs if true > 0] or [math.nan]
    unsafe = sum(mpmath.mpf(x) < true for x, true in pairs)
    reasons = Counter(
        x if isinstance(x, str) else f"answered {x}" for x in answer["answers"] if isinstance(x, str) or not math.isfinite(x)
    )
    return Verdict(
        statistics.median(excess),
        max(excess),
        max(0.0, -min(excess)),
        unsafe,
        len(pairs),
        len(truth) - len(pairs),
        1e3 * statistics.median(answer["times"]),
        1e3 * max(answer["times"]),
        dict(reasons.most_common()),
    )


def compared(python: str) -> dict[tuple[str, str], tuple[str, Verdict]]:
    """The verdict of every library on every question, by (question, library)."""
    found: dict[tuple[str, str], tuple[str, Verdict]] = {}
    with mpmath.workdps(DIGITS):
        for question, kind, points in (
            ("sigma, everyday", "sigma", sigma_points(wide=False)),
            ("sigma, wide", "sigma", sigma_points(wide=True)),
            ("epsilon, everyday", "epsilon", epsilon_points(wide=False)),
            ("epsilon, wide", "epsilon", epsilon_points(wide=True)),
            ("composition", "compose", compose_points()),
        ):
            match kind:
                case "sigma":
                    truth = [true_sigma(*point) for point in points]
                case "epsilon":
                    truth = [true_epsilon(delta, [sigma]) for delta, sigma in points]
                case _:
                    truth = [true_epsilon(*point) for point in points]
            ours = timed(OURS[kind], points)
            found[question, "certify"] = (ours["version"], judged(ours, truth))
            for peer in PEERS[kind]:
                answer = ask(python, peer, kind, points=points, seconds=SECONDS[kind])
                if answer is not None:
                    found[question, peer] = (answer["version"], judged(answer, truth))
    return found


def printed(found: dict[tuple[str, str], tuple[str, Verdict]]) -> str:
    """The verdicts for people, and why calls failed."""
    excess_of = f"{'median':>9} {'largest':>9} {'shortfall':>9}"
    lines = [f"{'question':18} {'library':22} {'version':8} {excess_of} {'unsafe':>8} {'failed':>6} {'ms':>8} {'slowest':>8}"]
    for (question, peer), (release, v) in found.items():
        excess = f"{v.median:9.1e} {v.largest:9.1e} {v.shortfall:9.1e}"
        times = f"{v.milliseconds:8.3g} {v.slowest:8.3g}"
        lines.append(f"{question:18} {peer:22} {release:8} {excess} {v.unsafe:4}/{v.answered:<3} {v.failed:6} {times}")
    lines += [
        f"failed: {peer} ({question}): {count} x {reason}"
        for (question, peer), (_, v) in found.items()
        for reason, count in v.reasons.items()
    ]
    return "\n".join(lines)


def rows(found: dict[tuple[str, str], tuple[str, Verdict]]) -> list[dict[str, Any]]:
    """The same as figures, with the budgets of ours."""
    listed = []
    for (question, peer), (release, v) in found.items():
        ours, name = peer == "certify", f"{question}: {peer} {release}".strip()
        against = None if ours else found[question, "certify"][1].milliseconds
        listed += [
            row(f"{name}, unsafe of {v.answered}", v.unsafe, "points", budget=0 if ours else None),
            row(f"{name}, failures", v.failed, "points", budget=0 if ours else None),
            row(f"{name}, median excess", v.median, ""),
            row(f"{name}, largest excess", v.largest, "", budget=1e-12 if ours else None),
            row(f"{name}, largest shortfall", v.shortfall, "", budget=0 if ours else None),
            row(f"{name}, median time", v.milliseconds, "ms", peer="" if ours else "certify", against=against),
            row(f"{name}, slowest", v.slowest, "ms"),
        ]
    return listed


if __name__ == "__main__":
    verdicts = compared(peer_python())
    print(printed(verdicts))
    save("accounting", rows(verdicts))
