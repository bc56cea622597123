"""``certify.noise`` for noise that is not Gaussian: any three of epsilon, delta, sigma and sensitivity give the fourth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from certify.bounds.bound import Bound
from certify.bounds.evidence import Declared, Enclosed
from certify.calibration import QUESTION, exact_bound, hold
from certify.errors import InputError
from certify.numbers import Number, nonnegative, to_decimal
from certify.proofs.sides import Side

from .discrete_gaussian import DiscreteGaussianMechanism
from .laplace import LaplaceMechanism
from .protocol import Mechanism

if TYPE_CHECKING:
    from certify.accounting.privacy import Privacy

KINDS = ("discrete-gaussian", "laplace")

_PREMISE = {
    "discrete-gaussian": "the release is a vector of integers, and the noise exactly N_Z(0, sigma²) on each of them",
    "laplace": "the noise has exactly the density proportional to exp(-|b|/sigma), |b| its Euclidean norm",
}


@dataclass(frozen=True)
class MechanismNoise:
    """Noise of a known law and scale and what it is proved to give, in both directions.

    The three numbers that were given are held exactly; the one in ``solved_for`` lies on the safe side. ``sigma`` is the
    scale of the ``law``: for Laplace noise that of exp(-|b|/sigma), for the discrete Gaussian in units of the grid, as the
    sensitivity. ``delta_upper`` is a proved upper bound of delta at these numbers.
    """

    law: Mechanism
    epsilon: Bound
    delta: Bound
    sigma: Bound
    sensitivity: Bound
    solved_for: str
    delta_upper: float

    @property
    def mechanism(self) -> str:
        """The name of the law."""
        return self.law.kind

    @property
    def dimension(self) -> int | None:
        """The one dimension of which the answer speaks; ``None`` where it speaks of all."""
        return self.law.dimension if isinstance(self.law, (LaplaceMechanism, DiscreteGaussianMechanism)) else None

    @property
    def scale(self) -> Bound:
        """The scale to use, as the exact number that ``sigma`` holds."""
        return Bound(self.sigma.value, Side.EXACT, Declared("the number that is used"), exact=self.sigma.exact)

    @property
    def privacy(self) -> Privacy:
        """What composes: rho, or a pure epsilon, in every dimension."""
        from certify.accounting.reading import privacy_of

        found: Privacy = privacy_of(cast(Any, self.law))
        return found

    @property
    def theorems(self) -> tuple[str, ...]:
        """What the numbers rest on, beside sums and integrals in balls where one dimension was named.

        Theorem: ``laplace.profile`` (upper sensitivity; lower epsilon, scale).
        Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
        Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
        Theorem: ``renyi.profile`` (exact order; upper divergence; lower epsilon).
        """
        dimension = self.dimension
        if self.mechanism == "laplace":
            return ("laplace.profile",) if dimension in (None, 1) else ()
        if dimension == 1:
            return ()
        return ("discrete-gaussian.zcdp", "zcdp.approximate" if self.solved_for == "epsilon" else "renyi.profile")

    @property
    def premises(self) -> tuple[str, ...]:
        """What nobody has checked here."""
        return "the sensitivity is at most the number given", _PREMISE[self.mechanism]

    def __str__(self) -> str:
        answer = {name: to_decimal(getattr(self, name).rational) for name in QUESTION}
        given = ", ".join(f"{name} = {text}" for name, text in answer.items() if name != self.solved_for)
        proved = "" if self.solved_for == "delta" else f"; proved: delta <= {self.delta_upper!r} here"
        where = "in every dimension" if self.dimension is None else f"in dimension {self.dimension}"
        lines = [
            f"{self.solved_for} = {answer[self.solved_for]}   ({_question(self.mechanism, self.solved_for)}{proved})",
            f"for {given}; mechanism {self.mechanism}, {where}",
            f"rests on  {'  '.join([*self.theorems, '▣ its value here, in balls'])}",
            *(f"{'premises' if number == 0 else '':8}  ! {premise}" for number, premise in enumerate(self.premises)),
        ]
        return "\n".join(lines)


def solve(kind: str, given: Mapping[str, Number | Bound | None], dimension: int | None = None) -> MechanismNoise:
    """The noise of this ``kind`` with the one number that is left out, on the safe side; see :func:`certify.noise`.

    Theorem: ``laplace.profile`` (upper sensitivity; lower epsilon, scale).
    Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
    """
    held = {name: _hold(kind, name, value) for name, value in given.items() if value is not None}
    (solved,) = (name for name, value in given.items() if value is None)
    numbers = {name: bound.rational for name, bound in held.items()}
    law = _law(kind, numbers.get("sensitivity", Fraction(1)), numbers.get("sigma", Fraction(1)), dimension)
    value = _answer(law, solved, numbers)
    if not math.isfinite(value):
        raise InputError(f"no {solved} within the doubles is enough: use more noise or a larger epsilon or delta")
    if solved == "sensitivity" and value < (1 if kind == "discrete-gaussian" else 5e-324):
        raise InputError("the noise covers no move at all: use a larger sigma, epsilon or delta")
    held[solved] = Bound(
        value,
        Side.LOWER if solved == "sensitivity" else Side.UPPER,
        Enclosed(f"the profile of {kind} noise, solved for {solved}"),
    )
    e, d, s, width = (held[name] for name in ("epsilon", "delta", "sigma", "sensitivity"))
    law = _law(kind, width.rational, s.rational, dimension)
    reached = d.value if solved == "delta" else law.delta_upper(e.rational)
    return MechanismNoise(law, e, d, s, width, solved, reached)


def _question(kind: str, solved: str) -> str:
    """What was solved; the profile of the discrete Gaussian need not decrease in its scale."""
    return "enough; the double below is not" if (kind, solved) == ("discrete-gaussian", "sigma") else QUESTION[solved]


def _hold(kind: str, name: str, value: Number | Bound) -> Bound:
    """The number that was given; Laplace noise reaches delta = 0."""
    if kind == "laplace" and name == "delta" and not isinstance(value, Bound) and nonnegative(value, name) == 0:
        return exact_bound(Fraction(0), name, "given")
    return hold(name, value)


def _law(kind: str, sensitivity: Fraction, scale: Fraction, dimension: int | None) -> Mechanism:
    if kind == "laplace":
        return LaplaceMechanism.of(sensitivity=sensitivity, scale=scale, dimension=dimension)
    return DiscreteGaussianMechanism.of(sensitivity=sensitivity, sigma=scale, dimension=dimension)


def _answer(law: Mechanism, solved: str, given: Mapping[str, Fraction]) -> float:
    match solved:
        case "sigma":
            return law.least_scale(given["epsilon"], given["delta"])
        case "epsilon":
            return law.least_epsilon(given["delta"])
        case "delta":
            return law.delta_upper(given["epsilon"])
        case _:
            return law.greatest_sensitivity(given["epsilon"], given["delta"])
