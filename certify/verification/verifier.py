"""``certify.verify``: replay a certificate, and re-measure as much of it as the verifier holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify.bounds.bound import as_bound
from certify.certificates import Certificate, Malformed, NotACertificate, read_envelope
from certify.errors import InputError
from certify.guarantee import Adjacency, Comparator, Direction, Guarantee, Notion
from certify.keys import PublicKey, load_public
from certify.printing import printable
from certify.proofs.status import Status

from . import arithmetic, artefacts
from .chain import Chain, check_chain
from .ledger import Ledger
from .material import Material, gather
from .verdict import IDEAL_NOISE, Check, Level, Link, Outcome, Verdict

if TYPE_CHECKING:
    from certify.certificates.schema import Predicate

_LEVELS = {level.value: level for level in Level if level is not Level.NONE}


def verify(
    source: Any,
    *,
    data: Any = None,
    witness: Any = None,
    require: str | None = None,
    allow: Iterable[str] = (),
    key: PublicKey | str | Path | None = None,
) -> Verdict:
    """Check a certificate with our own arithmetic, our own book of proofs, and whatever is at hand of its subject.

    ``source`` is a run folder (or what was read from one), a certificate file, a ``Certificate`` or a ``Run``. ``data`` (all records, or the
    retained ones in original order, as (features, labels), a ``Dataset`` or a CSV file) asks for the level "data",
    which needs the secret ``witness`` too (by default ``secret/`` of the folder). ``require`` is a status that the
    weakest link must reach, or a level; ``allow`` lists links that are accepted as they are, such as
    "assumed:sampler.seed". ``key`` is the public key that must have signed.

    Returns a :class:`Verdict`; raises :class:`~certify.errors.InputError` for what cannot be read and for options
    that mean nothing. The verdict is conditional on the premises it lists: a certificate can attest a computation,
    not that a producer was honest about when a number was chosen.
    """
    status, level, allowed = _requirement(require, allow)
    public = None if key is None else load_public(key)
    if data is not None:
        level = Level.DATA
    material = gather(source, witness)
    ledger = Ledger()
    try:
        certificate = Certificate(read_envelope(material.certificate))
    except NotACertificate as problem:
        return Verdict(
            2, Level.NONE, (Check("envelope", Outcome.FAILED, printable(f"not a certificate: {problem}")),), required=require
        )
    ledger.add("envelope", Outcome.PASSED, "a DSSE envelope around an in-toto statement")
    _check_signature(certificate, public, ledger)
    try:
        predicate = certificate.predicate
    except Malformed as problem:
        ledger.add("schema", Outcome.FAILED, str(problem))
        return Verdict(1, Level.NONE, tuple(ledger.checks), required=require)
    ledger.add("schema", Outcome.PASSED, "every field has its form, none is missing or added")
    replay = arithmetic.replay(certificate, ledger)
    reached = Level.ARITHMETIC
    parameters = None
    if material.model is not None or level.depth >= Level.ARTEFACTS.depth:
        parameters = artefacts.check_model(certificate, material, ledger)
        reached = reached if parameters is None else Level.ARTEFACTS
    chain = check_chain(certificate, material, replay, ledger)
    premises: tuple[Link, ...] = () if replay is None else replay.premises
    if any(earlier.mechanism.sampler == "ideal" for earlier in chain.earlier) and all(
        link.id != IDEAL_NOISE for link in premises
    ):
        premises = (*premises, Link(IDEAL_NOISE, Status.ASSUMED))  # the transcript rests on the noise of every release
    if level is Level.DATA and replay is not None and ledger.sound:
        enclosed = _check_data(predicate, chain, replay, data, material, parameters, ledger)
        premises = tuple(
            replace(link, status=max(link.status, Status.ENCLOSED)) if link.id in enclosed else link for link in premises
        )
        reached = Level.DATA if enclosed and _all_data_checked(ledger, replay.facts.noised) else reached
    theorems = () if replay is None else replay.theorems
    guarantee = _guarantee(predicate)
    verdict = Verdict(
        0, reached, tuple(ledger.checks), guarantee, theorems, premises, require, declared=_declared(reached, predicate)
    )
    if not ledger.sound or replay is None:
        return replace(verdict, exit_code=1)
    if reached.depth < level.depth:
        return replace(verdict, exit_code=4)
    weak = tuple(
        link for link in (*theorems, *premises) if status is not None and link.status < status and str(link) not in allowed
    )
    return replace(verdict, exit_code=3 if weak else 0, too_weak=weak)


def _check_data(
    predicate: Predicate,
    chain: Chain,
    replay: arithmetic.Replay,
    data: Any,
    material: Material,
    parameters: Any,
    ledger: Ledger,
) -> frozenset[str]:
    missing = []
    if data is None:
        missing.append("the records (data=)")
    if material.witness is None:
        missing.append(material.witness_problem or "the witness (the secret/ folder of the run)")
    if missing:
        ledger.add("data", Outcome.NOT_CHECKABLE, f"needs {' and '.join(missing)}")
        return frozenset()
    from .data import measure_again
    from .rows import read_rows

    assert material.witness is not None
    rows = read_rows(data, predicate)
    return measure_again(predicate, chain, replay, rows, material.witness, parameters, ledger)


def _all_data_checked(ledger: Ledger, noised: bool) -> bool:
    decisive = ("data.distance", "data.noise") if noised else ("data.exact",)
    return all(ledger.passed(identifier) for identifier in ("data.retained-set", "data.commitment-retained", *decisive))


def _declared(reached: Level, predicate: Predicate) -> tuple[str, ...]:
    """The parts of a certificate that this verification did not, or that nobody can, compare with anything."""
    open_parts = ["mechanism.method", "mechanism.entropy", "provenance", "environment", "book"]
    replayed = reached is Level.DATA and predicate.mechanism.entropy == "operating-system"
    if predicate.mechanism.noise != "none" and not replayed:
        open_parts.insert(1, "mechanism.sampler")
    if reached is not Level.DATA:
        open_parts = ["request", "problem", *open_parts]
    return tuple(open_parts if reached.depth >= Level.ARTEFACTS.depth else ["subject", *open_parts])


def _check_signature(certificate: Certificate, public: PublicKey | None, ledger: Ledger) -> None:
    signers = [signature.keyid for signature in certificate.envelope.signatures]
    if public is not None:
        signed = certificate.envelope.signed_by(public)
        detail = f"signed by {public.id[:24]}…" if signed else f"not signed by the key given, {public.id[:24]}…"
        ledger.add("signature", Outcome.PASSED if signed else Outcome.FAILED, detail)
    elif signers:
        ledger.add(
            "signature", Outcome.NOT_CHECKABLE, f"unknown signer (says {signers[0][:24]!r}): pass the public key to check it"
        )
    else:
        ledger.add("signature", Outcome.NOT_CHECKABLE, "unsigned: anybody can have written this")


def _requirement(require: str | None, allow: Iterable[str]) -> tuple[Status | None, Level, frozenset[str]]:
    level, status = Level.ARITHMETIC, None
    if require is not None and require in _LEVELS:
        level = _LEVELS[require]
    elif require is not None:
        try:
            status = Status.parse(require)
        except ValueError:
            labels = ", ".join([*(member.label for member in reversed(Status)), *_LEVELS])
            raise InputError(f"require is a status or a level, not {require!r}: use one of {labels}") from None
    allowed = frozenset(allow)
    for entry in allowed:
        label, colon, name = entry.partition(":")
        if not (colon and name and label in {member.label for member in Status}):
            raise InputError(f"allow names links as status:id, such as assumed:sampler.seed, not {entry!r}")
    return status, level, allowed


def _guarantee(predicate: Predicate) -> Guarantee | None:
    claim = predicate.guarantee
    try:
        return Guarantee(
            Notion(claim.notion),
            as_bound(claim.epsilon.exact),
            as_bound(claim.delta.exact),
            None if claim.mu is None else as_bound(claim.mu.exact),
            Direction(claim.direction),
            Adjacency(claim.adjacency),
            claim.unit,
            claim.released,
            Comparator(claim.comparator),
            tuple(predicate.exclusions),
        )
    except (ValueError, OverflowError):
        return None
