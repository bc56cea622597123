"""What follows for groups of records, through a third law, where a bound may fail, and for the best attack."""

from __future__ import annotations

from fractions import Fraction

from certify.bounds.bound import Bound
from certify.bounds.derive import derive
from certify.bounds.evidence import Combined
from certify.errors import InputError
from certify.guarantee import Direction
from certify.numbers import Number, exact, nonnegative, to_decimal
from certify.proofs.balls import ball, refine, upper_double
from certify.proofs.sides import Side

from .kinds import ApproximatePrivacy, ConcentratedPrivacy, CurvePrivacy, GaussianPrivacy, RenyiPrivacy
from .merging import concentrated
from .privacy import Privacy, added, as_used, deciding, joint_direction
from .reading import Priced, privacy_of

_MOST_MEMBERS = 10**9
_MOST_PAIRS = 4096
_NEAREST = Fraction(1, 2**39)


def group(guarantee: Priced, members: Number) -> Privacy:
    """The guarantee for ``members`` records together, from that for one.

    A Gaussian parameter grows by the factor, exactly; of (epsilon, delta) both grow, delta exponentially. Other kinds
    are refused: convert to one of these first. Both directions are needed of a pair and kept.

    Theorem: ``gaussian.group`` (upper mu, members).
    Theorem: ``approximate.group`` (exact excess; upper group_excess, delta).

    >>> group({"kind": "gaussian", "mu": "0.5"}, 4).mu.value
    2.0
    """
    count = exact(members, "members")
    if count.denominator != 1 or not 1 <= count <= _MOST_MEMBERS:
        raise InputError(f"a group has a whole number of members from 1 to {_MOST_MEMBERS:,}, not {to_decimal(count)}")
    privacy = privacy_of(guarantee)
    match privacy:
        case GaussianPrivacy(square=square):
            evidence = Combined(f"gaussian.group of {count}, squared", (square,))
            return GaussianPrivacy.from_square(
                count**2 * square.rational, evidence, square.failure_probability, privacy.direction
            )
        case ApproximatePrivacy(known_epsilon=epsilon, known_delta=delta):
            total = as_used(
                count * epsilon.rational, "epsilon", Combined(f"{count} times", (epsilon,)), epsilon.failure_probability
            )
            slack = _group_delta(epsilon.rational, delta, int(count))
            if slack.value >= 1:
                raise InputError(f"nothing is promised for a group of {count}: delta would be {slack.value:.3g}, at least 1")
            return ApproximatePrivacy(total, slack, privacy.direction)
    raise InputError(f"no theorem of the book reads {privacy.kind} for a group: convert to approximate (or gaussian) first")


