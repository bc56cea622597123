"""Engines: how a product with a curvature matrix is computed, and the probes that refuse a wrong one."""
