"""Privacy: what is known of compositions of private mechanisms."""

from __future__ import annotations

from ..theorem import Foundation

FOUNDATIONS = (
    Foundation(
        "privacy.tradeoff-composition",
        "A (possibly adaptive) composition of mechanisms that are f- and g-private is private for the trade-off function of the "
        "product of two pairs of laws that have trade-off functions f and g.",
        "Dong, Roth & Su, Gaussian differential privacy, J. R. Stat. Soc. B 84 (2022) 3-37, Theorem 3.2",
    ),
    Foundation(
        "privacy.indistinguishable",
        "Definition: laws P and Q are (epsilon, delta)-indistinguishable if P(A) <= exp(epsilon) Q(A) + delta for every event A; the same "
        "then holds for the means of every test, a function with values in [0, 1]. Both directions are asked for unless one is named.",
        "Dwork & Roth, The Algorithmic Foundations of Differential Privacy (2014), Definition 2.4",
    ),
    Foundation(
        "privacy.gaussian-parameter",
        "Definition: laws P and Q are mu-GDP, that is at least as hard to tell apart as N(0, 1) and N(mu, 1), if for every test with "
        "mean Phi(x) under P the mean under Q is at most Phi(x + mu), and the other way round.",
        "Dong, Roth & Su, Gaussian differential privacy, J. R. Stat. Soc. B 84 (2022) 3-37, Definition 2.6",
    ),
    Foundation(
        "privacy.renyi-divergence",
        "Definition: with densities p and q and an order a > 1, (a - 1) D_a(P|Q) is the logarithm of the integral of p^a q^(1 - a), the "
        "mean under Q of the likelihood ratio to the power a. It is nonnegative (Jensen).",
        "Mironov, Renyi differential privacy, CSF 2017, Definition 3; van Erven & Harremoes, IEEE Trans. Inf. Theory 60 (2014), Theorem 8",
    ),
    Foundation(
        "privacy.zero-concentrated",
        "Definition: laws P and Q are rho-zCDP if D_a(P|Q) <= rho a for every order a > 1, in both directions; the least rho is the supremum "
        "of D_a(P|Q)/a.",
        "Bun & Steinke, Concentrated differential privacy, TCC 2016, Definition 1.1",
    ),
    Foundation(
        "privacy.data-processing",
        "Whoever sees a function of an outcome, say a part of it, can tell two laws apart no better than whoever sees all: the Rényi divergence "
        "of every order does not grow.",
        "van Erven & Harremoes, IEEE Trans. Inf. Theory 60 (2014) 3797-3820, Theorem 9; Dong, Roth & Su (2022), section 2.2",
    ),
    Foundation(
        "privacy.blackwell",
        "If P and Q are at least as hard to tell apart, by tests of every level, as P' and Q', one randomised map takes P' to P and Q' to Q.",
        "Blackwell, Proc. Second Berkeley Symposium (1951) 93-102; Dong, Roth & Su, J. R. Stat. Soc. B 84 (2022) 3-37, Theorem 2.10",
    ),
)
