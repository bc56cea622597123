"""How fast the exact samplers are, beside numpy's inexact one, other exact ones, and the floor of the keystream, in one run.

Run ``python benchmarks/sampling.py [--peer-python PYTHON]``: prints a table and writes ``benchmarks/results/sampling.json``.
One thread. The peers are asked in the interpreter named, or skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy
from _asking import ask, peer_python
from _report import publish, row

from certify.sampling import Keystream, discrete_gaussian, discrete_normal, grid_of, rounded_normal
from certify.sampling.nearest import CHUNK

COUNT = 1 << 22
BUDGET = 200.0  # nanoseconds a draw: five million draws a second
SCALES = (0.43, 1.0, 31.0, 33.0, 1000.0, 2.0**20)


def nanoseconds(run: Callable[[], object], draws: int = COUNT, repeats: int = 5) -> float:
    """The least time of some repeats, a draw."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return 1e9 * best / draws


def floor() -> tuple[float, float]:
    """One word of the keystream, and one pass over a chunk that lies in the cache."""
    stream, chunk = Keystream(bytes(32)), numpy.ones(CHUNK)
    passes = COUNT // CHUNK

    def over() -> None:
        for _ in range(passes):
            numpy.multiply(chunk, 1.0000001, out=chunk)

    def words() -> None:
        for _ in range(passes):
            stream.words(CHUNK)

    return nanoseconds(words), nanoseconds(over)


def run(python: str) -> list[dict[str, Any]]:
    """Nanoseconds a draw; a ratio above 1 says that we are faster than the peer beside us."""
    stream = Keystream(bytes(32))
    mean = numpy.random.default_rng(0).normal(size=COUNT)
    generator = numpy.random.default_rng(0)
    word, one_pass = floor()
    inexact = nanoseconds(lambda: generator.standard_normal(COUNT))
    release = nanoseconds(lambda: mean + generator.standard_normal(COUNT))
    discrete = nanoseconds(lambda: discrete_normal(mean, 1.0, grid_of(1.0), stream))
    rounded = nanoseconds(lambda: rounded_normal(mean, 1.0, grid_of(1.0), stream))
    rows = [
        row("rounded normal, grid of sigma", rounded, "ns", budget=BUDGET, peer="numpy mean + standard_normal", against=release),
        row(
            "discrete Gaussian on rounded means",
            discrete,
            "ns",
            budget=BUDGET,
            peer="numpy mean + standard_normal",
            against=release,
        ),
        row("a word of the keystream", word, "ns"),
        row("one pass over a chunk in the cache", one_pass, "ns"),
        row("passes beyond the keystream", (rounded - word) / one_pass, "passes"),
    ]
    for fineness in (24, 28):
        step = 2.0**-fineness
        taken = nanoseconds(lambda step=step: rounded_normal(mean[: COUNT >> 4], 1.0, step, stream), COUNT >> 4)  # type: ignore[misc]
        rows.append(row(f"rounded normal, grid of sigma/2^{fineness}", taken, "ns"))
    integers = {sigma: nanoseconds(lambda sigma=sigma: discrete_gaussian(sigma, COUNT, stream)) for sigma in SCALES}  # type: ignore[misc]
    rows += [
        row(f"discrete Gaussian, sigma {sigma:g}", taken, "ns", budget=BUDGET, peer="numpy standard_normal", against=inexact)
        for sigma, taken in integers.items()
    ]
    for peer, question, ours in (
        ("OpenDP", "floats", rounded),
        ("OpenDP", "integers", integers[1.0]),
        ("diffprivlib", "integers", integers[1.0]),
    ):
        theirs = ask(python, peer, question, count=20_000)
        if theirs is not None:
            kind = "rounded normal" if question == "floats" else "discrete Gaussian, sigma 1"
            rows.append(
                row(f"{kind}, beside {peer}", ours, "ns", peer=f"{peer} {theirs['version']}", against=1e9 * theirs["times"][0])
            )
    return rows


if __name__ == "__main__":
    publish("sampling", run(peer_python()))
