"""Kronecker-factored curvature: preconditioners and first guesses, never results."""
