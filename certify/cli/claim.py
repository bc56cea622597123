"""``certify claim``: does a theorem give (epsilon, delta) at this noise?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from certify.errors import InputError

from .options import MaybeNumber, Number
from .output import ExitCode, emit, schema

if TYPE_CHECKING:
    from certify.bounds.bound import Bound
    from certify.claims import Claim


def claim(
    theorem: str,
    /,
    *hypotheses: str,
    epsilon: Number,
    delta: Number,
    sigma: MaybeNumber = None,
    tolerance: Number = "0",
    json: bool = False,
) -> int:
    """Check a claim: THEOREM name=value … --epsilon E --delta D. Exit code 0 if it holds, 1 if it does not.

    For example: certify claim output.residual residual=1e-9 strong_convexity=0.01 sigma=4e-7 --epsilon 1 --delta 1e-5

    Parameters
    ----------
    theorem
        A theorem that bounds a distance: output.worst-case, output.residual, newton.one-step.
    hypotheses
        The theorem's hypotheses and sigma, each as name=value; numbers are exact decimals.
    epsilon
        The claimed epsilon.
    delta
        The claimed delta.
    sigma
        The noise scale, if not among the assignments.
    tolerance
        The gradient norm to which the comparator was trained.
    json
        Print JSON alone on standard output.
    """
    from certify import claims

    values = assignments(hypotheses)
    if sigma is not None and values.setdefault("sigma", sigma) != sigma:
        raise InputError("sigma is given twice: once as sigma=value and once as --sigma")
    for name in ("epsilon", "delta", "tolerance"):
        if name in values:
            raise InputError(f"{name} is an option: write --{name} {values[name]}")
    result = claims.claim(theorem, epsilon=epsilon, delta=delta, tolerance=tolerance, **values)
    emit(payload(result), json, lambda: str(result))
    return int(ExitCode.HOLDS if result.holds else ExitCode.FAILS)


def assignments(words: tuple[str, ...]) -> dict[str, str]:
    """Read ``name=value`` words; raises :class:`~certify.errors.InputError` for another form or a repeated name.

    >>> assignments(("n=1000", "strong_convexity=0.01"))
    {'n': '1000', 'strong_convexity': '0.01'}
    """
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name and value.strip()):
            raise InputError(f"{word!r} is not an assignment: write name=value, such as residual=1e-9")
        if name in values:
            raise InputError(f"{name} is given twice: keep one")
        values[name] = value.strip()
    return values


def payload(result: Claim) -> dict[str, Any]:
    """The verdict as plain JSON data; an epsilon or sigma beyond the doubles is null."""
    from certify.numbers import to_text

    return {
        "schema": schema("claim"),
        "holds": result.holds,
        "epsilon_true": _finite(result.epsilon_true),
        "sigma_required": _finite(result.sigma_required),
        "theorem": result.theorem,
        "status": result.status.label,
        "epsilon": result.epsilon.value,
        "delta": result.delta.value,
        "sigma": result.sigma.value,
        "sensitivity": result.sensitivity.value,
        "delta_upper": result.delta_upper,
        "exact": {name: to_text(getattr(result, name).rational) for name in ("epsilon", "delta", "sigma")},
        "theorems": list(result.theorems),
        "premises": list(result.premises),
        "weakest_premise": result.weakest_premise.label,
    }


def _finite(bound: Bound) -> float | None:
    return bound.value if math.isfinite(bound.value) else None
