"""The sequence that a certificate continues: every earlier certificate at hand is replayed, and the total composed again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from certify import gaussian
from certify.bounds.derive import derive
from certify.certificates import Certificate, read_envelope

from . import arithmetic
from .ledger import Ledger, Missing, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certify.certificates.schema import Predicate

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
            _check_total(predicate, [item.nodes["mu"].rational for item in (*reversed(replays), replay)])
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
    recorded = next(node.number.exact for node in predicate.derivation if node.id == "previous-mu")
    require(recorded == previous.transcript.mu.exact, "the previous certificate states another transcript value")
    due = max(previous.transcript.delta.exact, predicate.guarantee.delta.exact)
    require(predicate.transcript.delta.exact == due, "the delta of the transcript is not the largest one claimed so far")
    require(previous.problem == predicate.problem, "the previous certificate is about another training problem")
    require(
        previous.request.retained.count == predicate.request.retained.count + predicate.request.forgotten.count,
        "the counts of records do not continue those of the previous certificate",
    )


def _check_total(predicate: Predicate, parts: Sequence[Fraction]) -> None:
    """The Gaussian parameter, epsilon and delta of the transcript, composed again from those of its releases.

    Theorem: ``gaussian.composition`` (upper first, second).
    """
    total = parts[0]
    for part in parts[1:]:
        total = derive("gaussian.composition", first=total, second=part).rational
    transcript = predicate.transcript
    require(arithmetic.near(transcript.mu.exact, total), "the Gaussian parameter of the sequence is not that of its releases")
    holds = (
        transcript.epsilon.exact >= 0
        if total == 0
        else gaussian.satisfies(transcript.epsilon.exact, transcript.delta.exact, total, Fraction(1))
    )
    require(holds, "the claim for the whole sequence does not follow from its releases")
