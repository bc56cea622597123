"""Certificates: their wire format, how they are built from a run, how they are read."""

from .certificate import Certificate, Malformed
from .envelope import Envelope, NotACertificate, read_envelope

__all__ = ["Certificate", "Envelope", "Malformed", "NotACertificate", "read_envelope"]
