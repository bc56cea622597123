"""From a run to its certificate. Nothing that is a function of the deleted records goes in, but salted commitments."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from certify import gaussian
from certify.accounting.orders import for_epsilon, logarithm
from certify.bounds.derive import derive
from certify.errors import InputError
from certify.mechanisms.grid_noise import GridNoise, order_of
from certify.proofs import book
from certify.sampling import grid_of
from certify.storage import sha256

from . import terms
from .certificate import Certificate, seal
from .derivation import Form, Item, Leaf, Step, evaluate, items_of, lemmas, used_theorems, wire_number, write_nodes
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
    """
    if run.guarantee.notion is not terms.NOTION or run.guarantee.comparator is not terms.COMPARATOR:
        raise InputError(
            f"certificates are issued for {terms.NOTION.value} with a fixed comparator, not for {run.guarantee.notion.value}"
        )
    before = None if run.previous is None else run.previous.certificate.predicate
    facts = facts_of(run, 1 if before is None else before.request.sequence + 1)
    claimed = {name: getattr(run.guarantee, name).rational for name in ("epsilon", "delta")}
    form = Form(facts.noise, alone=run.objective.describe()["parameters"] == 1)
    leaves = _leaves(run, facts, claimed)
    nodes = evaluate(items_of(form), leaves)
    if not _reached(facts, claimed, nodes, leaves):
        raise InputError("the noise of this run is too small for what it claims: nothing is certified")
    if before is not None:
        spent, currency = spent_before(before.transcript)
        form = replace(form, before=currency, unspent=spent == 0)
        leaves |= {f"previous-{currency}": spent, "unit": Fraction(1)}
        if form.currency == "rho":
            leaves = {name: Fraction(0) for name in ("previous-rho", "rho")} | leaves
    transcript, further = _transcript(form, claimed, nodes, leaves, before)
    leaves |= further
    items = items_of(form)
    nodes = evaluate(items, leaves)
    found = lemmas(used_theorems(items))
    premises = terms.premises(facts)
    predicate = Predicate(
        guarantee=_claim(facts, claimed, nodes.get("mu")),
        transcript=transcript,
        request=_request(run, facts, before),
        problem=problem_of(run.objective.describe()),
        mechanism=Mechanism(
            method=facts.method,  # type: ignore[arg-type]
            theorem=terms.theorem_of(facts.noise),
            noise=facts.noise,  # type: ignore[arg-type]
            sampler=facts.sampler,  # type: ignore[arg-type]
            entropy=facts.entropy,  # type: ignore[arg-type]
            sigma=wire_number(leaves["sigma"]) if facts.noised else None,
            grid=wire_number(leaves.get("grid", Fraction(grid_of(float(leaves["sigma"]))))) if facts.noised else None,
        ),
        policy=_policy(run, facts),
        derivation=write_nodes(items, nodes, {lemma.id: lemma.digest for lemma in found}),
        obligations=obligations_of(items, wire_number(claimed["delta"]), transcript),
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
    sampler = "none" if run.noise is None else run.sampler
    if sampler == "ideal" or sampler not in terms.SAMPLERS:
        raise InputError(f"no certificate is issued for sampler {sampler!r}: what certify draws is rounded-normal or discrete")
    noise = terms.SAMPLERS[sampler]
    if run.noise is not None and run.noise.mechanism != noise:
        raise InputError(f"sampler {sampler} draws {noise} noise, and the noise of this run is {run.noise.mechanism}")
    entropy = "none" if run.noise is None else "caller" if run.seed is None else "operating-system"
    return terms.Facts(
        run.method, noise, sampler, entropy, run.objective.kind, run.budget_source, sequence, run.policy_chosen
    )  # fmt: skip


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


def obligations_of(items: Iterable[Item], delta: Number, transcript: Transcript) -> list[Obligation]:
    """One inequality for each number of the derivation that a claim must cover."""
    limits = {"delta": delta, "transcript-delta": transcript.delta, "transcript-epsilon": transcript.epsilon}
    return [
        Obligation(
            id=item.id, theorem=item.theorem if isinstance(item, Step) else "enclosure", node=item.id, limit=limits[item.id]
        )
        for item in items
        if not isinstance(item, Leaf) and item.id in limits
    ]


def spent_before(transcript: Transcript) -> tuple[Fraction, str]:
    """What a transcript has spent, and in which currency."""
    if transcript.mu is not None:
        return transcript.mu.exact, "mu"
    if transcript.rho is None:
        raise InputError("the transcript of the previous certificate states neither mu nor rho")
    return transcript.rho.exact, "rho"


def _leaves(run: Run, facts: terms.Facts, claimed: Mapping[str, Fraction]) -> dict[str, Fraction]:
    leaves = {"l2": Fraction(run.objective.l2), "epsilon": claimed["epsilon"]}
    if not facts.noised:
        if claimed["epsilon"] or claimed["delta"]:
            raise InputError("a release without noise claims epsilon = 0 and delta = 0, or nothing")
        return {**leaves, "delta": Fraction(0), "mu": Fraction(0)}
    assert run.noise is not None
    leaves |= {
        "distance-budget": run.distance_budget.rational,
        "tolerance": run.tolerance.rational,
        "sigma": run.noise.sigma.rational,
    }
    if isinstance(run.noise, GridNoise):
        leaves |= {"grid": Fraction(run.noise.grid), "parameters": Fraction(run.noise.dimension)}
        spent = evaluate(items_of(Form(facts.noise, bare=True)), leaves)["rho"]
        leaves["order"] = order_of(spent, claimed["epsilon"])
    return leaves


def _reached(
    facts: terms.Facts, claimed: Mapping[str, Fraction], nodes: Mapping[str, Bound], leaves: Mapping[str, Fraction]
) -> bool:
    """Whether the noise gives what is claimed.

    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    """
    if facts.noise == "gaussian":
        return gaussian.satisfies(claimed["epsilon"], claimed["delta"], nodes["sensitivity"].rational, leaves["sigma"])
    return not facts.noised or nodes["delta"].rational <= claimed["delta"]


def _transcript(
    form: Form,
    claimed: Mapping[str, Fraction],
    nodes: Mapping[str, Bound],
    leaves: Mapping[str, Fraction],
    before: Predicate | None,
) -> tuple[Transcript, dict[str, Fraction]]:
    """The guarantee of the whole sequence at the largest delta claimed so far, and the leaves on which it rests.

    Gaussian parameters add in squares; with a discrete release among them all are counted in zCDP, whose parameters add.

    Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta).
    """
    if before is None:
        spent = wire_number(nodes[form.currency])
        first = Transcript(
            releases=1, epsilon=wire_number(claimed["epsilon"]), delta=wire_number(claimed["delta"]), **_counted(form, spent)
        )
        return first, {}
    delta = max(claimed["delta"], before.transcript.delta.exact)
    total = evaluate(items_of(replace(form, bare=True)), leaves)[f"transcript-{form.currency}"]
    further: dict[str, Fraction] = {}
    if total.value == 0:
        epsilon = Fraction(0)
    elif form.currency == "mu":
        epsilon = Fraction(gaussian.least_epsilon(delta, total.rational, Fraction(1)))
        further = {"transcript-epsilon": epsilon}
    else:
        order = for_epsilon(total.value, logarithm(delta))
        epsilon = max(Fraction(0), derive("zcdp.approximate", order=order, rho=total, delta=delta).rational)
        further = {"transcript-delta": delta, "transcript-order": order}
    made = Transcript(
        releases=before.transcript.releases + 1, epsilon=wire_number(epsilon), delta=wire_number(delta),
        **_counted(form, wire_number(total)),
    )  # fmt: skip
    return made, further


def _counted(form: Form, spent: Number) -> dict[str, Number | None]:
    return {"mu": spent if form.currency == "mu" else None, "rho": spent if form.currency == "rho" else None}


def _claim(facts: terms.Facts, claimed: Mapping[str, Fraction], mu: Bound | None) -> Claim:
    return Claim(
        notion=terms.NOTION.value,
        epsilon=wire_number(claimed["epsilon"]),
        delta=wire_number(claimed["delta"]),
        mu=None if mu is None else wire_number(mu),
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
    noised = facts.noised
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
