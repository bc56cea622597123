"""From a run to its certificate. Nothing that is a function of the deleted records goes in, but salted commitments."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from certify import gaussian
from certify.bounds.derive import derive
from certify.errors import InputError
from certify.proofs import book
from certify.sampling import grid_of
from certify.storage import sha256

from . import terms
from .certificate import Certificate, seal
from .derivation import Item, Step, evaluate, items_of, lemmas, used_theorems, wire_number, write_nodes
from .schema import (
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    Book,
    Claim,
    CommittedSet,
    Mechanism,
    Number,
    Obligation,
    Policy,
    Predicate,
    Problem,
    Request,
    Statement,
    Subject,
    SubjectDigest,
    Transcript,
)
from .tensors import PARAMETERS, tensors_digest, write_tensors

if TYPE_CHECKING:
    from certify.bounds.bound import Bound
    from certify.runs import Run

_PACKAGES = ("certify-unlearning", "numpy", "torch", "python-flint")
_UNSEALED = "0" * 64


def certificate_of(run: Run) -> Certificate:
    """The unsigned certificate of a run; hashes the trees of the commitments and the released model.

    Raises :class:`~certify.errors.InputError` when the run claims something that its numbers do not prove.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``ridge.strong-convexity`` (lower l2).
    """
    if run.guarantee.notion is not terms.NOTION or run.guarantee.comparator is not terms.COMPARATOR:
        raise InputError(
            f"certificates are issued for {terms.NOTION.value} with a fixed comparator, not for {run.guarantee.notion.value}"
        )
    before = None if run.previous is None else run.previous.certificate.predicate
    facts = facts_of(run, 1 if before is None else before.request.sequence + 1)
    claimed = {name: getattr(run.guarantee, name).rational for name in ("epsilon", "delta")}
    leaves = _leaves(run, facts, claimed)
    nodes = evaluate(items_of(noised=facts.noise == "gaussian", continued=False, transcript_noised=False), leaves)
    if facts.noise == "gaussian" and not gaussian.satisfies(
        claimed["epsilon"], claimed["delta"], nodes["sensitivity"].rational, leaves["sigma"]
    ):
        raise InputError("the noise of this run is too small for what it claims: nothing is certified")
    transcript = _transcript(claimed, nodes["mu"].rational, before)
    if before is not None:
        leaves |= {"previous-mu": before.transcript.mu.exact, "transcript-epsilon": transcript.epsilon.exact, "unit": Fraction(1)}
    items = items_of(noised=facts.noise == "gaussian", continued=before is not None, transcript_noised=transcript.mu.exact > 0)
    nodes = evaluate(items, leaves)
    found = lemmas(used_theorems(items))
    premises = terms.premises(facts)
    predicate = Predicate(
        guarantee=_claim(facts, claimed, nodes["mu"]),
        transcript=transcript,
        request=_request(run, facts, before),
        problem=problem_of(run.objective.describe()),
        mechanism=Mechanism(
            method=facts.method,  # type: ignore[arg-type]
            theorem="gaussian.profile" if facts.noise == "gaussian" else "ridge.strong-convexity",
            noise=facts.noise,  # type: ignore[arg-type]
            sampler="rounded-normal" if facts.noise == "gaussian" else "none",
            entropy=facts.entropy,  # type: ignore[arg-type]
            sigma=wire_number(leaves["sigma"]) if facts.noise == "gaussian" else None,
            grid=wire_number(grid_of(float(leaves["sigma"]))) if facts.noise == "gaussian" else None,
        ),
        policy=_policy(run, facts),
        derivation=write_nodes(items, nodes, {lemma.id: lemma.digest for lemma in found}),
        obligations=obligations_of(items, wire_number(claimed["delta"]), transcript.delta),
        premises=premises,
        lemmas=found,
        book=Book(version=str(book.VERSION), digest=book.book_digest()),
        weakest_theorem=terms.weakest_theorem(found),
        weakest_premise=terms.weakest_premise(premises),
        exclusions=terms.exclusions(facts, run.guarantee.exclusions),
        provenance=_provenance(run.table),
        environment=_environment(),
        content_digest=_UNSEALED,
    )
    statement = Statement(
        _type=STATEMENT_TYPE,
        subject=[Subject(name="model.safetensors", digest=_model_digests(run))],
        predicate_type=PREDICATE_TYPE,
        predicate=predicate,
    )
    return seal(statement.model_dump(mode="json", by_alias=True))


def facts_of(run: Run, sequence: int) -> terms.Facts:
    """The public facts of a run that decide its premises."""
    noise = "none" if run.noise is None else "gaussian"
    entropy = "none" if run.noise is None else "caller" if run.seed is None else "operating-system"
    return terms.Facts(run.method, noise, entropy, run.objective.kind, run.budget_source, sequence, run.policy_chosen)


def problem_of(description: Mapping[str, Any]) -> Problem:
    """The description of an objective in wire form."""
    return Problem(
        kind=description["kind"],
        l2=wire_number(Fraction(float.fromhex(description["l2"]))),
        intercept=description["intercept"],
        columns=description["columns"],
        classes=list(description["classes"]),
        parameters=description["parameters"],
    )


def obligations_of(items: Iterable[Item], delta: Number, transcript_delta: Number) -> list[Obligation]:
    """One inequality for each privacy profile in the derivation."""
    limits = {"delta": delta, "transcript-delta": transcript_delta}
    return [
        Obligation(id=item.id, theorem=item.theorem, node=item.id, limit=limits[item.id])
        for item in items
        if isinstance(item, Step) and item.id in limits
    ]


def _leaves(run: Run, facts: terms.Facts, claimed: Mapping[str, Fraction]) -> dict[str, Fraction]:
    leaves = {"l2": Fraction(run.objective.l2), "epsilon": claimed["epsilon"]}
    if facts.noise == "none":
        if claimed["epsilon"] or claimed["delta"]:
            raise InputError("a release without noise claims epsilon = 0 and delta = 0, or nothing")
        return {**leaves, "delta": Fraction(0), "mu": Fraction(0)}
    assert run.noise is not None
    return {
        **leaves,
        "distance-budget": run.distance_budget.rational,
        "tolerance": run.tolerance.rational,
        "sigma": run.noise.sigma.rational,
    }


def _transcript(claimed: Mapping[str, Fraction], mu: Fraction, before: Predicate | None) -> Transcript:
    """The guarantee of the whole sequence: Gaussian parameters add in squares; epsilon at the largest delta claimed so far.

    Theorem: ``gaussian.composition`` (upper first, second).
    """
    if before is None:
        return Transcript(
            releases=1, mu=wire_number(mu), epsilon=wire_number(claimed["epsilon"]), delta=wire_number(claimed["delta"])
        )
    total = derive("gaussian.composition", first=before.transcript.mu.exact, second=mu).rational
    delta = max(claimed["delta"], before.transcript.delta.exact)
    epsilon = Fraction(gaussian.least_epsilon(delta, total, Fraction(1))) if total else Fraction(0)
    return Transcript(
        releases=before.transcript.releases + 1, mu=wire_number(total), epsilon=wire_number(epsilon), delta=wire_number(delta)
    )


def _claim(facts: terms.Facts, claimed: Mapping[str, Fraction], mu: Bound) -> Claim:
    return Claim(
        notion=terms.NOTION.value,
        epsilon=wire_number(claimed["epsilon"]),
        delta=wire_number(claimed["delta"]),
        mu=wire_number(mu),
        direction=terms.DIRECTION.value,
        adjacency=terms.ADJACENCY.value,
        unit=terms.UNIT,
        released=terms.released(facts),
        comparator=terms.COMPARATOR.value,
    )


def _request(run: Run, facts: terms.Facts, before: Predicate | None) -> Request:
    commitments = run.fitted.commitments
    return Request(
        forgotten=CommittedSet(count=len(run.forget), root=commitments.root(run.forget)),
        retained=CommittedSet(count=run.objective.count, root=commitments.root(run.objective.ids)),
        sequence=facts.sequence,
        previous=None if before is None else before.content_digest,
    )


def _policy(run: Run, facts: terms.Facts) -> Policy:
    noised = facts.noise == "gaussian"
    used = terms.scales_used(facts)
    return Policy(
        distance_budget=wire_number(run.distance_budget if noised else 0),
        budget_source=run.budget_source,  # type: ignore[arg-type]
        chosen=run.policy_chosen if noised else "request",  # type: ignore[arg-type]
        tolerance=wire_number(run.tolerance if noised else 0),
        row_bound=wire_number(Fraction(run.scales["row_bound"]) if "row_bound" in used else 1),
        label_bound=wire_number(Fraction(run.scales["label_bound"]) if "label_bound" in used else 1),
    )


def _model_digests(run: Run) -> SubjectDigest:
    tensors = {PARAMETERS: run.model}
    return SubjectDigest(sha256=sha256(write_tensors(tensors)), tensors=tensors_digest(tensors))


def _provenance(table: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (table or {}).items() if value is not None and str(value)}


def _environment() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: found for name in _PACKAGES if (found := _version(name))}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
