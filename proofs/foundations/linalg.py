"""Linear algebra: norms, inner products, forms and matrices."""

from __future__ import annotations

from ..theorem import Foundation

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
        "linalg.relative-inverse",
        "For symmetric positive definite A and H, A^-1 H is similar to a symmetric matrix by the root of H: if its eigenvalues are within k "
        "of one, |(A^-1 H - I) s|_H <= k |s|_H in the norm |v|_H^2 = v . H v.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), sections 4.1 and 7.6",
    ),
)
