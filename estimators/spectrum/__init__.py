"""Eigenvalues of curvature: bounds from above and below, and the density."""
