"""The names in a run folder: what is released lies open, the witness apart in a folder of its own."""

from __future__ import annotations

CERTIFICATE = "certificate.json"
MODEL = "model.safetensors"
MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "certify.run/1"
SECRET = "secret"


def previous_name(back: int) -> str:
    """The file in a run folder that holds the certificate ``back`` releases before.

    >>> previous_name(1), previous_name(2)
    ('previous.json', 'previous-2.json')
    """
    return "previous.json" if back == 1 else f"previous-{back}.json"
