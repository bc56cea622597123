"""Negative controls of the theorems on spectra and solves: what they ask for is needed, as runs show that do without it."""

from __future__ import annotations

import numpy
from instances import INSTANCES, Values

from certify.proofs import registry
from certify.proofs.readers import as_float

TOP = 3.0


def lanczos_without_orthogonality(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, Values]:
    """A diagonal matrix whose top axis the start misses, the two top Ritz vectors (one eigenvector twice), and what the run says of them."""
    diagonal = numpy.concatenate([[TOP, 2.9, 2.0], 0.01 * generator.random(57)])
    start = generator.normal(size=60)
    start[0] = 0
    columns, alphas, betas = [start / numpy.linalg.norm(start)], [], [0.0]
    for step in range(30):
        image = diagonal * columns[-1] - betas[-1] * columns[step - 1]
        alphas.append(image @ columns[-1])
        image = image - alphas[-1] * columns[-1]
        betas.append(float(numpy.linalg.norm(image)))
        columns.append(image / betas[-1])
    ritz, vectors = numpy.linalg.eigh(numpy.diag(alphas) + numpy.diag(betas[1:-1], 1) + numpy.diag(betas[1:-1], -1))
    coupling = betas[-1] * float(numpy.linalg.norm(vectors[-1, -2:]))
    claimed = {
        "top": ritz[-1],
        "ritz_sum": ritz[-2:].sum(),
        "coupling": coupling,
        "skew": 0.0,
        "trace": diagonal.sum(),
        "weight": 1.0,
    }
    return numpy.diag(diagonal), numpy.stack(columns[:-1], axis=1) @ vectors[:, -2:], claimed


def test_the_numbers_of_a_lanczos_run_are_no_bound() -> None:
    """Without orthogonality the run counts one eigenvalue twice, and the bound that assumes it falls below the truth."""
    formula = registry.theorem("spectrum.deflated-trace").formula
    for seed in range(20):
        matrix, columns, claimed = lanczos_without_orthogonality(numpy.random.default_rng(seed))
        assert as_float(formula, claimed) < TOP - 0.01
        form = columns.T @ matrix @ columns
        skew = float(numpy.linalg.norm(columns.T @ columns - numpy.eye(2), 2))
        measured = {
            **claimed, "skew": skew, "top": float(numpy.linalg.eigvalsh(form)[-1]), "ritz_sum": float(numpy.trace(form)),
            "coupling": float(numpy.linalg.norm(matrix @ columns - columns @ form, 2)),
        }  # fmt: skip
        assert skew >= 1 or as_float(formula, measured) >= TOP


def test_a_computed_residual_alone_is_no_bound() -> None:
    """Where x is right to the last digits of single precision, the residual that is computed is smaller than the one that is."""
    generator = numpy.random.default_rng(5)
    draws = [INSTANCES["solve.rounded-residual"](generator) for _ in range(300)]
    assert any(values["e"] > 1.1 * values["computed_residual"] / values["definiteness"] for values in draws)
