"""Level "data": the retained records and the witness are at hand, and everything measured is measured again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from certify.commitments import commit
from certify.errors import InputError

from .ledger import Ledger, Missing, Refused, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certify.certificates.schema import Predicate, Problem
    from certify.commitments import Commitments
    from certify.witness import Witness

    from .arithmetic import Replay
    from .chain import Chain

_FALSE_ALARM = 1e-6
_REPLAY_TOLERANCE = 2.0**-45


@dataclass(frozen=True, eq=False)
class Rows:
    """Records as given: features [n, d], labels [n], and ids if the source has its own."""

    features: Any
    labels: Any
    ids: NDArray[numpy.int64] | None = None

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.labels)


def read_rows(data: Any, predicate: Predicate) -> Rows:
    """The records in a (features, labels) pair, a ``Dataset``, a ``Table`` or a CSV file.

    A CSV file is prepared as the certificate's provenance says. Raises ``InputError`` for what cannot be read.
    """
    if isinstance(data, (str, Path)):
        from certify.tables import Preprocessing, read_table

        if "label" not in predicate.provenance:
            raise InputError("the certificate was not made from a CSV file: pass data=(features, labels)")
        data = read_table(data, like=Preprocessing.of(predicate.provenance))
    if hasattr(data, "features") and hasattr(data, "labels"):
        ids = getattr(data, "ids", None)
        return Rows(data.features, data.labels, None if ids is None else numpy.asarray(ids))
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return Rows(data[0], data[1])
    raise InputError(f"data is (features, labels), a Dataset or a CSV file, not {type(data).__name__}")


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
    split: Split | None = None
    with ledger.check(
        "data.retained-set", "these are the retained records, or all records and the retained ones all but the forgotten"
    ):
        split = split_rows(predicate, rows, witness)
        _check_earlier(chain, witness)
        if split.removed is not None and not chain.complete:
            raise Missing("needs the certificates of all earlier releases: which records those forgot is only declared")
    if split is None:
        return frozenset()
    objective: Any = None
    with ledger.check("data.problem", "the records fit the training problem"):
        objective = objective_of(predicate.problem, rows)
        require(objective.describe()["parameters"] == predicate.problem.parameters, "the records have another number of columns")
    if objective is None:
        return frozenset()
    _check_commitments(predicate, chain, rows, objective.commitment_labels, split, witness, ledger)
    retained = objective if split.removed is None or not len(split.removed) else objective.without(split.removed.tolist())
    with ledger.check("data.strong-convexity", "strong convexity is the weight decay of this problem, no more"):
        ours = retained.strong_convexity.rational
        require(
            replay.nodes["strong-convexity"].rational <= ours, "the certificate overstates the strong convexity of the problem"
        )
    if replay.facts.noise == "none":
        return _check_exact(retained, parameters, ledger)
    enclosed = _check_distance(predicate, retained, witness, ledger)
    _check_noise(predicate, parameters, witness, ledger)
    return enclosed


@dataclass(frozen=True, eq=False)
class Split:
    """Which positions of the rows are retained and forgotten now, under which ids they were committed."""

    retained: NDArray[numpy.int64]
    removed: NDArray[numpy.int64] | None  # positions of all forgotten records, None when only retained rows are given
    forgotten: NDArray[numpy.int64] | None


def _check_earlier(chain: Chain, witness: Witness) -> None:
    listed = len(witness.earlier)
    require(
        listed >= chain.forgotten and (listed == chain.forgotten or not chain.complete),
        f"the witness lists {listed} records as forgotten earlier, and the releases before this one forgot {chain.forgotten}: "
        "a retained record is missing",
    )


def split_rows(predicate: Predicate, rows: Rows, witness: Witness) -> Split:
    """Which of the rows are retained, and that there are as many of each kind as the certificate says."""
    request = predicate.request
    retained, forgotten, earlier = witness.retained, witness.forgotten, witness.earlier
    everything = numpy.concatenate([retained, forgotten, earlier])
    require(len(retained) == request.retained.count, "the witness lists another number of retained records than the certificate")
    require(
        len(forgotten) == request.forgotten.count, "the witness lists another number of forgotten records than the certificate"
    )
    require(len(numpy.unique(everything)) == len(everything), "a record is listed both as retained and as forgotten, or twice")
    if rows.count == len(everything):
        ids = numpy.arange(rows.count) if rows.ids is None else rows.ids
        require(bool(numpy.array_equal(ids, numpy.arange(rows.count))), "the records are not in their original order")
        require(
            bool(numpy.array_equal(numpy.sort(everything), ids)),
            "the retained records are not all records without the forgotten ones",
        )
        return Split(retained, numpy.concatenate([forgotten, earlier]), forgotten)
    if rows.count == len(retained):
        require(
            rows.ids is None
            or bool(numpy.array_equal(rows.ids, retained))
            or bool(numpy.array_equal(rows.ids, numpy.arange(rows.count))),
            "these are not the retained records, or not in their original order",
        )
        return Split(numpy.arange(rows.count), None, None)
    raise Refused(
        f"{rows.count} records were given; the certificate is about {len(retained)} retained ones of {len(everything)} in all: "
        "a row is missing or left in"
    )


def objective_of(problem: Problem, rows: Rows) -> Any:
    """The training problem of the certificate on these rows."""
    from certify.objectives import objective_class

    options: dict[str, Any] = {"l2": float(problem.l2.exact), "intercept": problem.intercept}
    if problem.kind != "ridge":
        options["classes"] = _typed(problem.classes, numpy.asarray(rows.labels).dtype.kind)
    width = numpy.shape(rows.features)
    require(
        len(width) == 2 and width[1] == problem.columns,
        f"the records have the shape {width}, and the problem {problem.columns} columns",
    )
    objective = objective_class(problem.kind)(rows.features, rows.labels, **options)
    require(
        problem.kind == "ridge"
        or (options["classes"] == objective.classes and all(map(_plain, problem.classes, objective.classes))),
        "the classes are not the label values in their order: which of them is the larger would be unclear",
    )
    return objective


def _plain(text: str, value: Any) -> bool:
    """Whether a class is spelled as a label of some type prints: 1, 1.0 and True are the same label, 1e0 is nobody's."""
    return text == value if isinstance(value, str) else text in {str(value), str(float(value)), str(int(value)), str(bool(value))}