def _group_delta(epsilon: Fraction, delta: Bound, count: int) -> Bound:
    """delta (exp(k epsilon) - 1)/(exp(epsilon) - 1), for every epsilon in the ball of the one given; at epsilon = 0 by triangles, half and half.

    Theorem: ``approximate.group`` (exact excess; upper group_excess, delta).
    Theorem: ``approximate.triangle`` (upper first_epsilon, first_delta, second_epsilon, second_delta).
    """
    evidence = Combined(f"approximate.group of {count}, in balls", (delta,))
    if delta.rational == 0 or count == 1:
        return delta
    if epsilon == 0:
        half = _group_delta(epsilon, delta, count // 2)
        twice = derive("approximate.triangle", first_epsilon=0, first_delta=half, second_epsilon=0, second_delta=half)
        return (
            twice
            if count % 2 == 0
            else derive("approximate.triangle", first_epsilon=0, first_delta=twice, second_epsilon=0, second_delta=delta)
        )
    value = upper_double(refine(lambda: ball(delta.rational) * (count * ball(epsilon)).expm1() / ball(epsilon).expm1()))
    return Bound(value, Side.UPPER, evidence, delta.failure_probability)


def triangle(first: Priced, second: Priced) -> Privacy:
    """From P against R and R against Q: P against Q.

    Gaussian parameters add. Pairs add their epsilons, and the worse direction decides delta. Rényi curves (and zCDP with
    one) meet at the orders b c/(b + c - 1) for every order b of the first and c of the second, by the weak triangle.

    Theorem: ``gaussian.triangle`` (upper first, second).
    Theorem: ``approximate.triangle`` (upper first_epsilon, first_delta, second_epsilon, second_delta).
    Theorem: ``renyi.triangle`` (exact order, split; upper first, second).
    """
    left, right = privacy_of(first), privacy_of(second)
    direction = joint_direction((left, right))
    match left, right:
        case GaussianPrivacy(), GaussianPrivacy():
            return GaussianPrivacy.of(derive("gaussian.triangle", first=left.mu, second=right.mu), direction)
        case ApproximatePrivacy(), ApproximatePrivacy():
            slack = derive(
                "approximate.triangle",
                first_epsilon=left.known_epsilon, first_delta=left.known_delta,
                second_epsilon=right.known_epsilon, second_delta=right.known_delta,
            )  # fmt: skip
            total = added((left.known_epsilon, right.known_epsilon), "sum of the epsilons")
            if slack.value >= 1:
                raise InputError(f"nothing is promised through the third law: delta would be {slack.value:.3g}, at least 1")
            return ApproximatePrivacy(total, slack, direction)
    first_curve, second_curve = _with_orders(left, right), _with_orders(right, left)
    if first_curve is None or second_curve is None:
        raise InputError(
            f"no theorem of the book leads through a third law from {left.kind} and {right.kind}: convert both first"
        )
    if len(first_curve.points) * len(second_curve.points) > _MOST_PAIRS:
        raise InputError(f"more than {_MOST_PAIRS:,} pairs of orders: convert to Rényi curves of fewer orders first")
    through = [
        (b * c / (b + c - 1), _through(b, c, one, other))
        for b, one in first_curve.points
        for c, other in second_curve.points
        if (b - 1) * (c - 1) / (b + c - 1) > _NEAREST
    ]
    if not through:
        raise InputError("the orders of the two curves are too near to 1 to lead through a third law: name greater ones")
    return RenyiPrivacy.of(through, direction)


def _with_orders(part: Privacy, other: Privacy) -> RenyiPrivacy | None:
    """The part as a curve; one that knows every order takes those of the other part."""
    match part:
        case RenyiPrivacy():
            return part
        case GaussianPrivacy() | ConcentratedPrivacy() if isinstance(other, RenyiPrivacy):
            known = concentrated(part)
            return RenyiPrivacy(tuple((order, known.divergence(order)) for order in other.orders), part.direction)
    return None


def _through(b: Fraction, c: Fraction, first: Bound, second: Bound) -> Bound:
    """The divergence at the order a = b c/(b + c - 1): the split p = b/a makes p a = b and 1 + p (a - 1)/(p - 1) = c.

    Theorem: ``renyi.triangle`` (exact order, split; upper first, second).
    """
    order = b * c / (b + c - 1)
    with deciding():
        return derive("renyi.triangle", order=order, split=b / order, first=first, second=second)


def with_failure(guarantee: Priced, failure: Number) -> CurvePrivacy:
    """The guarantee, where its sensitivity bound holds but for a probability ``failure`` over the mechanism's own randomness.

    That probability is added to delta at every epsilon. A probability over the draw of the data is another thing.

    Theorem: ``approximate.high-probability-sensitivity`` (upper delta, failure).

    >>> with_failure({"kind": "gaussian", "mu": "1"}, "1e-6").epsilon("1e-6").value
    inf
    """
    privacy, probability = privacy_of(guarantee), as_used(nonnegative(failure, "failure"), "failure")
    if probability.value >= 1:
        raise InputError(f"the probability of failure is below 1, not {to_decimal(probability.rational)}")

    def bound(epsilon: Fraction) -> Bound:
        return derive("approximate.high-probability-sensitivity", delta=privacy.delta(epsilon), failure=probability)

    name = f"approximate.high-probability-sensitivity over {privacy.kind}"
    return CurvePrivacy(bound, name, privacy.direction)


def total_variation(guarantee: Priced) -> tuple[str, Bound]:
    """The theorem, and a bound of the total variation: no attack on membership gains more over guessing.

    Theorem: ``gaussian.total-variation`` (upper mu).
    Theorem: ``approximate.total-variation`` (upper epsilon, delta).
    """
    privacy = privacy_of(guarantee)
    match privacy:
        case GaussianPrivacy():
            name = "gaussian.total-variation"
            return name, derive(name, mu=privacy.mu)
        case ApproximatePrivacy() if privacy.direction is Direction.TWO_WAY:
            name = "approximate.total-variation"
            return name, derive(name, epsilon=privacy.known_epsilon, delta=privacy.known_delta)
    return "privacy.indistinguishable", privacy.delta(0)
