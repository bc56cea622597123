"""Level "data": the retained records and the witness are at hand, and everything measured is measured again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from certify.commitments import commit
from certify.errors import CannotDecide

from .ledger import Ledger, Missing, require
from .rows import Rows, forgotten_positions, objective_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certify.certificates.schema import Predicate
    from certify.commitments import Commitments
    from certify.runs import Witness

    from .arithmetic import Replay
    from .chain import Chain

_FALSE_ALARM = 1e-6


def measure_again(
    predicate: Predicate,
    chain: Chain,
    replay: Replay,
    rows: Rows,
    witness: Witness,
    parameters: NDArray[numpy.float64] | None,
    ledger: Ledger,
) -> frozenset[str]:
    """Make every check that needs the records and the witness; the ids of the premises that it has enclosed."""
    removed: NDArray[numpy.int64] | None = None
    counted = False
    with ledger.check(
        "data.retained-set", "these are the retained records, or all records and the retained ones all but the forgotten"
    ):
        removed = forgotten_positions(predicate, rows, witness)
        counted = True
        _check_earlier(chain, witness)
        if removed is not None and not chain.complete:
            raise Missing("needs the certificates of all earlier releases: which records those forgot is only declared")
    if not counted:
        return frozenset()
    objective: Any = None
    with ledger.check("data.problem", "the records fit the training problem"):
        objective = objective_of(predicate.problem, rows)
        require(objective.describe()["parameters"] == predicate.problem.parameters, "the records have another number of columns")
    if objective is None:
        return frozenset()
    _check_commitments(predicate, chain, rows, objective.commitment_labels, removed is not None, witness, ledger)
    retained = objective if removed is None else objective.without(removed)
    with ledger.check("data.strong-convexity", "strong convexity is the weight decay of this problem, no more"):
        ours = retained.strong_convexity.rational
        require(
            replay.nodes["strong-convexity"].rational <= ours, "the certificate overstates the strong convexity of the problem"
        )
    if not replay.facts.noised:
        return _check_exact(retained, parameters, ledger)
    enclosed = _check_distance(predicate, retained, witness, ledger)
    _check_noise(predicate, parameters, witness, ledger)
    return enclosed


def _check_earlier(chain: Chain, witness: Witness) -> None:
    listed = len(witness.earlier)
    require(
        listed >= chain.forgotten and (listed == chain.forgotten or not chain.complete),
        f"the witness lists {listed} records as forgotten earlier, and the releases before this one forgot {chain.forgotten}: "
        "a retained record is missing",
    )


def _check_commitments(
    predicate: Predicate, chain: Chain, rows: Rows, labels: Any, whole: bool, witness: Witness, ledger: Ledger
) -> None:
    """``whole`` says that all records were given, the forgotten ones too."""
    made: Commitments | None = None
    with ledger.check("data.commitment-retained", "the retained records are those committed to"):
        made = commit(rows.features, labels, None if whole else witness.retained, witness.master)
        require(
            made.root(witness.retained) == predicate.request.retained.root,
            "the retained records are not those committed to: a value, a label or a row differs",
        )
    if made is None:
        return
    with ledger.check("data.commitment-forgotten", "the forgotten records are those committed to"):
        _need_all(whole)
        require(
            made.root(witness.forgotten) == predicate.request.forgotten.root,
            "the forgotten records are not those committed to: a value, a label or a row differs",
        )
    if predicate.request.sequence > 1:
        with ledger.check(
            "data.commitment-previous", "every earlier certificate retained what was left, and forgot what the witness says"
        ):
            _need_all(whole)
            _check_sequence(chain, witness, made)


def _check_sequence(chain: Chain, witness: Witness, made: Commitments) -> None:
    """Walk back: what one release retained and forgot is what the release before it retained."""
    left, rest = numpy.concatenate([witness.retained, witness.forgotten]), witness.earlier
    for predicate in chain.earlier:
        place, count = predicate.request.sequence, predicate.request.forgotten.count
        require(
            made.root(left) == predicate.request.retained.root,
            f"release {place} retained other records than those left and forgotten since",
        )
        part, rest = rest[len(rest) - count :], rest[: len(rest) - count]
        require(
            made.root(part) == predicate.request.forgotten.root, f"release {place} forgot other records than the witness says"
        )
        left = numpy.concatenate([left, part])
    if not chain.complete:
        raise Missing("needs the certificates of all earlier releases")


def _need_all(whole: bool) -> None:
    if not whole:
        raise Missing("needs the forgotten records as well: pass all records")


def _check_distance(predicate: Predicate, retained: Any, witness: Witness, ledger: Ledger) -> frozenset[str]:
    from .remeasure import remeasured_distance

    budget = predicate.policy.distance_budget
    enclosed: frozenset[str] = frozenset()
    with ledger.check(
        "data.distance",
        f"the un-noised parameters were measured again: within the budget {budget.approx} of the minimiser",
    ):
        require(
            len(witness.noiseless) == predicate.problem.parameters,
            "the witness has another number of parameters than the problem",
        )
        found = remeasured_distance(retained, witness.noiseless, budget.exact)
        require(
            found.bound.rational_or_infinite() <= budget.exact,
            f"the un-noised parameters are known only within {found.bound.value:.6g} of the minimiser, over {budget.approx}",
        )
        enclosed = frozenset({"distance.within-budget"}) | (
            frozenset({"arithmetic.ieee754", "exp.accuracy"}) if found.in_balls else frozenset()
        )
    return enclosed


def _check_noise(predicate: Predicate, parameters: NDArray[numpy.float64] | None, witness: Witness, ledger: Ledger) -> None:
    from certify.sampling import Keystream, discrete_normal, rounded_normal

    entropy = predicate.mechanism.entropy
    words = "the released model is the un-noised one plus noise replayed bit for bit from the seed"
    if witness.seed is None:
        words = "the released model less the un-noised one has the size of such noise (two-sided test at 1e-6)"
    with ledger.check("data.noise", words):
        if parameters is None:
            raise Missing("needs the released model")
        sigma = float(predicate.mechanism.sigma)  # type: ignore[arg-type]
        difference = parameters - witness.noiseless
        if witness.seed is None:
            require(entropy == "caller", "the seed of the noise is missing from the witness")
            require(
                _plausible(difference / sigma),
                "the noise in the released model is too small or too large for the certified scale",
            )
            return
        require(entropy == "operating-system", "the witness has a seed, and the certificate says that the caller made the noise")
        grid = float(predicate.mechanism.grid)  # type: ignore[arg-type]
        draw = discrete_normal if predicate.mechanism.sampler == "discrete" else rounded_normal
        require(
            same_bits(parameters, draw(witness.noiseless, sigma, grid, Keystream(witness.seed))),
            "the released model is not the un-noised one plus the noise of the seed at the certified scale",
        )


def same_bits(one: NDArray[numpy.float64], other: NDArray[numpy.float64]) -> bool:
    """Whether two arrays are the same in every bit: a zero of either sign equals the other, and is not it."""
    return numpy.array_equal(one.view(numpy.int64), other.view(numpy.int64))


def _plausible(standardised: NDArray[numpy.float64]) -> bool:
    """Whether the sum of squares is within the two-sided 1e-6 quantiles of a chi-square law with d degrees."""
    from scipy.special import gammainc, gammaincc

    half, total = len(standardised) / 2, float(numpy.square(standardised).sum()) / 2
    return bool(gammainc(half, total) > _FALSE_ALARM / 2 and gammaincc(half, total) > _FALSE_ALARM / 2)


def _check_exact(retained: Any, parameters: NDArray[numpy.float64] | None, ledger: Ledger) -> frozenset[str]:
    from certify.methods.exact import exact_candidate

    enclosed: frozenset[str] = frozenset()
    with ledger.check("data.exact", "every released coordinate is the correctly rounded exact solution, computed again in balls"):
        if parameters is None:
            raise Missing("needs the released model")
        try:
            ours = exact_candidate(retained.compact()).parameters.numpy()
        except CannotDecide as problem:
            raise Missing(str(problem)) from None
        require(
            same_bits(ours, parameters),
            "a released coordinate is not the correctly rounded exact solution on the retained records",
        )
        enclosed = frozenset({"release.exact"})
    return enclosed
