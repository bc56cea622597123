"""``certify noise``: how much noise, or what a given noise is worth; as a number, as a curve, or for several releases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from certify.errors import InputError
from certify.printing import printable

from .options import MaybeNumber
from .output import ExitCode, emit, schema

if TYPE_CHECKING:
    from certify.calibration import GaussianNoise
    from certify.mechanisms import Mechanism
    from certify.mechanisms.noise import MechanismNoise

    from .curves import Curves


def noise(
    file: Path | None = None,
    /,
    *,
    epsilon: MaybeNumber = None,
    delta: MaybeNumber = None,
    sigma: MaybeNumber = None,
    sensitivity: MaybeNumber = None,
    mechanism: str = "gaussian",
    dimension: Annotated[int | None, Parameter(metavar="INTEGER")] = None,
    compose: Annotated[Path | None, Parameter(metavar="RELEASES.json")] = None,
    curve: bool = False,
    json: bool = False,
) -> int:
    """Give any three of epsilon, delta, sigma, sensitivity; the fourth is solved, proved, on the safe side.

    Numbers are exact decimals (1e-5 is one hundred-thousandth), ratios (1/3) or hexadecimal doubles.

    With --compose and --delta (or --epsilon): what several releases say together. RELEASES.json is a list such as
    `[{"mechanism": "gaussian", "sigma": 0.1, "sensitivity": 0.02, "count": 10}, {"kind": "zcdp", "rho": 0.01},
    {"kind": "gaussian", "mu": 0.1}, {"kind": "approximate", "epsilon": 0.1, "delta": 1e-7}]`.

    Parameters
    ----------
    file
        With --curve: the file to write, which ends in .svg; without it the curves are drawn in characters.
    epsilon
        The privacy parameter epsilon, at least 0.
    delta
        The privacy parameter delta, strictly between 0 and 1.
    sigma
        The standard deviation of the noise on each parameter; for laplace the scale of exp(-|b|/sigma).
    sensitivity
        How far the parameters can move, in Euclidean norm.
    mechanism
        The kind of noise: gaussian, discrete-gaussian (integers; sigma and sensitivity in steps of the grid), laplace.
    dimension
        How many parameters there are, which makes discrete-gaussian (1 only) and laplace sharp; without it any number.
    compose
        A file that lists releases: solve epsilon for --delta, or delta for --epsilon, of all of them together.
    curve
        Draw delta against epsilon beside the classical formula, and what any test for the record can reach.
    json
        Print JSON alone on standard output.
    """
    from . import drawing

    drawing.check_file(file, asked=curve)
    if compose is not None:
        for option, value in (("--sigma", sigma), ("--sensitivity", sensitivity)):
            if value is not None:
                raise InputError(f"{option} is a number of one release: with --compose write it into {compose}")
        return _compose(compose, file, epsilon, delta, curve=curve, json=json)
    from certify import calibration

    result = calibration.noise(
        epsilon=epsilon, delta=delta, sigma=sigma, sensitivity=sensitivity, mechanism=mechanism, dimension=dimension
    )
    if not curve:
        emit(payload(result), json, lambda: str(result))
        return int(ExitCode.HOLDS)
    from . import curves

    law = _law(result)
    sampled = curves.of_mechanism(law, (result.epsilon.value, result.delta.value), classical=law.kind == "gaussian")
    name = mechanism.capitalize().replace("-gaussian", " Gaussian")
    title = f"{name} noise: σ = {result.sigma.value:.6g}, sensitivity {result.sensitivity.value:.6g}"
    return _draw(sampled, title, file, payload(result), str(result), json=json)


def _law(result: GaussianNoise | MechanismNoise) -> Mechanism:
    """The law of the noise at its scale and sensitivity."""
    from certify.calibration import GaussianNoise
    from certify.mechanisms import GaussianMechanism

    if isinstance(result, GaussianNoise):
        return GaussianMechanism(result.sensitivity.rational, result.sigma.rational)
    return result.law


def _compose(listed: Path, file: Path | None, epsilon: str | None, delta: str | None, *, curve: bool, json: bool) -> int:
    from .composing import composed

    result = composed(listed, epsilon=epsilon, delta=delta)
    if not curve:
        emit(result.data(), json, lambda: str(result))
        return int(ExitCode.HOLDS)
    from . import curves

    title = f"All releases of {printable(listed.name)} together"
    asked = (result.epsilon, result.result.delta.value)
    return _draw(curves.of_composition(result.result, asked), title, file, result.data(), str(result), json=json)


def _draw(sampled: Curves, title: str, file: Path | None, data: Mapping[str, Any], words: str, *, json: bool) -> int:
    """Write the curves of a result, or show them beneath its words."""
    from . import drawing

    figure = sampled.figure(title)
    drawing.save(figure, file)
    drawn = {**data, "curve": sampled.data(), "file": None if file is None else str(file)}
    emit(drawn, json, lambda: f"{words}\n\n{drawing.shown(figure, file)}")
    return int(ExitCode.HOLDS)


def payload(result: GaussianNoise | MechanismNoise) -> dict[str, Any]:
    """The result as plain JSON data; ``exact`` holds the numbers as lossless ratios.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    """
    from certify.calibration import GaussianNoise
    from certify.numbers import to_text

    named = {"epsilon": result.epsilon, "delta": result.delta, "sigma": result.sigma, "sensitivity": result.sensitivity}
    data = {
        "schema": schema("noise"),
        "sigma": repr(result.sigma.value),
        "sigma_hex": result.sigma.value.hex(),
        "epsilon": result.epsilon.value,
        "delta": result.delta.value,
        "sensitivity": result.sensitivity.value,
        "mechanism": result.mechanism,
        "delta_upper": result.delta_upper,
        "solved_for": result.solved_for,
        "exact": {name: to_text(bound.rational) for name, bound in named.items()},
        "sides": {name: bound.side.value for name, bound in named.items()},
    }
    if not isinstance(result, GaussianNoise):
        return {**data, "dimension": result.dimension, "theorems": list(result.theorems), "premises": list(result.premises)}
    classical = result.classical_sigma
    return {
        **data,
        "mu": result.mu.value,
        "theorem": "gaussian.profile",
        "classical_sigma": None if classical is None else classical.value,
        "classical_note": None if classical is None else classical.method,
        "premises": ["the sensitivity is at most the number given", "the noise is exactly Gaussian"],
    }