def _typed(classes: list[str], kind: str) -> tuple[Any, ...]:
    if kind in "US":
        return tuple(classes)
    words = {"True": True, "False": False}
    return tuple(words[item] if item in words else int(item) if item.lstrip("-").isdecimal() else float(item) for item in classes)


def _check_commitments(
    predicate: Predicate, chain: Chain, rows: Rows, labels: Any, split: Split, witness: Witness, ledger: Ledger
) -> None:
    whole = split.forgotten is not None
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
    from certify.sampling import standard_normals

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
        replayed = witness.noiseless + sigma * standard_normals(len(parameters), witness.seed)
        # Logarithm and cosine may differ in the last bits between machines, and the sum is then rounded; nothing else may.
        allowed = _REPLAY_TOLERANCE * sigma + numpy.spacing(numpy.abs(replayed))
        require(
            bool(numpy.all(numpy.abs(parameters - replayed) <= allowed)),
            "the released model is not the un-noised one plus the noise of the seed at the certified scale",
        )


def _plausible(standardised: NDArray[numpy.float64]) -> bool:
    """Whether the sum of squares is within the two-sided 1e-6 quantiles of a chi-square law with d degrees."""
    from scipy.special import gammainc, gammaincc

    half, total = len(standardised) / 2, float(numpy.square(standardised).sum()) / 2
    return bool(gammainc(half, total) > _FALSE_ALARM / 2 and gammaincc(half, total) > _FALSE_ALARM / 2)


def _check_exact(retained: Any, parameters: NDArray[numpy.float64] | None, ledger: Ledger) -> frozenset[str]:
    from certify.errors import CannotDecide
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
            bool(numpy.array_equal(ours, parameters)),
            "a released coordinate is not the correctly rounded exact solution on the retained records",
        )
        enclosed = frozenset({"release.exact"})
    return enclosed
