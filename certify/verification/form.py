"""The form of a claim: are terms, problem, premises and exclusions those that the theorems of such a release give?"""

from __future__ import annotations

from fractions import Fraction
from math import frexp

from certify import policy
from certify.certificates import terms
from certify.certificates.schema import Mechanism, Predicate
from certify.errors import InputError
from certify.sampling import grid_of

from .ledger import Ledger, require


def check_form(predicate: Predicate, facts: terms.Facts, ledger: Ledger) -> None:
    """Compare every public statement with what method, problem and place in the sequence imply."""
    claim, request, problem, mechanism = predicate.guarantee, predicate.request, predicate.problem, predicate.mechanism
    with ledger.check("terms", "the claim is of the kind that the theorems give"):
        said = (claim.notion, claim.direction, claim.adjacency, claim.unit, claim.released, claim.comparator)
        due = (
            terms.NOTION.value,
            terms.DIRECTION.value,
            terms.ADJACENCY.value,
            terms.UNIT,
            terms.released(facts),
            terms.COMPARATOR.value,
        )
        for ours, theirs in zip(due, said, strict=True):
            require(ours == theirs, f"the certificate claims {theirs!r} where the theorems give {ours!r}")
    with ledger.check("problem", "method, problem and sizes fit together"):
        noised = facts.noised
        require(problem.kind in policy.KINDS, f"no objective is called {problem.kind!r}")
        require(
            noised == (mechanism.method != "exact"), f"method {mechanism.method} does not release with noise {mechanism.noise}"
        )
        require(not noised or mechanism.sigma is not None, "the noise scale is missing")
        require(
            noised or (mechanism.sigma is None and problem.kind == "ridge"),
            "an exact release is one of ridge regression, without noise",
        )
        require(
            terms.SAMPLERS[mechanism.sampler] == mechanism.noise and noised == (mechanism.entropy != "none"),
            f"sampler {mechanism.sampler} and entropy {mechanism.entropy} do not fit noise {mechanism.noise}",
        )
        require(
            mechanism.sampler != "ideal" or mechanism.entropy == "caller",
            "ideal noise is made elsewhere, so its entropy is the caller's: nothing that certify draws is ideal",
        )
        require(_sigma_and_grid(mechanism), "the grid of the release is not the one that its noise scale gives")
        require(mechanism.theorem == terms.theorem_of(mechanism.noise), f"{mechanism.theorem} is not the theorem of this release")
        outputs = {"logistic": 1, "ridge": 1}.get(problem.kind, len(problem.classes))
        require(
            problem.kind == "ridge" or len(set(problem.classes)) == len(problem.classes) >= 2,
            "a classifier needs at least two classes",
        )
        require(problem.kind != "ridge" or not problem.classes, "regression has no classes")
        require(problem.kind != "logistic" or len(problem.classes) == 2, "logistic regression has two classes")
        require(
            problem.parameters == outputs * (problem.columns + problem.intercept) > 0,
            "the number of parameters does not fit the problem",
        )
        require(problem.l2.exact > 0 and request.retained.count > 0, "l2 and the number of retained records are positive")
    with ledger.check("sequence", f"release {request.sequence} of its sequence"):
        require((request.previous is None) == (request.sequence == 1), "only a first release has no previous certificate")
        require(predicate.transcript.releases == request.sequence, "the transcript does not count the releases of the sequence")
    with ledger.check("premises", "every premise is named, with no more support than it has"):
        require(
            predicate.premises == terms.premises(facts),
            "the premises are not those of such a release: one is missing, added or altered",
        )
    with ledger.check("exclusions", "what is not promised is said"):
        due_exclusions = terms.exclusions(facts)
        said_exclusions = predicate.exclusions
        require(said_exclusions[: len(due_exclusions)] == due_exclusions, "an exclusion is left out or altered")
        require(len(set(said_exclusions)) == len(said_exclusions), "an exclusion is listed twice")
        require(
            facts.entropy == "caller" or terms.CALLER_NOISE not in predicate.exclusions,
            "the exclusions do not fit the source of the noise",
        )


def _sigma_and_grid(mechanism: Mechanism) -> bool:
    """Whether the noise scale is a double and the grid fits it. That of a discrete release follows from the sensitivity: ``policy.sigma``."""
    if mechanism.sigma is None:
        return mechanism.grid is None
    if mechanism.sampler == "ideal":
        return mechanism.grid is None
    if mechanism.grid is None:
        return False
    try:
        sigma, grid = float(mechanism.sigma), float(mechanism.grid)
        held = mechanism.sigma.exact == Fraction(sigma) and mechanism.grid.exact == Fraction(grid) and grid > 0
        return held and (grid == grid_of(sigma) if mechanism.sampler == "rounded-normal" else frexp(grid)[0] == 0.5)
    except (InputError, OverflowError):
        return False
