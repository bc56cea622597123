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
        "analysis.roots",
        "Every nonnegative real number has exactly one nonnegative square root.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorem 1.21",
    ),
    Foundation(
        "analysis.bernstein-szego",
        "A real trigonometric polynomial T of degree d (half-integers included) with |T| <= M has T'^2 + d^2 T^2 <= d^2 M^2, so that "
        "arccos(T/M) moves by at most d |h| over a step h.",
        "Szego, Schriften der Koenigsberger Gelehrten Gesellschaft 5 (1928) 59-70; Borwein & Erdelyi, Polynomials and Polynomial Inequalities "
        "(1995), section 5.1",
    ),
    Foundation(
        "analysis.lipschitz",
        "A map is Lipschitz with constant L on a set if |f(x) - f(y)| <= L |x - y| for all x and y in it; the least such L is the "
        "supremum of the ratios of the two distances at different points.",
        "Federer, Geometric Measure Theory (1969), section 2.2.7",
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
        "convexity.variational-inequality",
        "At a minimiser x of a differentiable function F over a convex set, <grad F(x), y - x> >= 0 for every y in the set.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Theorem 2.2.5",
    ),
    Foundation(
        "convexity.strong-monotonicity",
        "If F is differentiable and strongly convex with constant mu, <grad F(x) - grad F(y), x - y> >= mu |x - y|^2 "
        "(with mu = 0 for convex F); where F is twice differentiable, <v, H v> >= mu |v|^2.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Theorems 2.1.9 and 2.1.11",
    ),
    Foundation(
        "convexity.cocoercivity",
        "If F is convex and its gradient is Lipschitz with constant beta, beta <grad F(x) - grad F(y), x - y> >= |grad F(x) - grad F(y)|^2; "
        "if F is strongly convex with constant mu besides, (mu + beta) <grad F(x) - grad F(y), x - y> >= mu beta |x - y|^2 + "
        "|grad F(x) - grad F(y)|^2.",
        "Nesterov, Introductory Lectures on Convex Optimization (2004), Theorems 2.1.5 and 2.1.12",
    ),
    Foundation(
        "convexity.projection",
        "The projection onto a closed convex set brings two points no farther apart, and leaves the points of the set where they are.",
        "Bauschke & Combettes, Convex Analysis and Monotone Operator Theory in Hilbert Spaces (2nd ed. 2017), Proposition 4.16",
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
        "calculus.fundamental-theorem",
        "The integral of a continuous derivative is the difference of the function at the ends; a larger integrand has a larger integral; "
        "the integral of exp(-k t) over 0 <= t <= x is (1 - exp(-k x))/k for k > 0.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorems 6.12 and 6.21",
    ),
    Foundation(
        "calculus.groenwall",
        "If h is differentiable on [0, x] with h' >= -k h there, then h(t) >= exp(-k t) h(0) for t in it.",
        "Groenwall, Annals of Mathematics 20 (1919) 292-296; Hartman, Ordinary Differential Equations (2nd ed. 1982), Theorem III.1.1",
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
        "analysis.exponential-law",
        "exp(a + b) = exp(a) exp(b), exp(0) = 1 and exp(a) >= exp(b) (1 + a - b); for positive numbers exp(log x) = x, "
        "log(x y) = log x + log y, and log increases.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorem 8.6 and the text after it",
    ),
    Foundation(
        "analysis.bernoulli",
        "x^a >= 1 + a (x - 1) for x >= 0 and a >= 1.",
        "Hardy, Littlewood & Polya, Inequalities (2nd ed. 1952), Theorem 42",
    ),
    Foundation(
        "analysis.binomial-theorem",
        "(x + y)^n is the sum over k from 0 to n of binomial(n, k) x^k y^(n - k), for a whole n >= 0.",
        "NIST Handbook of Mathematical Functions (2010), 1.2.2",
    ),
    Foundation(
        "calculus.integration-rules",
        "Integration by parts and change of variable.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorems 6.19 and 6.22",
    ),
    Foundation(
        "calculus.polar-coordinates",
        "The integral over R^d of a function f(|x|) is a constant that depends on d only times the integral of f(r) r^(d - 1) over r > 0.",
        "Folland, Real Analysis (2nd ed. 1999), Theorem 2.49",
    ),
    Foundation(
        "numbers.division",
        "For real numbers a and b, b not zero, there is a number x with b x = a.",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Definition 1.12 and Theorem 1.19",
    ),
    Foundation(
        "arithmetic.recursion",
        "Multiples and powers by recursion: 0 c = 0 and (t + 1) c = t c + c; c^0 = 1 and c^(t + 1) = c c^t.",
        "Halmos, Naive Set Theory (1960), sections 12 and 13",
    ),
    Foundation(
        "analysis.three-term",
        "Let b_j p_j = (x - a_j) p_(j-1) - b_(j-1) p_(j-2) with p_0 = 1, all b_j > 0, and all p_j > 0 at x = t: the ratios p_j/p_(j-1) do not fall as x "
        "grows from t. If b_j c_(j+1) = (x - a_j) c_j - b_(j-1) c_(j-1) - g_j, then c_(j+1)/p_j - c_j/p_(j-1) is -(g_1 p_0 + ... + g_j p_(j-1)) over "
        "b_j p_j p_(j-1) (variation of constants).",
        "Szego, Orthogonal Polynomials (4th ed. 1975), sections 3.2 and 3.3; Elaydi, An Introduction to Difference Equations (3rd ed. 2005), section 2.4",
    ),
    Foundation(
        "analysis.chebyshev",
        "The Chebyshev polynomial T_m has |T_m| <= 1 on [-1, 1] and T_m(cosh u) = cosh(m u); for odd m it is x times a polynomial of degree "
        "(m - 1)/2 in x^2, |T_m(i x)|^2 = T_m(sqrt(1 + x^2))^2 - 1, and T_m(x)/x is nondecreasing for x >= 1.",
        "Rivlin, Chebyshev Polynomials (2nd ed. 1990), chapter 1",
    ),
    Foundation(
        "analysis.poisson-summation",
        "The sum over all integers n of exp(-(n - c)^2/(2 s^2)) is s sqrt(2 pi) times the sum over all integers k of "
        "exp(-2 pi^2 s^2 k^2) cos(2 pi k c); so it is greatest for a whole c.",
        "Stein & Shakarchi, Fourier Analysis (2003), section 5.3",
    ),
    Foundation(
        "analysis.logarithm-series",
        "0 <= -log(1 - y) - y = y^2/2 + y^3/3 + ... for |y| < 1, which is at most (y^2/2)(1 + |y| + |y|^2 + ...) = y^2/(2 (1 - |y|)).",
        "Rudin, Principles of Mathematical Analysis (3rd ed. 1976), Theorems 3.26 and 8.1",
    ),
)
