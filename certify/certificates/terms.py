"""What goes with every certificate of a built-in method: terms, premises and exclusions, from public facts alone.

Producer and verifier both call these functions, so that a certificate that leaves a premise or an
exclusion out, softens a word or claims another notion is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from certify.bounds.rounding import EXPONENTIAL_ULP
from certify.guarantee import Adjacency, Comparator, Direction, Notion
from certify.proofs.status import Status

from .schema import Lemma, Premise, Weakest

NOTION = Notion.SEKHARI
DIRECTION = Direction.TWO_WAY
ADJACENCY = Adjacency.REMOVE
COMPARATOR = Comparator.FIXED
UNIT = "record"

EXCLUSIONS = (
    "post-deletion only: whoever also holds the model from before the deletion, or the un-noised model, is not covered",
    "preprocessing fitted on the deleted records (means, vocabularies, selected features, tuned hyper-parameters) is not covered",
    "observable running time, iteration counts, retries and failed runs are not covered",
    "copies of the records elsewhere (backups, logs, derived data and models) are not covered",
    "the noise seed, the salt and the rest of the witness stay secret: whoever holds them is not covered",
    "requests chosen after seeing earlier releases are not covered by the per-release guarantee",
    "releases from the same records that this sequence does not name are not covered",
    "nothing is promised about the retained records; the number of forgotten records is published",
)
CALLER_NOISE = "noise: caller-controlled"
IDEAL = "the noise is an exact real Gaussian; floating-point noise is not"
"""What a certificate of noise made elsewhere asks to be believed. No certificate of our own says so."""
SAMPLERS = {"rounded-normal": "gaussian", "ideal": "gaussian", "discrete": "discrete-gaussian", "none": "none"}
"""The law of each sampler."""
_WHEN = {
    "fit": "the producer says that they were fixed at the fit, before any request, which no verifier can see unless that was published",
    "request": "they were given with the request",
}


@dataclass(frozen=True)
class Facts:
    """The public facts that decide which premises a release rests on."""

    method: str
    noise: str  # "gaussian", "discrete-gaussian" or "none"
    sampler: str  # "rounded-normal", "discrete", "ideal" or "none"
    entropy: str  # "operating-system", "caller" or "none"
    kind: str
    budget_source: str
    sequence: int
    chosen: str = "request"  # or "fit": when epsilon, delta and the budget were fixed, by the producer's own account

    @property
    def noised(self) -> bool:
        """Whether there is noise of any law."""
        return self.noise != "none"


def theorem_of(noise: str) -> str:
    """The theorem on which a release with noise of this law rests.

    Theorem: ``discrete-gaussian.zcdp`` (upper square; lower sigma).
    Theorem: ``gaussian.profile`` (upper sensitivity; lower epsilon, sigma).
    Theorem: ``ridge.strong-convexity`` (lower l2).
    """
    return {"gaussian": "gaussian.profile", "discrete-gaussian": "discrete-gaussian.zcdp"}.get(noise, "ridge.strong-convexity")


def released(facts: Facts) -> str:
    """What is released, in words."""
    return "the noised parameters" if facts.noised else "the exact parameters, correctly rounded"


def scales_used(facts: Facts) -> frozenset[str]:
    """The public scales that the default distance budget depends on; the others are recorded as 1."""
    if not facts.noised or facts.budget_source != "default":
        return frozenset()
    return frozenset({"row_bound", "label_bound"} if facts.kind == "ridge" else {"row_bound"})


def _premise(name: str, statement: str, provenance: str, status: Status) -> Premise:
    return Premise(id=name, statement=statement, provenance=provenance, status=status.label)  # type: ignore[arg-type]


_SEED = _premise(
    "sampler.seed",
    "the seed of the noise is secret and was drawn afresh for this release, and the ChaCha20 keystream under it is as good as "
    "random bits: no verifier sees how a seed was chosen",
    "declared",
    Status.ASSUMED,
)
_IDEAL = _premise("sampler.ideal", f"declared: {IDEAL}", "declared", Status.ASSUMED)


def premises(facts: Facts) -> list[Premise]:
    """Every premise of a release, in a fixed order, with the support that it has before any re-measurement."""
    chosen = "epsilon and delta" if facts.budget_source == "default" else "epsilon, delta and the distance budget"
    found: list[Premise] = []
    if facts.noised:
        found += [
            _premise(
                "distance.within-budget",
                "the un-noised parameters are within the distance budget of the minimiser on the retained records",
                "measured",
                Status.ASSUMED,
            ),
            _IDEAL if facts.sampler == "ideal" else _SEED,
            _premise(
                "policy.independent",
                f"{chosen} were chosen independently of the data, and so were the public scales; {_WHEN[facts.chosen]}",
                "declared",
                Status.ASSUMED,
            ),
            _premise(
                "comparator.tolerance",
                "the comparator stops within the declared tolerance of its minimiser",
                "declared",
                Status.ASSUMED,
            ),
            _premise(
                "arithmetic.ieee754", "float64 operations round to nearest, in any order of summation", "declared", Status.TESTED
            ),
        ]
        if facts.kind in ("logistic", "softmax"):
            found.append(
                _premise(
                    "exp.accuracy",
                    f"the exponential of the array library errs by at most {EXPONENTIAL_ULP} ulp",
                    "declared",
                    Status.TESTED,
                )
            )
    else:
        found.append(
            _premise(
                "release.exact",
                "every released coordinate is the correctly rounded exact solution on the retained records",
                "computed",
                Status.ASSUMED,
            )
        )
    if facts.entropy == "caller":
        found.append(
            _premise("noise.caller", "the generator that the caller supplied is secret and fresh", "declared", Status.ASSUMED)
        )
    if facts.sequence > 1:
        found.append(
            _premise(
                "transcript.previous",
                "the previous certificate holds and states the transcript value used here",
                "declared",
                Status.ASSUMED,
            )
        )
    return found


def exclusions(facts: Facts, further: Iterable[str] = ()) -> list[str]:
    """What the guarantee does not say: the fixed list, then what is special to this run, each once."""
    own = (CALLER_NOISE,) if facts.entropy == "caller" else ()
    return list(dict.fromkeys((*EXCLUSIONS, *own, *further)))


def weakest_premise(found: Iterable[Premise]) -> Weakest:
    """The first of the least supported premises."""
    return _weakest((premise.id, premise.status) for premise in found)


def weakest_theorem(found: Iterable[Lemma]) -> Weakest:
    """The first of the least supported theorems; foundations do not count."""
    return _weakest((lemma.id, lemma.status) for lemma in found if lemma.kind != "foundation")


def _weakest(entries: Iterable[tuple[str, str]]) -> Weakest:
    name, status = min(entries, key=lambda entry: Status.parse(entry[1]))
    return Weakest(id=name, status=Status.parse(status).label)  # type: ignore[arg-type]
