"""Textbook facts used as given. Each is listed with the theorem that uses it and never lowers a status.

A fact about vectors enters a proof as a relation between real numbers (norms, inner products, expectations):
a relation that holds for all such numbers holds in every inner-product space.
"""

from __future__ import annotations

from .theorem import Foundation

FOUNDATIONS = (
    Foundation(
        "linalg.cauchy-schwarz",
        "In an inner-product space norms are nonnegative and |<u, v>| <= |u| |v|; in particular |x . u| <= |x| for a unit vector u.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), Theorem 5.1.4",
    ),
    Foundation(
        "linalg.triangle",
        "In a normed space norms are nonnegative, |u + v| <= |u| + |v|, and the norm of a sum is at most the sum of the norms.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorem 1.37",
    ),
    Foundation(
        "linalg.pythagoras",
        "The squared Euclidean norm is the sum of the squared coordinates, so it is at least the sum of some of them; "
        "the norm of an outer product of two vectors is the product of their norms.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), sections 0.6 and 5.2",
    ),
    Foundation(
        "linalg.symmetric-forms",
        "The norm of a symmetric multilinear form on a real Euclidean space is attained on the diagonal: "
        "sup |A[u, v, w]| = sup |A[u, u, u]| over unit vectors. For odd order the supremum of A[u, u, u] has no need of the modulus.",
        "Banach, Ueber homogene Polynome in (L^2), Studia Mathematica 7 (1938) 36-44; "
        "Horn & Johnson (2nd ed. 2013), Theorem 4.2.2, for order two",
    ),
    Foundation(
        "calculus.chain-rule",
        "Derivatives of sums, products and compositions; a differentiable function whose derivative has one sign on an interval "
        "is monotone there; the normal distribution function has the normal density as derivative.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorems 5.3, 5.5, 5.11 and 6.20",
    ),
    Foundation(
        "calculus.mean-value",
        "On a convex set, a bound on the norm of a derivative is a Lipschitz constant of the map.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorem 9.19",
    ),
    Foundation(
        "calculus.taylor-remainder",
        "If the Hessian of F is Lipschitz with constant M on a convex set, |grad F(y) - grad F(x) - H(x)(y - x)| <= (M/2)|y - x|^2.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Lemma 1.2.4",
    ),
    Foundation(
        "calculus.descent-lemma",
        "If the gradient of F is Lipschitz with constant beta, F(y) <= F(x) + <grad F(x), y - x> + (beta/2)|y - x|^2.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Lemma 1.2.3",
    ),
    Foundation(
        "calculus.stationarity",
        "The gradient of a differentiable function vanishes at an unconstrained (interior) minimiser, and the mean of the "
        "gradients is the gradient of the mean.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Theorem 1.2.1",
    ),
    Foundation(
        "convexity.strong-monotonicity",
        "If F is differentiable and strongly convex with constant mu, <grad F(x) - grad F(y), x - y> >= mu |x - y|^2 "
        "(with mu = 0 for convex F); where F is twice differentiable, <v, H v> >= mu |v|^2.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Theorems 2.1.9 and 2.1.11",
    ),
    Foundation(
        "convexity.quasi-self-concordance",
        "If |D^3 F[u, u, v]| <= nu |v| D^2 F[u, u] for all u and v and H = D^2 F(x) is positive definite, then "
        "exp(-nu |t v|) H <= D^2 F(x + t v) <= exp(nu |t v|) H (Groenwall); with a = nu |v| the mean A over 0 <= t <= 1 has the eigenvalues "
        "of A^-1 H between a/(exp(a) - 1) and a/(1 - exp(-a)), both within (a/2)(1 + coth(a/2)) - 1 <= a/2 + a^2/12 of one "
        "(x coth x <= 1 + x^2/3, term by term).",
        "Bach, Self-concordant analysis for logistic regression, Electron. J. Stat. 4 (2010) 384-414, Proposition 1; "
        "NIST Handbook of Mathematical Functions (2010), sections 4.35 and 4.36",
    ),
    Foundation(
        "linalg.relative-inverse",
        "For symmetric positive definite A and H, A^-1 H is similar to a symmetric matrix by the root of H: if its eigenvalues are within k "
        "of one, |(A^-1 H - I) s|_H <= k |s|_H in the norm |v|_H^2 = v . H v.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), sections 4.1 and 7.6",
    ),
    Foundation(
        "analysis.exponential-series",
        "exp(t) > 0, exp increases, and exp(t) >= 1 + t + t^2/2 for t >= 0.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorem 8.6",
    ),
    Foundation(
        "analysis.loss-derivatives",
        "With s = 1/(1 + exp(-z)) in (0, 1): the logistic loss log(1 + exp(z)) - b z, b in {0, 1}, has derivatives s - b, s(1 - s) and "
        "s(1 - s)(1 - 2s). With p the softmax of z, the loss log sum exp(z) - z_y has gradient p - e_y, second derivative along u "
        "the variance, and third derivative along u the third central moment, of u under p; it is nonnegative, and log K at z = 0 "
        "in R^K. The loss exp(z) - b z, b a count, has derivatives exp(z) - b, exp(z), exp(z).",
        "Boyd & Vandenberghe, Convex Optimization (2004), sections 3.1.5 and 7.1.1; "
        "McCullagh & Nelder, Generalized Linear Models (2nd ed. 1989), section 2.2.2 (cumulants)",
    ),
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
    Foundation(
        "privacy.tradeoff-composition",
        "A (possibly adaptive) composition of mechanisms that are f- and g-private is private for the trade-off function of the "
        "product of two pairs of laws that have trade-off functions f and g.",
        "Dong, Roth & Su, Gaussian differential privacy, J. R. Stat. Soc. B 84 (2022) 3-37, Theorem 3.2",
    ),
)
