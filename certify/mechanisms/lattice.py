"""Sums of exp(-n²/(2 sigma²)) over the integers from some n on, in balls."""

from __future__ import annotations

from fractions import Fraction
from math import comb, isqrt, prod

from flint import arb, ctx

from certify.proofs.balls import ball

_MOST_TERMS = 3000
_MOST_CORRECTIONS = 60


class Weights:
    """The weights exp(-n²/(2 sigma²)) of the discrete Gaussian at the current working precision."""

    def __init__(self, sigma: Fraction) -> None:
        self.sigma, self.bits = sigma, ctx.prec
        self.precise = ball(1 / (2 * sigma * sigma))
        self._known: dict[int, arb] = {}
        self.total = 2 * self.above(1) + 1

    def above(self, first: int) -> arb:
        """The sum over n >= first."""
        if first <= 0:
            return self.total - self.above(1 - first)
        if first not in self._known:
            self._known[first] = self._summed(first)
        return self._known[first]

    def _summed(self, first: int) -> arb:
        """Term by term where few matter, else by the formula of Euler and Maclaurin."""
        square = 2 * self.sigma * self.sigma
        need = int((self.bits + 8) * Fraction(7, 10) * square) + 1  # (first + j)² - first² beyond this is below the precision
        count = isqrt(first * first + need) - first + 1
        if count <= _MOST_TERMS:
            return self._term_by_term(first, count)
        return self._euler_maclaurin(first)

    def _term_by_term(self, first: int, count: int) -> arb:
        rate = self.precise
        term, step, shrink = (-rate * first * first).exp(), (-rate * (2 * first + 1)).exp(), (-2 * rate).exp()
        total = arb(0)
        for _ in range(count):
            total += term
            term *= step
            step *= shrink
        # What is left is at most a geometric series, whose ratio is that of its first two terms.
        rest = (term / (1 - step)).abs_upper() if step < 1 else arb("inf")
        return total + arb(0).union(rest)

    def _euler_maclaurin(self, first: int) -> arb:
        """The integral, half the first term, and corrections with derivatives at ``first``; the last one bounds the remainder.

        With x = first/sigma and f(n) = g(n/sigma), the derivative of order j is (-1)^j He_j(x) g(x)/sigma^j. The remainder after the
        term of order 2p is at most 2 zeta(2p)/(2 pi)^(2p) times the integral of |f^(2p)|, and |He_2p(t)| is at most the
        polynomial h_2p with the moduli of its coefficients (Olver, Asymptotics and Special Functions, 1974, chapter 8).
        """
        sigma = ball(self.sigma)
        x = ball(first / self.sigma)
        weight = (-x * x / 2).exp()
        moments = [(arb.pi() / 2).sqrt() * (x / arb(2).sqrt()).erfc()]  # the integrals of t^(2k) exp(-t²/2) over t > x
        total = sigma * moments[0] + weight / 2
        even, odd = arb(1), x  # He_0 and He_1
        best = arb(0, "inf")
        for p in range(1, _MOST_CORRECTIONS):
            moments.append(x ** (2 * p - 1) * weight + (2 * p - 1) * moments[-1])
            scale = sigma ** (2 * p - 1)
            total += arb.bernoulli(2 * p) / arb(2 * p).fac() * odd * weight / scale
            # He_2p has the coefficient (2p)!/((2k)! (p - k)! 2^(p - k)) at t^(2k), with alternating signs.
            spread = sum((comb(2 * p, 2 * k) * _odd_product(p - k) * moments[k] for k in range(p + 1)), arb(0))
            rest = (2 * arb(2 * p).zeta() / (2 * arb.pi()) ** (2 * p) * spread / scale).abs_upper()
            found = total + arb(0, 1) * rest
            if found.rad() < best.rad():
                best = found
            if found.rel_accuracy_bits() >= self.bits - 12:
                break
            even = x * odd - (2 * p - 1) * even
            odd = x * even - 2 * p * odd
        return best


def _odd_product(count: int) -> int:
    """1 * 3 * 5 ..., of ``count`` factors."""
    return prod(range(1, 2 * count, 2))
