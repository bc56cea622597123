"""Level "arithmetic": what follows from the certificate alone, recomputed with the verifier's own book of proofs.

Nothing that the producer computed is believed. The derivation is evaluated again from its declared
leaves; recorded numbers are only compared with ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from certify import gaussian, policy
from certify.bounds.bound import Bound
from certify.certificates import Certificate, terms
from certify.certificates.build import obligations_of
from certify.certificates.canonical import parse
from certify.certificates.certificate import content_digest
from certify.certificates.derivation import Enclosure, Form, Item, Leaf, Step, evaluate, items_of, lemmas, used_theorems
from certify.certificates.schema import Lemma, Predicate
from certify.mechanisms.grid_noise import grid_noise
from certify.proofs import book, registry
from certify.proofs.status import Status

from .form import check_form
from .ledger import Ledger, Missing, Refused, require
from .verdict import Link

_ULPS = 4
_CHOSEN = ("previous-mu", "previous-rho", "order", "transcript-order")
"""Leaves that stand in the derivation alone: what came before, which the chain compares, and orders, of which every one is valid."""


@dataclass(frozen=True)
class Replay:
    """What the verifier derived itself: the numbers, and the support of the theorems used."""

    nodes: Mapping[str, Bound]
    theorems: tuple[Link, ...]
    premises: tuple[Link, ...]
    facts: terms.Facts


def replay(certificate: Certificate, ledger: Ledger) -> Replay | None:
    """Make every check that needs the certificate alone; None if the derivation cannot be evaluated."""
    predicate = certificate.predicate
    facts = facts_of(predicate)
    with ledger.check("content-digest", "the content has not been corrupted"):
        require(
            content_digest(parse(certificate.envelope.payload)) == predicate.content_digest,
            "the content differs from its digest: it was altered or damaged",
        )
    check_form(predicate, facts, ledger)
    leaves = _leaves(predicate)
    items = items_of(form_of(predicate, leaves))
    nodes: dict[str, Bound] = {}
    with ledger.check("derivation", f"{len(items)} numbers derived again, each equal to the recorded one"):
        _check_shape(predicate, items, leaves)
        nodes = _evaluated(items, leaves)
        _check_values(predicate, nodes)
    found: list[Lemma] = []
    with ledger.check("theorems", "every theorem used is in our book, word for word, and its proof is accepted"):
        found = lemmas(used_theorems(items))
        _check_lemmas(predicate, found)
    _check_book(predicate, ledger)
    if not nodes or not found:
        return None
    _check_policy(predicate, facts, nodes, ledger)
    _check_claims(predicate, items, facts, nodes, ledger)
    premises = terms.premises(facts)
    with ledger.check("weakest", "the weakest links are named"):
        require(predicate.weakest_theorem == terms.weakest_theorem(found), "the weakest theorem is not the one that is named")
        require(predicate.weakest_premise == terms.weakest_premise(premises), "the weakest premise is not the one that is named")
    return Replay(
        nodes,
        tuple(Link(lemma.id, Status.parse(lemma.status)) for lemma in found if lemma.kind != "foundation"),
        tuple(Link(premise.id, Status.parse(premise.status)) for premise in premises),
        facts,
    )


def facts_of(predicate: Predicate) -> terms.Facts:
    """The public facts that decide the premises."""
    mechanism = predicate.mechanism
    return terms.Facts(
        mechanism.method,
        mechanism.noise,
        mechanism.sampler,
        mechanism.entropy,
        predicate.problem.kind,
        predicate.policy.budget_source,
        predicate.request.sequence,
        predicate.policy.chosen,
    )


def form_of(predicate: Predicate, leaves: Mapping[str, Fraction]) -> Form:
    """What decides the derivation, read off the certificate; a certificate that contradicts itself fails a check of its own."""
    noise, alone = predicate.mechanism.noise, predicate.problem.parameters == 1
    if predicate.request.sequence == 1:
        return Form(noise, alone)
    before = "mu" if "previous-mu" in leaves else "rho"
    return Form(noise, alone, before, unspent=leaves.get("previous-mu") == 0)


def _leaves(predicate: Predicate) -> dict[str, Fraction]:
    """The declared numbers, each from the one field of the certificate where it belongs."""
    claim, mechanism, transcript = predicate.guarantee, predicate.mechanism, predicate.transcript
    leaves = {
        "l2": predicate.problem.l2.exact,
        "epsilon": claim.epsilon.exact,
        "distance-budget": predicate.policy.distance_budget.exact,
        "tolerance": predicate.policy.tolerance.exact,
        "transcript-epsilon": transcript.epsilon.exact,
        "transcript-delta": transcript.delta.exact,
        "parameters": Fraction(predicate.problem.parameters),
        "unit": Fraction(1),
    }
    if mechanism.sigma is not None:
        leaves["sigma"] = mechanism.sigma.exact
    else:
        leaves |= {"epsilon": Fraction(0), "delta": Fraction(0), "mu": Fraction(0), "rho": Fraction(0)}
    if mechanism.grid is not None:
        leaves["grid"] = mechanism.grid.exact
    chosen = {node.id: node.number.exact for node in predicate.derivation if node.kind == "declared" and node.id in _CHOSEN}
    return leaves | ({"previous-rho": Fraction(0)} if chosen.get("previous-mu") == 0 else {}) | chosen


def _check_shape(predicate: Predicate, items: tuple[Item, ...], leaves: Mapping[str, Fraction]) -> None:
    recorded = predicate.derivation
    require(
        [node.id for node in recorded] == [item.id for item in items],
        "the derivation is not that of such a release: a step is missing or added",
    )
    for item, node in zip(items, recorded, strict=True):
        match item:
            case Leaf(name, side, meaning):
                require(
                    node.kind == "declared"
                    and node.meaning == meaning
                    and node.side == side.value
                    and node.theorem is None
                    and node.digest is None
                    and not node.inputs,
                    f"{name} is not the declared number that it should be",
                )
                require(name in leaves, f"{name} is missing where the certificate should state it")
                require(
                    node.number.exact == leaves[name], f"{name} = {node.number.approx} contradicts the rest of the certificate"
                )
            case Step(name, theorem, inputs):
                require(
                    node.kind == "derived" and node.theorem == theorem and node.meaning == f"by {theorem}",
                    f"{name} does not come from {theorem}",
                )
                require(
                    tuple((entry.symbol, entry.node) for entry in node.inputs) == inputs, f"{name} is derived from other numbers"
                )
                require(node.side == registry.theorem(theorem).conclusion.side.value, f"{name} is on the wrong side of the truth")
                require(node.digest == registry.digest(theorem), f"{theorem} is another theorem in our book")
            case Enclosure(name, side, meaning, inputs):
                require(
                    (node.kind, node.side, node.meaning, node.theorem, node.digest)
                    == ("enclosed", side.value, meaning, None, None),
                    f"{name} is not the number that it should be",
                )
                require(
                    tuple((entry.symbol, entry.node) for entry in node.inputs) == tuple((used, used) for used in inputs),
                    f"{name} is computed from other numbers",
                )


def _evaluated(items: tuple[Item, ...], leaves: Mapping[str, Fraction]) -> dict[str, Bound]:
    """Every number again; numbers for which the theorems were not made are refused in words."""
    try:
        nodes = evaluate(items, leaves)
    except (ValueError, ArithmeticError) as problem:
        words = "a number is beyond the doubles" if isinstance(problem, OverflowError) else str(problem)
        raise Refused(f"the derivation cannot be made again: {words}") from None
    for name, bound in nodes.items():
        require(math.isfinite(bound.value), f"{name} is beyond the doubles")
    return nodes


def _check_values(predicate: Predicate, nodes: Mapping[str, Bound]) -> None:
    for node in predicate.derivation:
        ours = nodes[node.id]
        require(
            near(node.number.exact, ours.rational),
            f"{node.id} is recorded as {node.number.approx}, and follows as {ours.value!r}",
        )


def _check_lemmas(predicate: Predicate, found: list[Lemma]) -> None:
    ours, theirs = {lemma.id: lemma for lemma in found}, {lemma.id: lemma for lemma in predicate.lemmas}
    require(len(theirs) == len(predicate.lemmas), "a theorem is listed twice")
    require(list(ours) == list(theirs), "the list of theorems is not what the derivation rests on, no more and no less")
    for name, lemma in ours.items():
        require(theirs[name].kind == lemma.kind, f"{name} is a {lemma.kind} in our book")
        require(theirs[name].digest == lemma.digest, f"{name} is another theorem in our book")
        require(
            theirs[name].status == lemma.status,
            f"{name} is {lemma.status} by our own check, and recorded as {theirs[name].status}",
        )


def _check_book(predicate: Predicate, ledger: Ledger) -> None:
    with ledger.check("book", "the same edition of the book of proofs"):
        if (predicate.book.version, predicate.book.digest) != (str(book.VERSION), book.book_digest()):
            raise Missing("made with another edition of the book; the theorems used were compared one by one")


def _check_policy(predicate: Predicate, facts: terms.Facts, nodes: Mapping[str, Bound], ledger: Ledger) -> None:
    with ledger.check("policy.scales", "public scales that the default budget does not use are 1"):
        for name in ("row_bound", "label_bound"):
            used = name in terms.scales_used(facts)
            require(used or getattr(predicate.policy, name).exact == 1, f"{name} is recorded and not used")
    if not facts.noised:
        with ledger.check("policy", "nothing to hide: the policy is empty"):
            require(
                predicate.policy.distance_budget.exact == 0 == predicate.policy.tolerance.exact,
                "an exact release has no distance budget",
            )
            require(
                (predicate.policy.budget_source, predicate.policy.chosen) == ("default", "request"),
                "an exact release has no policy that anybody chose",
            )
        return
    settings, problem = predicate.policy, predicate.problem
    with ledger.check("policy.budget", _budget_words(facts)):
        if settings.budget_source == "default":
            scales = {"row_bound": settings.row_bound.exact, "label_bound": settings.label_bound.exact}
            ours = policy.budget_of(problem.kind, problem.l2.exact, predicate.request.retained.count, **scales)
            require(
                settings.distance_budget.exact == ours.rational,
                f"the default budget is {ours.value!r}, and {settings.distance_budget.approx} is recorded",
            )
        else:
            require(settings.distance_budget.exact > 0, "a distance budget is positive")
    with ledger.check(
        "policy.sigma", "the noise scale is the least sufficient one, a function of public values and the retained count"
    ):
        claim, mechanism = predicate.guarantee, predicate.mechanism
        require(mechanism.sigma is not None, "the noise scale is missing")
        assert mechanism.sigma is not None
        if facts.noise == "discrete-gaussian":
            _check_grid_noise(predicate, nodes["sensitivity"])
            return
        least = gaussian.least_sigma(claim.epsilon.exact, claim.delta.exact, nodes["sensitivity"].rational)
        require(
            near(mechanism.sigma.exact, Fraction(least)),
            f"the noise scale for this budget is {least!r}, and {mechanism.sigma.approx} is recorded",
        )


def _check_grid_noise(predicate: Predicate, sensitivity: Bound) -> None:
    """The grid and the scale of a discrete release are functions of the sensitivity, the number of parameters, epsilon and delta."""
    claim, mechanism = predicate.guarantee, predicate.mechanism
    assert mechanism.sigma is not None and mechanism.grid is not None
    ours = grid_noise(sensitivity, predicate.problem.parameters, claim.epsilon.exact, claim.delta.exact)
    require(
        mechanism.grid.exact == Fraction(ours.grid),
        f"the grid for this sensitivity is {ours.grid!r}, and {mechanism.grid.approx} is recorded",
    )
    require(
        mechanism.sigma.exact == ours.sigma.rational,
        f"the noise scale for this budget is {ours.sigma.value!r}, and {mechanism.sigma.approx} is recorded",
    )


def _check_claims(
    predicate: Predicate, items: tuple[Item, ...], facts: terms.Facts, nodes: Mapping[str, Bound], ledger: Ledger
) -> None:
    claim, transcript = predicate.guarantee, predicate.transcript
    with ledger.check(
        "guarantee",
        f"(epsilon, delta) = ({claim.epsilon.approx}, {claim.delta.approx}) follows from the sensitivity and the noise",
    ):
        require(claim.epsilon.exact >= 0 and 0 <= claim.delta.exact < 1, "epsilon and delta are out of range")
        if not facts.noised:
            require(claim.epsilon.exact == 0 == claim.delta.exact, "an exact release claims epsilon = 0 and delta = 0")
        else:
            assert predicate.mechanism.sigma is not None
            holds = nodes["delta"].rational <= claim.delta.exact
            if facts.noise == "gaussian":
                holds = gaussian.satisfies(
                    claim.epsilon.exact, claim.delta.exact, nodes["sensitivity"].rational, predicate.mechanism.sigma.exact
                )
            require(holds, f"delta is {nodes['delta'].value!r} at this epsilon, above the {claim.delta.approx} that is claimed")
        if facts.noise == "discrete-gaussian":
            require(claim.mu is None, "a discrete Gaussian parameter is claimed as a Gaussian one: it has none")
        else:
            require(claim.mu is not None and near(claim.mu.exact, nodes["mu"].rational), "the Gaussian parameter does not follow")
    with ledger.check("obligations", "the inequalities of this run are listed and proved again"):
        due = obligations_of(items, claim.delta, transcript)
        require(predicate.obligations == due, "the obligations are not those of such a release")
    with ledger.check(
        "transcript",
        f"{transcript.releases} release(s): epsilon = {transcript.epsilon.approx} at delta = {transcript.delta.approx}",
    ):
        currency = "rho" if transcript.mu is None else "mu"
        spent = transcript.rho if transcript.mu is None else transcript.mu
        require(
            spent is not None and (transcript.mu is None or transcript.rho is None),
            "a transcript is counted in mu or in rho, and not in both",
        )
        assert spent is not None
        prefix = "transcript-" if predicate.request.sequence > 1 else ""
        require(f"{prefix}{currency}" in nodes, "the transcript is counted in another currency than its releases allow")
        total = nodes[f"{prefix}{currency}"].rational
        require(near(spent.exact, total), f"the parameter {currency} of the transcript does not follow")
        if not prefix:
            require(
                (transcript.epsilon, transcript.delta) == (claim.epsilon, claim.delta), "a first release is its own transcript"
            )
            return
        require(
            transcript.epsilon.exact >= 0 and claim.delta.exact <= transcript.delta.exact < 1,
            "epsilon and delta are out of range",
        )
        if total == 0:
            require(transcript.epsilon.exact == 0, "an exact transcript has epsilon = 0")
            return
        if currency == "rho":
            least = max(Fraction(0), nodes["transcript-epsilon"].rational)
            require(
                transcript.epsilon.exact >= least, "the claim for the whole transcript does not follow from its zCDP parameter"
            )
        else:
            holds = gaussian.satisfies(transcript.epsilon.exact, transcript.delta.exact, total, Fraction(1))
            require(holds, "the claim for the whole transcript does not follow from its Gaussian parameter")
            least = Fraction(gaussian.least_epsilon(transcript.delta.exact, total, Fraction(1)))
        require(near(transcript.epsilon.exact, least), f"epsilon of the transcript is {float(least)!r} at this delta")


def _budget_words(facts: terms.Facts) -> str:
    if facts.budget_source == "default":
        return "the distance budget is the public default, recomputed"
    return "the distance budget was chosen by the caller: premise policy.independent"


def near(recorded: Fraction, ours: Fraction) -> bool:
    """Within a few units in the last place: versions of the ball library may round apart, nothing more."""
    return abs(recorded - ours) <= _ULPS * Fraction(math.ulp(float(ours)))
