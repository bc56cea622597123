"""Bounds in the parameters of a network: edges of its Hessian at a point and on a ball, and the one stationary point in it."""
