"""Hypotheses and conclusions that several families share, said once."""

from __future__ import annotations

from ..expression import symbols
from ..sides import Side
from ..theorem import Conclusion, Domain, Hypothesis, Relation

_n, _m, _order = symbols("n m order")

STRONG_CONVEXITY = Hypothesis(
    "strong_convexity",
    "the objective is strongly convex with at least this constant",
    Side.LOWER,
    Domain.POSITIVE,
    "loss/parameter²",
)
SMOOTHNESS = Hypothesis(
    "smoothness",
    "the gradient of the objective is Lipschitz with at most this constant",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "loss/parameter²",
)
HESSIAN_LIPSCHITZ = Hypothesis(
    "hessian_lipschitz",
    "the Hessian of the objective is Lipschitz with at most this constant",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "loss/parameter³",
)
RESIDUAL = Hypothesis(
    "residual",
    "at or above the Euclidean norm of the gradient at the parameters",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "loss/parameter",
)
LIPSCHITZ = Hypothesis(
    "lipschitz",
    "at or above the gradient norm of every deleted record's regularised loss at the minimiser over all records",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "loss/parameter",
)
RECORDS = Hypothesis("n", "number of records before the deletion", Side.LOWER, Domain.COUNT, "records")
DELETED = Hypothesis("m", "number of deleted records", Side.UPPER, Domain.COUNT, "records")
RETAINED = Relation(">0", _n - _m, "n - m > 0: at least one record is retained")
DISTANCE_HYPOTHESIS = Hypothesis(
    "distance",
    "at or above the distance from the un-noised parameters to the retained minimiser",
    Side.UPPER,
    Domain.NONNEGATIVE,
    "parameter",
)
SENSITIVITY = Hypothesis(
    "sensitivity",
    "at or above the Euclidean distance between the two means that must not be told apart",
    Side.UPPER,
    Domain.POSITIVE,
    "parameter",
)
SIGMA = Hypothesis(
    "sigma", "standard deviation of the Gaussian noise in every coordinate", Side.LOWER, Domain.POSITIVE, "parameter"
)
ROW_NORM = Hypothesis(
    "row_norm", "at or above the Euclidean norm of every feature row", Side.UPPER, Domain.NONNEGATIVE, "feature"
)
LABELS = Hypothesis("label_bound", "at or above the absolute value of every label", Side.UPPER, Domain.NONNEGATIVE, "label")

DISTANCE = Conclusion("distance", "Euclidean distance from the parameters to the minimiser", Side.UPPER, "parameter")
SMOOTH = Conclusion("smoothness", "Lipschitz constant of the gradient of every record's loss", Side.UPPER, "loss/parameter²")
HESSIAN = Conclusion(
    "hessian_lipschitz", "Lipschitz constant of the Hessian of every record's loss", Side.UPPER, "loss/parameter³"
)
GRADIENT = Conclusion(
    "lipschitz", "gradient norm of every record's unregularised loss at any parameters", Side.UPPER, "loss/parameter"
)
MU_HYPOTHESIS = Hypothesis("mu", "Gaussian parameter: every two laws in question are mu-GDP", Side.UPPER, Domain.NONNEGATIVE)
GAUSSIAN_PARAMETER = Conclusion(
    "mu", "parameter of Gaussian differential privacy: the two laws are at least as close as N(0, 1) and N(mu, 1)", Side.UPPER
)
TOTAL_VARIATION = Conclusion("advantage", "total variation: the greatest difference of the probabilities of an event", Side.UPPER)
ORDER = Hypothesis(
    "order", "order of the Rényi divergence; one order is enough, the caller chooses it", Side.EXACT, Domain.POSITIVE
)
ABOVE_ONE = Relation(">0", _order - 1, "order > 1")
RENYI = Conclusion("divergence", "Rényi divergence at the order", Side.UPPER)
EPSILON = Hypothesis("epsilon", "the logarithmic ratio that is allowed", Side.LOWER, Domain.NONNEGATIVE)
SPECTRAL_NORM = Conclusion("norm", "spectral norm of the matrix", Side.UPPER)


def norm_of(symbol: str, matrix: str) -> Hypothesis:
    """A bound on the spectral norm of that matrix."""
    return Hypothesis(symbol, f"at or above the spectral norm of {matrix}", Side.UPPER, Domain.NONNEGATIVE)


TESTED_EPSILON = Hypothesis(
    "epsilon",
    "the epsilon at which the claim is tested: the laws are as close as that, or closer",
    Side.UPPER,
    Domain.NONNEGATIVE,
)
CLAIMED_DELTA = Hypothesis("delta", "the delta of the claim", Side.UPPER, Domain.NONNEGATIVE)
LEAST_EPSILON = Conclusion("epsilon", "epsilon at which the two laws are indistinguishable with this delta", Side.LOWER)
REPORT_ERROR = Conclusion("error", "probability that the epsilon reported exceeds the true one", Side.UPPER)
