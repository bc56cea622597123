"""``certify noise --mechanism``: the other laws at the command line, each held to an independent computation."""

from __future__ import annotations

import json
from typing import Any

import mpmath
import pytest

import certify
from certify.cli import main

LAPLACE = ("--mechanism", "laplace")
DISCRETE = ("--mechanism", "discrete-gaussian")
NUMBERS = {"epsilon": "1", "delta": "1e-3", "sigma": "4", "sensitivity": "2"}


def solved(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["noise", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def three(missing: str) -> list[str]:
    return [word for name, value in NUMBERS.items() if name != missing for word in (f"--{name}", value)]


def laplace_delta(epsilon: float, width: float) -> float:
    """The profile of one-dimensional Laplace noise, integrated over the line."""
    with mpmath.workdps(40):

        def excess(x: Any) -> Any:
            return max(mpmath.exp(-abs(x)) - mpmath.exp(epsilon - abs(x - width)), 0) / 2

        edge = (width - epsilon) / 2
        return float(mpmath.quad(excess, [-60, 0, edge] if edge > 0 else [-60, edge]))


def discrete_delta(epsilon: float, shift: int, sigma: float) -> float:
    """The profile of the discrete Gaussian, summed over the integers."""
    with mpmath.workdps(40):

        def weight(k: int) -> Any:
            return mpmath.exp(-(mpmath.mpf(k) ** 2) / (2 * mpmath.mpf(sigma) ** 2))

        reach = range(-60 * int(sigma + 1), 60 * int(sigma + 1))
        total = sum(weight(k) for k in reach)
        return float(sum(max(weight(k - shift) - mpmath.exp(epsilon) * weight(k), 0) for k in reach) / total)


@pytest.mark.parametrize("missing", NUMBERS)
@pytest.mark.parametrize("law", [LAPLACE, (*LAPLACE, "--dimension", "3"), DISCRETE, (*DISCRETE, "--dimension", "1")])
def test_any_missing_number_is_solved_on_the_safe_side(
    missing: str, law: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found = solved(capsys, *law, *three(missing))
    assert found.keys() >= {"schema", "sigma", "sigma_hex", "epsilon", "delta", "sensitivity", "mechanism", "delta_upper"}
    assert found["solved_for"] == missing and found["mechanism"] == law[1]
    assert found["delta_upper"] <= found["delta"]
    epsilon, sigma, sensitivity = found["epsilon"], float(found["sigma"]), found["sensitivity"]
    if law == LAPLACE:
        truth = laplace_delta(epsilon, sensitivity / sigma)
        assert truth <= found["delta"] * (1 + 1e-12)
        assert truth == pytest.approx(found["delta"], rel=1e-9)
    if law[0] == DISCRETE[0] and law[1] == DISCRETE[1]:
        truth = discrete_delta(epsilon, int(sensitivity), sigma)
        assert truth <= found["delta"] * (1 + 1e-12)
        if "--dimension" in law and missing in ("epsilon", "delta", "sigma"):
            assert truth == pytest.approx(found["delta"], rel=1e-9)


def test_laplace_noise_needs_no_delta(capsys: pytest.CaptureFixture[str]) -> None:
    found = solved(capsys, *LAPLACE, "--epsilon", "0.5", "--delta", "0", "--sensitivity", "3")
    assert (found["sigma"], found["delta_upper"]) == ("6.0", 0.0)


def test_a_dimension_makes_the_answer_no_worse(capsys: pytest.CaptureFixture[str]) -> None:
    for law, dimension in ((LAPLACE, "20"), (DISCRETE, "1")):
        any_number = solved(capsys, *law, *three("sigma"))
        one = solved(capsys, *law, *three("sigma"), "--dimension", dimension)
        assert float(one["sigma"]) < float(any_number["sigma"])
        assert (any_number["dimension"], one["dimension"]) == (None, int(dimension))


@pytest.mark.parametrize("law", [LAPLACE, (*LAPLACE, "--dimension", "3"), DISCRETE, (*DISCRETE, "--dimension", "1")])
def test_the_curves_of_every_law_are_whole(law: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    found = solved(capsys, *law, *three("sigma"), "--curve")["curve"]
    deltas, errors = found["profile"]["delta_upper"], found["trade_off"]
    assert deltas == sorted(deltas, reverse=True) and found["classical"] is None
    for one, two in zip(errors["type_one"], errors["type_two_lower"], strict=True):
        assert max(0.0, 1 - found["advantage_upper"] - one) - 1e-9 <= two <= 1 - one
    assert main(["noise", *law, *three("sigma"), "--curve"]) == 0
    assert "●" in capsys.readouterr().out


def test_the_library_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    found = solved(capsys, *DISCRETE, *three("epsilon"))
    noise = certify.noise(mechanism="discrete-gaussian", delta="1e-3", sigma=4, sensitivity=2)
    assert noise.epsilon.value == found["epsilon"]
    four = [noise, noise, noise, noise]
    assert certify.compose(four, delta="1e-3").epsilon.value < 4 * noise.epsilon.value


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*LAPLACE, "--epsilon", "0", "--delta", "0", "--sensitivity", "1"), "larger epsilon or delta"),
        ((*LAPLACE, "--epsilon", "1", "--delta", "1", "--sensitivity", "1"), "delta"),
        ((*LAPLACE, "--epsilon", "1", "--delta", "0"), "exactly three"),
        ((*LAPLACE, "--epsilon", "1", "--delta", "0", "--sensitivity", "1", "--dimension", "0"), "dimension"),
        ((*LAPLACE, "--epsilon", "1", "--delta", "0", "--sensitivity", "1", "--dimension", "many"), "dimension"),
        ((*LAPLACE, "--epsilon", "0", "--delta", "0", "--sigma", "1"), "no move"),
        ((*DISCRETE, "--epsilon", "1", "--delta", "0", "--sensitivity", "1"), "delta"),
        ((*DISCRETE, "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "0.5"), "1 in grid units"),
        ((*DISCRETE, "--epsilon", "0.01", "--delta", "1e-9", "--sigma", "1"), "no move"),
        (("--mechanism", "cauchy", "--epsilon", "1", "--delta", "1e-5", "--sensitivity", "1"), "laplace"),
        (("--epsilon", "1", "--delta", "1e-5", "--sensitivity", "1", "--dimension", "2"), "leave the dimension out"),
    ],
)
def test_what_a_law_cannot_give_is_one_line(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["noise", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and says in captured.err
