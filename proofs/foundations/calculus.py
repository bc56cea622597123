"""Calculus and convexity: Taylor, mean values, descent, monotone gradients, elementary series."""

from __future__ import annotations

from ..theorem import Foundation

FOUNDATIONS = (
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
)
