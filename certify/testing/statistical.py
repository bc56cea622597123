"""Checks that watch repeated releases. They refute at a stated level; silence proves nothing."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .check import Check, Refuted, Skip, check
from .parameters import Vector, resolution
from .problems import Problem, exchanged, flipped
from .statistics import audit, same_law_refuted, scale_refuted
from .subject import Batch, Claim, Subject

_RELEASES = 400
_EXCHANGED = 200
_COARSEST = 50.0  # noise below this many roundings of the parameters is not measured


@check("statistical.noise-scale", needs=("noiseless", "noise_scale"))
def noise_scale(subject: Subject) -> str:
    """The noise that is added has the standard deviation that noise_scale declares, with and without a request."""
    problem = _problem(subject)
    details = []
    for batch, count, forgotten in (
        (_unlearned(subject, problem), problem.data.count, len(problem.forget)),
        (_comparator(subject, problem), problem.retained.count, 0),
    ):
        sigma, noise = subject.scale(count, forgotten), batch.noise
        if sigma == 0:
            if np.any(noise):
                raise Refuted("noise_scale declares 0, and the releases differ from the noiseless model")
            continue
        if sigma < _COARSEST * resolution(batch.releases[0] - noise[0]):
            raise Skip(f"noise of scale {sigma:.3g} is too near the rounding of the parameters to be measured")
        if (wrong := scale_refuted(noise, sigma, subject.alpha / 2)) is not None:
            raise Refuted(f"{wrong}; refuted at 1-{subject.alpha:g}, {noise.size} deviations")
        details.append(f"{math.sqrt(float(np.mean((noise / sigma) ** 2))):.3f}")
    if not details:
        return "no noise is declared and none was seen"
    return f"not refuted at 1-{subject.alpha:g}; measured over declared: {', '.join(details)}"


@check("statistical.noise-ignores-forgotten-rows", rests_on=("gaussian.profile",))
def noise_ignores_forgotten_rows(subject: Subject) -> str:
    """The noise is the same for other forgotten rows beside the same retained ones, and for the empty request.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    """
    subject.skip_if_matched()
    problem = _problem(subject)
    variants = [exchanged(problem, weight=0.05, flip=False), exchanged(problem, weight=1.0, flip=True)]
    count = _EXCHANGED if subject.has("noiseless") else _count(subject)
    batches = [subject.batch(("exchanged", index), variant.data, variant.forget, count) for index, variant in enumerate(variants)]
    if subject.has("noiseless"):
        batches.append(_comparator(subject, problem))
        sizes: list[Vector] = [np.linalg.norm(batch.noise, axis=1) for batch in batches]
        if all(_rounding_only(size, batch) for size, batch in zip(sizes, batches, strict=True)):
            return "nothing is noised, whatever is forgotten"
        if (pair := same_law_refuted(sizes, subject.alpha)) is not None:
            names = ("when weak rows are forgotten", "when strong rows are forgotten", "when nothing is forgotten")
            medians = [float(np.median(size)) for size in sizes]
            raise Refuted(
                f"the noise depends on the forgotten rows: its median size is {medians[pair[0]]:.3g} {names[pair[0]]} "
                f"and {medians[pair[1]]:.3g} {names[pair[1]]}; refuted at 1-{subject.alpha:g}"
            )
        return f"not refuted at 1-{subject.alpha:g}; {len(sizes[0])} releases or more for each of three requests"
    # Without a split into mean and noise, two requests on the same retained rows are compared as wholes: each is close
    # to one comparator, so they are close to each other at (2 epsilon, (1 + e^epsilon) delta).
    claim = subject.claim
    twice = 2 * float(claim.epsilon)
    found = audit(
        batches[0].releases,
        batches[1].releases,
        min(1.0, (1 + math.exp(float(claim.epsilon))) * float(claim.delta)),
        subject.alpha,
    )
    if found.epsilon_lower > twice:
        raise Refuted(
            f"two requests on the same retained rows are told apart: epsilon >= {found.epsilon_lower:.3g} > {twice:g}; "
            f"refuted at 1-{subject.alpha:g}"
        )
    return f"not refuted at 1-{subject.alpha:g}; epsilon between two requests >= {found.epsilon_lower:.2f} (claimed: {twice:g})"


@check("statistical.audit", needs=("guarantee",))
def audit_unlearning(subject: Subject) -> str:
    """Releases after unlearning are not told apart from releases after retraining beyond the claimed (epsilon, delta)."""
    problem = _problem(subject)
    claim = subject.claim
    return _audited(subject, claim, _unlearned(subject, problem), _comparator(subject, problem), "retrained")


@check("statistical.comparator", needs=("guarantee", "retrain"))
def comparator(subject: Subject) -> str:
    """The method's own retrain is not told apart from training and unlearning nothing, beyond the claim."""
    problem = _problem(subject)
    claim = subject.claim
    retrained = subject.retrained_batch("audit", problem.retained, subject.count_of_releases())
    return _audited(subject, claim, _comparator(subject, problem), retrained, "the method's own retrained")


def _audited(subject: Subject, claim: Claim, left: Batch, right: Batch, name: str) -> str:
    if left.releases.shape != right.releases.shape:
        raise Refuted(f"the releases have {left.releases.shape[1]} parameters, the {name} ones {right.releases.shape[1]}")
    found = audit(left.releases, right.releases, float(claim.delta), subject.alpha)
    seen = f"epsilon >= {found.epsilon_lower:.2f} at delta {float(claim.delta):g}"
    if Fraction(found.epsilon_lower) > claim.epsilon:
        raise Refuted(f"refuted at 1-{subject.alpha:g}: {seen} against {name} models, and {float(claim.epsilon):g} is claimed")
    limit = f"{found.held_out} held-out releases a side can show at most {found.most:.2f}"
    return f"not refuted at 1-{subject.alpha:g}; {seen} ({limit})"


def _problem(subject: Subject) -> Problem:
    return flipped(subject.problem("statistical"))


def _count(subject: Subject) -> int:
    try:
        return subject.count_of_releases()
    except Skip:
        return _RELEASES


def _unlearned(subject: Subject, problem: Problem) -> Batch:
    return subject.batch("flipped", problem.data, problem.forget, _count(subject))


def _comparator(subject: Subject, problem: Problem) -> Batch:
    return subject.batch("comparator", problem.retained, (), _count(subject))


def _rounding_only(size: Vector, batch: Batch) -> bool:
    return bool(np.all(size <= resolution(batch.releases[0])))


CHECKS: tuple[Check, ...] = (noise_scale, noise_ignores_forgotten_rows, audit_unlearning, comparator)
