"""Textbook facts used as given. Each is listed with the theorem that uses it and never lowers a status.

A fact about vectors enters a proof as a relation between real numbers (norms, inner products, expectations):
a relation that holds for all such numbers holds in every inner-product space.
"""

from __future__ import annotations

from . import calculus, linalg, privacy, probability

FOUNDATIONS = (*linalg.FOUNDATIONS, *calculus.FOUNDATIONS, *probability.FOUNDATIONS, *privacy.FOUNDATIONS)
