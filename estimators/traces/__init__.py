"""Traces, sums of squares, diagonals and log-determinants: certified intervals beside estimates."""
