"""Probability: expectation, Gaussian laws, tests of one law against another."""

from __future__ import annotations

from ..theorem import Foundation

FOUNDATIONS = (
    Foundation(
        "probability.expectation",
        "Expectation is linear, and the expectation of a function that is nonnegative on the range is nonnegative; probabilities are "
        "nonnegative and sum to one.",
        "Billingsley, Probability and Measure (3rd ed. 1995), section 21",
    ),
    Foundation(
        "probability.gaussian-moments",
        "A centred Gaussian vector with independent coordinates of variance s^2 has E xi = 0 and E |xi|^2 = d s^2.",
        "Billingsley, Probability and Measure (3rd ed. 1995), sections 21 and 29",
    ),
    Foundation(
        "probability.gaussian-rotation",
        "The law N(0, s^2 I) is invariant under rotations and its coordinates are independent, so the pair N(v, s^2 I), N(v', s^2 I) "
        "is equivalent, by invertible maps and common independent coordinates, to N(|v - v'|/s, 1), N(0, 1).",
        "Billingsley, Probability and Measure (3rd ed. 1995), section 29; Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022) 3-37, section 2.2",
    ),
    Foundation(
        "probability.likelihood-ratio",
        "sup over events of P(A) - t Q(A) is attained at {p > t q} (Neyman-Pearson). For P = N(r, 1), Q = N(0, 1) the log-ratio at x is "
        "r x - r^2/2, increasing for r > 0, so that with r x0 - r^2/2 = log t the supremum is Phi(r - x0) - t Phi(-x0).",
        "Lehmann & Romano, Testing Statistical Hypotheses (3rd ed. 2005), Theorem 3.2.1; Balle & Wang, ICML 2018, Theorem 8",
    ),
)
