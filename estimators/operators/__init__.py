"""Operators: the curvature matrices that are multiplied with, never formed."""
