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
    Foundation(
        "probability.holder",
        "For nonnegative f and g and p, q > 1 with 1/p + 1/q = 1, the integral of f g is at most the integral of f^p to the power 1/p "
        "times the integral of g^q to the power 1/q.",
        "Rudin, Real and Complex Analysis (3rd ed. 1987), Theorem 3.5",
    ),
    Foundation(
        "probability.gaussian-generating-function",
        "E exp(t x) = exp(t^2/2) for every real t and x of law N(0, 1).",
        "Billingsley, Probability and Measure (3rd ed. 1995), section 21",
    ),
    Foundation(
        "probability.conditional-densities",
        "The density of a first and a second outcome is the density of the first times the conditional density of the second, and "
        "integrals over both may be taken one after the other (Tonelli).",
        "Billingsley, Probability and Measure (3rd ed. 1995), sections 18, 20 and 33",
    ),
    Foundation(
        "probability.conditional-expectation",
        "E(E(X|F)) = E X, and E(Y X|F) = Y E(X|F) for a bounded Y that F determines.",
        "Billingsley, Probability and Measure (3rd ed. 1995), Theorems 34.3 and 34.4",
    ),
    Foundation(
        "probability.binomial-tail",
        "For X of law Bin(n, q): P(X <= k) = I(1 - q; n - k, k + 1) for 0 <= k < n, and P(X >= k) = I(q; k, n - k + 1) for 0 < k <= n, where "
        "I is the regularised incomplete beta function; the number of successes in n independent trials of rate q has this law.",
        "NIST Handbook of Mathematical Functions (2010), 8.17.5; Feller, An Introduction to Probability Theory 1 (3rd ed. 1968), VI.2 and VI.10",
    ),
    Foundation(
        "probability.beta-density",
        "I(x; a, b) is the integral over (0, x) of a nonnegative density, so for x <= y the difference I(y; a, b) - I(x; a, b) is y - x times "
        "the mean of the density over (x, y).",
        "NIST Handbook of Mathematical Functions (2010), 8.17.1 and 8.17.2",
    ),
    Foundation(
        "probability.fair-coins",
        "Fair coins are independent of one another and of what was drawn without them: whichever r of them are called, and how, on the ground "
        "of that alone, the number of right calls has the law Bin(r, 1/2), and the signs right and wrong are fair coins again.",
        "Feller, An Introduction to Probability Theory 1 (3rd ed. 1968), VIII.2 (impossibility of gambling systems)",
    ),
    Foundation(
        "probability.hoeffding-lemma",
        "E exp(X) <= exp((b - a)^2/8) for a centred X with values in [a, b]; the mean of a product of independent variables is the product "
        "of their means.",
        "Hoeffding, J. Am. Stat. Assoc. 58 (1963) 13-30, (4.16); Billingsley, Probability and Measure (3rd ed. 1995), section 21",
    ),
    Foundation(
        "probability.markov",
        "A nonnegative random variable is at least t > 0 with probability at most its mean over t.",
        "Billingsley, Probability and Measure (3rd ed. 1995), section 21",
    ),
    Foundation(
        "probability.betting",
        "Definition: from a capital of one, a bettor stakes on every round, on the ground of what is past, a nonnegative multiple of the "
        "capital; a round with payoff x at the multiple s multiplies the capital by 1 + s x. A mixture is a mean of such capitals, "
        "with fixed nonnegative weights that sum to one.",
        "Shafer, Testing by betting, J. R. Stat. Soc. A 184 (2021) 407-431, section 2",
    ),
    Foundation(
        "probability.gaussian-squares",
        "E exp(y x^2/2) = (1 - y)^(-1/2) for x of law N(0, 1) and y < 1, and the mean of a product of independent variables is the product "
        "of their means; so for w of law N(0, I) and a symmetric B whose eigenvalues are below one, E exp(w . B w/2) is the "
        "product over the eigenvalues of (1 - eigenvalue)^(-1/2).",
        "Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1 (2nd ed. 1994), chapter 18; Billingsley, Probability and Measure "
        "(3rd ed. 1995), sections 20, 21 and 29",
    ),
    Foundation(
        "probability.gaussian-whitening",
        "An invertible linear map T takes N(v, S) to N(T v, T S T'); so, for a positive definite S, N(v, S) and N(v', S) are equivalent by S^(-1/2) to "
        "N(w, I) and N(0, I) with v - v' = S^(1/2) w.",
        "Billingsley, Probability and Measure (3rd ed. 1995), section 29",
    ),
    Foundation(
        "probability.gaussian-density",
        "The density of N(m, s) at x is (2 pi s)^(-1/2) exp(-(x - m)^2/(2 s)); N(-m, s) and N(0, 1) are as hard to tell apart as N(m, s) and N(0, 1).",
        "Billingsley, Probability and Measure (3rd ed. 1995), section 20",
    ),
    Foundation(
        "probability.gaussian-quadratics",
        "E exp(y x^2/2 + b x) = (1 - y)^(-1/2) exp(b^2/(2 (1 - y))) for x of law N(0, 1), y < 1 and every b.",
        "Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1 (2nd ed. 1994), chapters 13 and 18",
    ),
    Foundation(
        "probability.beta-of-squares",
        "If x has the law N(0, 1) and s is an independent sum of the squares of k more such variables, P(x^2/(x^2 + s) < t) = I(t; 1/2, k/2), the "
        "regularised incomplete beta function; it does not decrease as its last parameter grows, x^2/(x^2 + s) falling where a gamma variable is "
        "added to s.",
        "Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2 (2nd ed. 1995), section 25.2",
    ),
)
