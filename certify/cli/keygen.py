"""``certify keygen``: a key pair to sign certificates with."""

from __future__ import annotations

from pathlib import Path

from .output import ExitCode, emit, schema


def keygen(path: Path, /, *, json: bool = False) -> int:
    """Make an Ed25519 key pair: PATH (private, mode 0600) and PATH.pub. Existing files are never overwritten.

    Parameters
    ----------
    path
        Where the private key goes.
    json
        Print JSON alone on standard output.
    """
    from certify.keys import PrivateKey, save_keys

    key = PrivateKey.generate()
    private, public = save_keys(key, path)
    payload = {"schema": schema("keygen"), "id": key.public.id, "private": str(private), "public": str(public)}
    emit(
        payload,
        json,
        lambda: f"key      {key.public.id}\nprivate  {private} (keep it secret)\npublic   {public} (hand it to verifiers)",
    )
    return int(ExitCode.HOLDS)
