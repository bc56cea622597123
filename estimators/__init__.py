"""Floor 3: curvature by automatic differentiation, each result with its own error bound."""
