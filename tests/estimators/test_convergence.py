"""Bounds against products, and the pictures of spectra: on their sides, monotone, drawn, and refused where numbers are wrong."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
import torch
from spectra import SPECTRA, Multiplied, generator, outliers, rotated

from certify.estimators import largest_eigenvalue, spectral_density
from certify.estimators.spectrum.convergence import convergence
from certify.plots.spectral_density import convergence_figure, spectral_density_figure
from certify.plots.svg import svg
from certify.plots.text import text


@pytest.mark.parametrize("name", sorted(SPECTRA))
def test_every_bound_of_a_run_holds_and_none_gets_worse(name: str) -> None:
    matrix = rotated(SPECTRA[name], 1)
    top = float(torch.linalg.eigvalsh(matrix)[-1])
    for operator in (matrix, Multiplied(matrix)):
        found = convergence(operator, failure_probability=1e-6, products=14, generator=generator(0))
        _, lower, upper = found.arrays()
        assert all(low <= top <= high for low, high in zip(lower, upper, strict=True))
        assert lower == sorted(lower) and upper == sorted(upper, reverse=True)
        assert found.products[-1] <= 14


def test_the_last_bounds_are_those_of_largest_eigenvalue() -> None:
    operator = Multiplied(rotated(outliers(200), 2))
    found = convergence(operator, failure_probability=1e-6, products=20, generator=generator(0))
    whole = largest_eigenvalue(operator, failure_probability=1e-6, products=20, generator=generator(0))
    assert found.products[-1] == whole.products == 20 and found.upper[-1] is not None
    assert found.upper[-1].value == pytest.approx(whole.upper.value, rel=1e-12)
    assert found.upper[-1].failure_probability <= 1e-6


def test_both_pictures_are_drawn_with_what_was_certified() -> None:
    operator = Multiplied(rotated(outliers(100), 3))
    density = spectral_density(operator, steps=10, probes=4, generator=generator(0))
    figure = spectral_density_figure(density.points.tolist(), density.weights.tolist(), size=100, lower=-0.1, upper=4.01)
    closing = convergence_figure(
        *convergence(operator, failure_probability=1e-6, products=16, generator=generator(0)).arrays(), asked=0.01
    )
    for drawn in (figure, closing):
        assert ElementTree.fromstring(svg(drawn)).tag.endswith("svg") and text(drawn, columns=100)
    assert "certified upper edge" in svg(figure) and "within 0.01 after" in svg(closing)


def test_the_density_has_its_mass_and_its_count_where_the_eigenvalues_are() -> None:
    figure = spectral_density_figure([[0.0, 1.0]], [[0.9, 0.1]], size=10, width=0.05)
    density, above = (panel.lines[0] for panel in figure.panels)
    left, right = (max(y for x, y in density.pairs() if (x > 0.5) == side) for side in (False, True))
    assert left == pytest.approx(0.9 / (0.05 * math.sqrt(2 * math.pi)), rel=1e-2) and left / right == pytest.approx(9.0, rel=1e-2)
    assert next(y for x, y in above.pairs() if x > 0.5) == pytest.approx(1.0)
    assert next(y for x, y in above.pairs() if x > -0.04) == pytest.approx(10.0)


def test_numbers_that_are_wrong_are_refused() -> None:
    for arguments in (
        {"points": [[math.nan]], "weights": [[1.0]], "size": 1},
        {"points": [[1.0]], "weights": [[-1.0]], "size": 1},
        {"points": [[1.0]], "weights": [[0.0]], "size": 1},
        {"points": [[1.0]], "weights": [[1.0]], "size": 0},
        {"points": [[1.0, 2.0]], "weights": [[1.0]], "size": 1},
        {"points": [[1.0]], "weights": [[1.0]], "size": 1, "width": 0.0},
        {"points": [[1.0]], "weights": [[1.0]], "size": 1, "lower": 2.0, "upper": 1.0},
    ):
        with pytest.raises(ValueError, match=r"density|edges|argument"):
            spectral_density_figure(**arguments)
    for lower, upper in (([1.0], [0.5]), ([1.0], [math.inf]), ([math.nan], [1.0])):
        with pytest.raises(ValueError, match="convergence is shown"):
            convergence_figure([1], lower, upper)
    with pytest.raises(ValueError, match="integer of at least 2"):
        convergence(torch.eye(3).double(), failure_probability=0.1, products=1)


def test_one_eigenvalue_and_one_product_are_pictures_too() -> None:
    assert svg(spectral_density_figure([[2.0]], [[1.0]], size=1)) and svg(spectral_density_figure([[0.0]], [[1.0]], size=1))
    assert svg(convergence_figure([1], [0.0], [0.0]))


def test_the_picture_names_what_is_bounded() -> None:
    for quantity in ("eigenvalue", "influence"):
        assert convergence_figure([1, 2], [0.5, 0.9], [2.0, 1.1], quantity=quantity).panels[0].y.label == quantity
