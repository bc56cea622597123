"""Linear equations with curvature: every solution comes with the residual that was measured for it."""
