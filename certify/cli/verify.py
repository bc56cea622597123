"""``certify verify``: replay a certificate and re-measure what is at hand of it."""

from __future__ import annotations

from pathlib import Path

from .output import ExitCode, complain, emit
from .progress import progress


def verify(
    path: Path,
    /,
    *,
    data: Path | None = None,
    witness: Path | None = None,
    require: str | None = None,
    allow: tuple[str, ...] = (),
    key: Path | None = None,
    json: bool = False,
) -> int:
    """Replay a certificate with our own arithmetic and our own book of proofs, and re-measure what you have of it.

    Parameters
    ----------
    path
        A run folder, or a certificate file alone.
    data
        The CSV file of all records, or of the retained ones in original order; asks for the level "data".
    witness
        The secret folder of the run; by default the one in the run folder.
    require
        The support that the weakest link must have (proved, enclosed, tested …), or a level (arithmetic, artefacts, data).
    allow
        Links accepted as they are, such as assumed:sampler.seed; may be repeated.
    key
        The public key that must have signed the certificate.
    json
        Print JSON alone on standard output.
    """
    from certify.verification import verify as check

    with progress() as shown:
        shown.stage("measuring again on the records" if data else "replaying the derivation")
        verdict = check(path, data=data, witness=witness, require=require, allow=allow, key=key)
    emit(verdict.to_json(), json, lambda: verdict)
    if verdict.exit_code == ExitCode.USAGE:  # a foreign file: say so where errors are read
        why = "; ".join(check.detail for check in verdict.failed)
        complain(f"{path}: {why}; name a run folder or a certificate.json of `certify unlearn`")
    return verdict.exit_code
