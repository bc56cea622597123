"""Forget records, certify the distance, and only then release."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from certify.bounds import Bound
from certify.bounds.evidence import Declared
from certify.proofs.sides import Side

from .calibration import GaussianNoise, exact_bound
from .certificates.terms import CALLER_NOISE
from .errors import BudgetNotReached, CannotDecide, InputError
from .fitting import Fitted
from .guarantee import Guarantee, Notion
from .mechanisms.grid_noise import GridNoise, grid_noise
from .methods.candidate import Candidate
from .methods.exact import exact_candidate
from .methods.newton import newton_candidate, retained_curvature
from .methods.retraining import retrained_candidate
from .numbers import nonnegative
from .policy import budget_of, noise_scale
from .runs import Run, StoredRun
from .sampling import Keystream, discrete_normal, fresh_seed, grid_of, rounded_normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .numbers import Number
    from .objectives import LinearObjective

METHODS = ("newton", "exact", "retrain")
SAMPLERS = ("rounded-normal", "discrete")
_MOST_STEPS = 2.0**53 - 2  # of the grid, which the samplers draw at the most

CLASS_OF_THE_DELETED = (
    "the label values were read off all records, and no retained record has one of them: "
    "the shape of the model tells that some deleted record had it (pass classes= from public knowledge)"
)
EXACT_UNDECIDED = "method 'exact' could not decide every coordinate, so the residual was certified and noise was added"


def unlearn(
    source: Fitted | Run | StoredRun,
    forget: Iterable[int],
    *,
    epsilon: Number | None = None,
    delta: Number | None = None,
    method: str = "newton",
    distance_budget: Number | None = None,
    tolerance: Number = 0,
    row_bound: Number = 1.0,
    label_bound: Number = 1.0,
    generator: np.random.Generator | None = None,
    sampler: str | None = None,
    table: Mapping[str, Any] | None = None,
) -> Run:
    """Release a model without the records ``forget`` (original row positions; none is legal), with its certificate.

    The noise is fixed first, from public values and the retained count. Then the method runs until the
    *measured* distance to the retrained minimiser is at most the distance budget; if the rounding floor does
    not allow that, :class:`~certify.errors.BudgetNotReached` is raised and nothing is released. A second
    deletion continues from the first: pass its run as ``source``, or ``certify.load_run(path, data=…)`` of its folder.

    ``method``: "newton" (warm-started Newton steps), "retrain" (from scratch on the retained rows), "exact"
    (ridge only: the correctly rounded minimiser, epsilon = 0, no noise; epsilon and delta are then only a
    fallback). ``sampler``: "rounded-normal" (the default: an exact Gaussian, rounded once; the least noise) or "discrete" (the
    discrete Gaussian on rounded parameters, accounted for by zCDP; it claims no mu, and above one parameter takes some 9 % more noise).
    ``generator=None`` draws fresh operating-system entropy; one that is passed in becomes an
    exclusion of the certificate. Raises ``InputError`` for unknown or repeated ids, for forgetting
    everything, and for parameters out of range.

    >>> import numpy as np, certify
    >>> rows = np.random.default_rng(0).uniform(-1, 1, (40, 3))
    >>> fitted = certify.fit(certify.objectives.Logistic(rows, rows[:, 0] > 0, l2=0.1))
    >>> run = certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")
    >>> run.distance.at_most(run.distance_budget.rational), len(run.model)
    (True, 3)
    """
    fitted: Any = source if isinstance(source, Fitted) else getattr(source, "fitted", None)
    previous = source if isinstance(source, (Run, StoredRun)) else None
    if fitted is None and isinstance(source, StoredRun):
        raise InputError(f"the run in {source.path} was read without its records: certify.load_run(path, data=…) continues it")
    table = previous.table if table is None and previous is not None else table
    if not isinstance(fitted, Fitted):
        raise InputError(f"unlearn starts from a fitted model or a run, not {type(source).__name__}: call certify.fit first")
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}: use one of {', '.join(METHODS)}")
    _check_sampler(sampler)
    requested = _request(forget)
    retained = fitted.objective.without(requested)
    exclusions = [CLASS_OF_THE_DELETED] if retained.shows_a_deleted_class else []
    scales = {"row_bound": float(row_bound), "label_bound": float(label_bound)}

    if method == "exact":
        try:
            candidate = exact_candidate(retained)
        except CannotDecide:
            if fitted.policy is None and (epsilon is None or delta is None):
                raise
            exclusions.append(EXACT_UNDECIDED)
            method = "newton"
        else:
            zero = Bound(0.0, Side.EXACT, Declared("a correctly rounded function of the retained records alone"))
            return _record(
                fitted, requested, retained, retained_curvature(fitted, requested), candidate,
                method="exact",
                model=candidate.parameters.clone(),
                guarantee=Guarantee(Notion.SEKHARI, zero, zero, zero, released="the correctly rounded exact minimiser"),
                noise=None,
                distance_budget=Bound(candidate.distance.value, Side.UPPER, candidate.distance.evidence),
                budget_source="default",
                tolerance=_exact(0, "tolerance"),
                scales=scales,
                previous=previous,
                table=table,
            )  # fmt: skip

    policy = fitted.policy if (epsilon, delta) == (None, None) else None
    if policy is not None:
        if (distance_budget, tolerance, row_bound, label_bound, sampler) != (None, 0, 1.0, 1.0, None):
            raise InputError("the policy of the fit fixes every number: pass none here, or epsilon and delta as well")
        epsilon, delta, distance_budget, tolerance = policy.epsilon, policy.delta, policy.distance_budget, policy.tolerance
        row_bound, label_bound, sampler = policy.row_bound, policy.label_bound, policy.sampler
        scales = {"row_bound": float(row_bound), "label_bound": float(label_bound)}
    if epsilon is None or delta is None:
        raise InputError("unlearn needs epsilon and delta: pass both, or commit them at fit(policy=…)")
    budget = budget_of(retained.kind, retained.l2, retained.count, distance_budget=distance_budget, **scales)
    drawn_by = _check_sampler(sampler)
    gaussian = noise_scale(
        retained.kind, retained.l2, retained.count, epsilon, delta, tolerance=tolerance, distance_budget=budget
    )  # fmt: skip
    noise = gaussian if drawn_by == "rounded-normal" else grid_noise(gaussian.sensitivity, retained.dimension, epsilon, delta)
    curvature = retained_curvature(fitted, requested)
    candidate = (
        retrained_candidate(retained)
        if method == "retrain"
        else newton_candidate(fitted, requested, retained, curvature, budget.value)
    )
    if not candidate.distance.at_most(budget.rational):
        raise BudgetNotReached(
            f"the distance to the retrained minimiser could not be certified within the budget {budget.value:.3g}, so nothing was released: "
            "pass a larger distance_budget=, a larger l2, or scale the columns by public constants"
        )
    seed = None if generator is not None else fresh_seed()
    if generator is not None:
        exclusions.append(CALLER_NOISE)
    released = torch.from_numpy(_drawn(candidate.parameters.cpu().numpy(), noise, Keystream(seed) if seed else generator))
    guarantee = Guarantee(Notion.SEKHARI, noise.epsilon, noise.delta, noise.mu, exclusions=tuple(exclusions))
    return _record(
        fitted, requested, retained, curvature, candidate,
        method=method,
        model=released,
        guarantee=guarantee,
        noise=noise,
        sampler=drawn_by,
        distance_budget=budget,
        budget_source="default" if distance_budget is None else "caller",
        policy_chosen="request" if policy is None else "fit",
        tolerance=_exact(tolerance, "tolerance"),
        scales=scales,
        seed=seed,
        previous=previous,
        table=table,
    )  # fmt: skip


def _check_sampler(sampler: str | None) -> str:
    if sampler == "ideal":
        raise InputError(
            "sampler 'ideal' is what a certificate of noise made elsewhere declares, and nothing can draw it: use rounded-normal or discrete"
        )
    if sampler is not None and sampler not in SAMPLERS:
        raise InputError(f"unknown sampler {sampler!r}: use one of {', '.join(SAMPLERS)}")
    return sampler or SAMPLERS[0]


def _drawn(
    mean: NDArray[np.float64], noise: GaussianNoise | GridNoise, generator: Keystream | np.random.Generator | None
) -> NDArray[np.float64]:
    sigma = noise.sigma.value
    grid = noise.grid if isinstance(noise, GridNoise) else grid_of(sigma)
    if not float(np.abs(mean).max(initial=0.0)) + 64 * sigma < _MOST_STEPS * grid:
        raise InputError(
            "the parameters are so large beside the noise that doubles cannot hold their sum, so nothing was released: "
            "pass a larger distance_budget=, row_bound= and label_bound= of the size of the records, or scale the columns by public constants"
        )
    draw = discrete_normal if isinstance(noise, GridNoise) else rounded_normal
    return draw(mean, sigma, grid, generator)


def _record(
    fitted: Fitted,
    requested: tuple[int, ...],
    retained: LinearObjective,
    curvature: torch.Tensor | None,
    candidate: Candidate,
    **released: Any,
) -> Run:
    """The run of a candidate: what is ``released`` and claimed, beside what was measured and the secret state to go on from."""
    state = dataclasses.replace(
        fitted,
        objective=retained,
        parameters=candidate.parameters,
        measured=candidate.measured,
        curvature=curvature,
        commitments=fitted.commitments.without(requested) if requested else fitted.commitments,
        iterations=fitted.iterations + candidate.iterations,
        passes=fitted.passes + candidate.passes,
    )
    return Run(
        objective=retained,
        forget=requested,
        fitted=state,
        noiseless=candidate.parameters,
        distance=candidate.distance,
        residual=candidate.measured.residual,
        iterations=candidate.iterations,
        passes=candidate.passes,
        **released,
    )


def _request(forget: Iterable[int]) -> tuple[int, ...]:
    try:
        ids = tuple(forget.tolist() if isinstance(forget, torch.Tensor) else forget)
    except TypeError:
        raise InputError(f"forget is a list of row positions, not {forget!r}") from None
    if not all(isinstance(item, (int, np.integer)) and not isinstance(item, bool) for item in ids):
        raise InputError("ids to forget are whole numbers (row positions): convert them first")
    return tuple(int(item) for item in ids)


def _exact(number: Number, name: str) -> Bound:
    return exact_bound(nonnegative(number, name), name, "given by the caller")
