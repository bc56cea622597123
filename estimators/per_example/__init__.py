"""Gradients of single examples: their norms, inner products and projections, without the matrix of all of them."""
