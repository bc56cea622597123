"""Stub."""

from __future__ import annotations

from ..theorem import Theorem

THEOREMS: tuple[Theorem, ...] = ()
