"""Floor 3: solves with curvature. What they return is an estimate until it is measured."""
