"""Level "artefacts": the released model is the one that the certificate is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certify.certificates import Certificate
from certify.certificates.tensors import PARAMETERS, read_parameters, tensors_digest
from certify.storage import sha256

from .ledger import Ledger, Missing, require

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from .material import Material


def check_model(certificate: Certificate, material: Material, ledger: Ledger) -> NDArray[numpy.float64] | None:
    """Compare the model with the digests; the parameters if they agree."""
    import numpy

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
        require(bool(numpy.isfinite(found).all()), "a released parameter is no finite number")
        parameters = found
    mechanism = certificate.predicate.mechanism
    if parameters is not None and mechanism.grid is not None:
        with ledger.check("artefacts.grid", f"every parameter is a multiple of the grid {mechanism.grid.approx}"):
            require(
                on_grid(parameters, float(mechanism.grid)),
                "a released parameter is no multiple of the grid, so this noise was made otherwise",
            )
    return parameters


def on_grid(parameters: NDArray[numpy.float64], grid: float) -> bool:
    """Whether all are multiples of a power of two, none beyond 2^53 of it and none a negative zero, whose sign would be a bit beside the grid."""
    import numpy

    with numpy.errstate(all="ignore"):
        steps = parameters / grid
        whole = (steps == numpy.rint(steps)) & (numpy.abs(steps) <= 2.0**53) & (steps * grid == parameters)
    return bool((whole & ~(numpy.signbit(parameters) & (parameters == 0))).all())
