"""Level "artefacts": the released model is the one that the certificate is about; the sequence is the one it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certify.certificates import Certificate, read_envelope
from certify.certificates.tensors import PARAMETERS, read_parameters, tensors_digest
from certify.storage import sha256

from . import arithmetic
from .ledger import Ledger, Missing, require

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from certify.certificates.schema import Predicate

    from .material import Material


def check_model(certificate: Certificate, material: Material, ledger: Ledger) -> NDArray[numpy.float64] | None:
    """Compare the model with the digests; the parameters if they agree."""
    parameters = None
    with ledger.check("artefacts.model", "the released model is the one certified, file and content"):
        if material.model is None:
            raise Missing("needs model.safetensors beside the certificate")
        digest = certificate.statement.subject[0].digest
        require(sha256(material.model) == digest.sha256, "this is another model file than the one certified")
        found = read_parameters(material.model)
        require(tensors_digest({PARAMETERS: found}) == digest.tensors, "the model's content is not what the certificate names")
        require(
            len(found) == certificate.predicate.problem.parameters, "the model has another number of parameters than the problem"
        )
        parameters = found
    return parameters


def check_previous(certificate: Certificate, material: Material, ledger: Ledger) -> Predicate | None:
    """Compare the previous certificate with what this one says of it, and replay it; returns it if it agrees.

    Nothing is to be checked for a first release.
    """
    predicate = certificate.predicate
    if predicate.request.previous is None:
        if material.previous is not None:
            with ledger.check("previous", ""):
                require(False, "a previous certificate lies beside a first release")
        return None
    agreed: Predicate | None = None
    with ledger.check("previous", "the previous certificate is the one named, and replays"):
        if material.previous is None:
            raise Missing("needs previous.json beside the certificate: its transcript value is only declared")
        previous = Certificate(read_envelope(material.previous))
        _compare(predicate, previous.predicate)
        earlier = Ledger()
        arithmetic.replay(previous, earlier)
        broken = ", ".join(check.id for check in earlier.checks if check.status == "failed")
        require(earlier.sound, f"the previous certificate does not hold: {broken}")
        agreed = previous.predicate
    return agreed


def _compare(predicate: Predicate, previous: Predicate) -> None:
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
