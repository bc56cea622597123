"""How far the computed gradient and Hessian product of a linear model can be from the true ones.

The model: predictors z_i = W x_i with W of shape [k, p], loss gradient R = (r_i) of shape [n, k], and

    g = (1/n) R' X + l2 W,         H s = (1/n) sum_i C_i(S x_i) x_i' + l2 S.

Products are accumulated in blocks of ``block`` rows, the block results in twice the working precision.
With X the design (n rows, intercept column included), and the loss facts in :class:`LossRounding`,

    |fl(g) - g| <= (1/n) |X|_2 |E|_F + (1/n) gamma_(block+4) |X|_F |R|_F + gamma_8 (|fl(g)| + l2 |W|),
    |E|_F       <= L gamma_t |W|_F |X|_F + relative |R|_F + absolute sqrt(n),

where E is the error of the computed R and t counts the roundings in a predictor (own derivation from the
inner-product bound of Higham 2002, 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb

from certify.proofs.balls import precision, upper_double

from .rounding import ALLOWANCE_BITS, UNDERFLOW, gamma


@dataclass(frozen=True)
class LossRounding:
    """What the error analysis needs to know of a loss as a function of its predictors.

    ``gradient_lipschitz``: Lipschitz constant of the loss gradient in the predictors. The computed loss
    gradient errs by at most ``relative`` times its norm plus ``absolute`` a row. ``curvature``: norm bound
    of the loss Hessian; ``curvature_lipschitz``: its Lipschitz constant; ``curvature_absolute``: error of
    the computed loss Hessian times a vector, relative to the vector. All upper bounds.
    """

    gradient_lipschitz: float
    relative: float
    absolute: float
    curvature: float
    curvature_lipschitz: float
    curvature_absolute: float


@dataclass(frozen=True)
class DesignNorms:
    """Upper bounds on the norms of the design, intercept column included, and its shape."""

    rows: int
    columns: int
    spectral: float
    frobenius: float
    largest_row: float


def gradient_allowance(
    design: DesignNorms,
    loss: LossRounding,
    *,
    rows: int,
    block: int,
    predictor_terms: int,
    l2: float,
    parameter_norm: float,
    loss_gradient_norm: float,
    gradient_norm: float,
) -> float:
    """An upper bound on the Euclidean error of the computed gradient.

    ``rows`` is the number of rows averaged over (at most ``design.rows``), ``predictor_terms`` the roundings
    that a product passes through on its way into a predictor, ``parameter_norm``,
    ``loss_gradient_norm`` (|fl(R)|_F) and ``gradient_norm`` (|fl(g)|) are upper bounds. Not a theorem of the book:
    the derivation heads this module.

    >>> design, squared = DesignNorms(2, 1, 2.3, 2.3, 2.0), LossRounding(1.0, 2.0**-52, 0.0, 1.0, 0.0, 2.0**-52)
    >>> gradient_allowance(
    ...     design, squared, rows=2, block=2, predictor_terms=2, l2=0.5,
    ...     parameter_norm=1.0, loss_gradient_norm=0.0, gradient_norm=0.5,
    ... ) < 1e-14
    True
    """
    with precision(ALLOWANCE_BITS):
        frobenius, spectral, weights, losses = map(arb, (design.frobenius, design.spectral, parameter_norm, loss_gradient_norm))
        count = arb(rows)
        error = (
            arb(loss.gradient_lipschitz) * arb(gamma(predictor_terms)) * weights * frobenius
            + arb(loss.relative) * losses
            + arb(loss.absolute) * count.sqrt()
        )
        accumulated = arb(gamma(block + 4)) * frobenius * (losses + error)
        final = arb(gamma(8)) * (arb(gradient_norm) + arb(l2) * weights)
        return upper_double((spectral * error + accumulated) / count + final + _underflow(design))


def product_allowance(
    design: DesignNorms,
    loss: LossRounding,
    *,
    rows: int,
    block: int,
    l2: float,
    parameter_norm: float,
    vector_norm: float,
    product_norm: float,
) -> float:
    """An upper bound on the Euclidean error of the computed Hessian-vector product at the parameters.

    ``rows`` as for :func:`gradient_allowance`; ``parameter_norm``, ``vector_norm`` and ``product_norm`` (|fl(H s)|) are
    upper bounds. Not a theorem of the book: the derivation heads this module.

    >>> design, squared = DesignNorms(2, 1, 2.3, 2.3, 2.0), LossRounding(1.0, 2.0**-52, 0.0, 1.0, 0.0, 2.0**-52)
    >>> product_allowance(
    ...     design, squared, rows=2, block=2, l2=0.5, parameter_norm=1.0, vector_norm=1.0, product_norm=3.0
    ... ) < 1e-14
    True
    """
    with precision(ALLOWANCE_BITS):
        frobenius, spectral, weights, vector = map(arb, (design.frobenius, design.spectral, parameter_norm, vector_norm))
        count, inner = arb(rows), arb(gamma(design.columns + 2))
        error = (
            vector
            * frobenius
            * (
                arb(loss.curvature_lipschitz) * inner * arb(design.largest_row) * weights
                + arb(loss.curvature_absolute)
                + arb(loss.curvature) * inner
            )
            * (1 + inner)
        )
        size = arb(loss.curvature) * vector * frobenius + error
        accumulated = arb(gamma(block + 4)) * frobenius * size
        final = arb(gamma(8)) * (arb(product_norm) + arb(l2) * vector)
        return upper_double((spectral * error + accumulated) / count + final + _underflow(design))


def _underflow(design: DesignNorms) -> arb:
    return arb(UNDERFLOW) * (1 + arb(design.frobenius))
