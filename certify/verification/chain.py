"""The sequence that a certificate continues: every earlier certificate at hand is replayed, and the total composed again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from certify import gaussian
from certify.accounting.orders import for_epsilon, logarithm
from certify.bounds.derive import derive
from certify.certificates import Certificate, read_envelope
from certify.certificates.build import spent_before

from . import arithmetic
from .ledger import Ledger, Missing, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certify.certificates.schema import Predicate, Transcript

    from .arithmetic import Replay
    from .material import Material


@dataclass(frozen=True)
class Chain:
    """The earlier certificates that agree, newest first, and whether they reach back to the first release."""

    earlier: tuple[Predicate, ...] = ()
    complete: bool = False

    @property
    def forgotten(self) -> int:
        """How many records the earlier releases at hand forgot."""
        return sum(predicate.request.forgotten.count for predicate in self.earlier)


def check_chain(certificate: Certificate, material: Material, replay: Replay | None, ledger: Ledger) -> Chain:
    """Walk from the certificate to its predecessors as far as they are at hand. A first release has none."""
    predicate = certificate.predicate
    if predicate.request.sequence == 1 and predicate.request.previous is None and not material.previous:
        return Chain(complete=True)
    earlier: list[Predicate] = []
    replays: list[Replay] = []
    agreed = False
    with ledger.check(
        "previous", f"{len(material.previous)} earlier certificate(s): each is the one named by the next, and replays"
    ):
        current = predicate
        for content in material.previous:
            before = Certificate(read_envelope(content))
            _compare(current, before.predicate)
            replays.append(_replayed(before))
            earlier.append(before.predicate)
            current = before.predicate
        if not earlier:
            raise Missing("needs previous.json beside the certificate: its transcript value is only declared")
        agreed = True
    if not agreed:
        return Chain()
    complete = earlier[-1].request.previous is None
    with ledger.check(
        "transcript.total", f"{len(earlier) + 1} releases composed again: the claim for the whole sequence follows"
    ):
        if not complete:
            raise Missing("needs the certificates of all earlier releases: what the first of them used up is only declared")
        if replay is not None:
            _check_total(predicate, [*reversed(replays), replay])
    return Chain(tuple(earlier), complete)


def _replayed(certificate: Certificate) -> Replay:
    ledger = Ledger()
    replay = arithmetic.replay(certificate, ledger)
    broken = ", ".join(check.id for check in ledger.checks if check.status == "failed")
    place = certificate.predicate.request.sequence
    require(replay is not None and ledger.sound, f"the certificate of release {place} does not hold: {broken}")
    assert replay is not None
    return replay


def _compare(predicate: Predicate, previous: Predicate) -> None:
    require(predicate.request.previous is not None, "a previous certificate lies beside a first release")
    require(previous.content_digest == predicate.request.previous, "this is another previous certificate than the one named")
    require(
        previous.request.sequence + 1 == predicate.request.sequence,
        "the previous certificate is not the one before in the sequence",
    )
    spent, currency = spent_before(previous.transcript)
    recorded = next((node.number.exact for node in predicate.derivation if node.id == f"previous-{currency}"), None)
    require(recorded == spent, "the previous certificate states another transcript value")
    due = max(previous.transcript.delta.exact, predicate.guarantee.delta.exact)
    require(predicate.transcript.delta.exact == due, "the delta of the transcript is not the largest one claimed so far")
    require(previous.problem == predicate.problem, "the previous certificate is about another training problem")
    require(
        previous.request.retained.count == predicate.request.retained.count + predicate.request.forgotten.count,
        "the counts of records do not continue those of the previous certificate",
    )


def _check_total(predicate: Predicate, replays: Sequence[Replay]) -> None:
    """The parameter, epsilon and delta of the transcript, composed again from those of its releases, oldest first."""
    total, currency = _total(replays)
    transcript = predicate.transcript
    recorded = transcript.mu if currency == "mu" else transcript.rho
    require(
        recorded is not None and arithmetic.near(recorded.exact, total),
        f"the parameter {currency} of the sequence is not that of its releases",
    )
    require(_covers(transcript, total, currency), "the claim for the whole sequence does not follow from its releases")


def _total(replays: Sequence[Replay]) -> tuple[Fraction, str]:
    """What the releases spend together: Gaussian parameters, until a discrete release turns what is spent into zCDP.

    Theorem: ``gaussian.composition`` (upper first, second).
    Theorem: ``zcdp.composition`` (upper first, second).
    """
    total, currency = Fraction(0), "mu"
    for replay in replays:
        if currency == "mu" and replay.facts.noise != "discrete-gaussian":
            part = replay.nodes["mu"].rational
            total = derive("gaussian.composition", first=total, second=part).rational if total else part
            continue
        if currency == "mu":
            total, currency = _in_zcdp(total), "rho"
        part = replay.nodes["rho"].rational if "rho" in replay.nodes else _in_zcdp(replay.nodes["mu"].rational)
        total = derive("zcdp.composition", first=total, second=part).rational if total else part
    return total, currency


def _in_zcdp(mu: Fraction) -> Fraction:
    """Theorem: ``zcdp.gaussian`` (upper sensitivity; lower sigma)."""
    return derive("zcdp.gaussian", sensitivity=mu, sigma=1).rational if mu else Fraction(0)


def _covers(transcript: Transcript, total: Fraction, currency: str) -> bool:
    """Theorem: ``zcdp.approximate`` (exact order; upper rho; lower delta)."""
    epsilon, delta = transcript.epsilon.exact, transcript.delta.exact
    if total == 0:
        return epsilon >= 0
    if currency == "mu":
        return gaussian.satisfies(epsilon, delta, total, Fraction(1))
    order = for_epsilon(float(total), logarithm(delta))
    return epsilon >= 0 and derive("zcdp.approximate", order=order, rho=total, delta=delta).rational <= epsilon
