"""Plots of curves: described once as data, drawn as SVG for a file or in characters for a terminal. Nothing is imported for it."""

from __future__ import annotations

from .figure import Axis, Figure, Line, Mark, Panel, Stroke

__all__ = ["Axis", "Figure", "Line", "Mark", "Panel", "Stroke"]
