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
        "linalg.inner-product",
        "An inner product is linear in both arguments, so |u + v|^2 = |u|^2 + 2 <u, v> + |v|^2.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), Definition 5.1.3",
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
        "linalg.operator-norm",
        "The spectral norm |A| of a matrix is the maximum of |A x| over unit vectors x and of y . A x over unit vectors x and y, and is "
        "attained; |A x| <= |A| |x| and |c A| = |c| |A|; A and its transpose A' have the same norm.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.6",
    ),
    Foundation(
        "linalg.adjoint",
        "Matrices act linearly, and (A x) . y = x . A' y; so x . A'A x = |A x|^2.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), sections 0.2 and 5.1",
    ),
    Foundation(
        "linalg.circulant",
        "A circular convolution of period N, along one or more axes, adds up the kernel entries at offsets that are congruent modulo N. The "
        "unitary discrete Fourier transform keeps norms and turns it into the product, at each frequency w, of the vector of "
        "channels and the matrix F(w) = sum of K_t exp(-i t w) over the kernel. With stride s, a divisor of N, the phases modulo s of the "
        "input count as channels, and the frequencies are those of period N/s.",
        "Davis, Circulant Matrices (1979), sections 3.2, 5.6 and 5.8",
    ),
    Foundation(
        "numbers.residues",
        "Two integers that are congruent modulo N and differ by less than N are equal.",
        "Hardy & Wright, An Introduction to the Theory of Numbers (5th ed. 1979), section 5.2",
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
    Foundation(
        "linalg.rayleigh",
        "For a symmetric matrix B with smallest eigenvalue a and largest b, a |x|^2 <= x . B x <= b |x|^2 for every x, "
        "with equality at eigenvectors.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), Theorem 4.2.2",
    ),
    Foundation(
        "linalg.courant-fischer",
        "The k-th greatest singular value of a matrix M is the greatest, over the subspaces of dimension k, of the least |M x| over the unit "
        "vectors x of the subspace; both are attained.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), Theorem 7.3.8",
    ),
    Foundation(
        "linalg.inverse-order",
        "If A - B is positive semidefinite and B is symmetric positive definite, B^-1 - A^-1 is positive semidefinite.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), Corollary 7.7.4",
    ),
    Foundation(
        "linalg.eigenvalue-sums",
        "The trace of a symmetric matrix is the sum of its eigenvalues, and its squared Frobenius norm is the sum of their squares; "
        "the eigenvalues of a positive semidefinite matrix are nonnegative, and X' A X is one if A is.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), sections 1.2, 2.5 and 7.1",
    ),
    Foundation(
        "linalg.block-sums",
        "In an orthonormal basis of a subspace and of its complement, with the projectors P and Q = I - P: |x|^2 = |P x|^2 + |Q x|^2, and for "
        "a symmetric A, tr A = tr(P A P) + tr(Q A Q) and |A|_F^2 = |P A P|_F^2 + 2 |Q A P|_F^2 + |Q A Q|_F^2.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), sections 0.6 and 1.2, and Theorem 2.2.2",
    ),
    Foundation(
        "linalg.frobenius-product",
        "|A x| <= |A|_F |x|, also for the moduli of the entries on the left; |A B|_F <= |A| |B|_F and |A B|_F <= |A|_F |B| with spectral norms.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), section 5.6",
    ),
    Foundation(
        "linalg.polar",
        "If |Y'Y - I| <= k < 1, the eigenvalues of G = Y'Y lie between 1 - k and 1 + k, the columns of Y G^(-1/2) are an orthonormal basis of the "
        "range of Y, and the projector on that range is Y G^(-1) Y'.",
        "Horn & Johnson, Matrix Analysis (2nd ed. 2013), Theorems 4.3.1 and 7.3.1",
    ),
    Foundation(
        "floating.square-root",
        "In floating-point arithmetic of unit roundoff u that rounds to nearest, the computed square root of a is sqrt(a) (1 + t) with |t| <= u.",
        "Higham, Accuracy and Stability of Numerical Algorithms (2nd ed. 2002), section 2.2",
    ),
    Foundation(
        "floating.cholesky",
        "A Cholesky factorisation of a symmetric n by n matrix in floating-point arithmetic of unit roundoff u that runs to its end, with square "
        "roots of positive numbers only, gives L with |M - L L'| <= g |L| |L|' entrywise, g = (n + 1) u/(1 - (n + 1) u), apart from underflow.",
        "Higham, Accuracy and Stability of Numerical Algorithms (2nd ed. 2002), Theorem 10.3",
    ),
    Foundation(
        "floating.matrix-product",
        "In floating-point arithmetic of unit roundoff u that rounds to nearest, the computed product f of a matrix with n columns and a vector "
        "satisfies |f - A x| <= g |A| |x| entrywise, with g = n u/(1 - n u), in any order of summation and apart from underflow; "
        "a computed difference is (a - b)(1 + t) with |t| <= u, also where it underflows.",
        "Higham, Accuracy and Stability of Numerical Algorithms (2nd ed. 2002), sections 2.2 and 3.5, in particular (3.11)",
    ),
)
