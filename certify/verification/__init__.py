"""Verification: replay a certificate, re-measure what is at hand, say what was only declared."""

from .verdict import Check, Level, Link, Outcome, Verdict
from .verifier import verify

__all__ = ["Check", "Level", "Link", "Outcome", "Verdict", "verify"]
