"""What the noise costs: the excess risk of a released model over the retrained one."""

from __future__ import annotations

from .bound import Bound
from .derive import derive


def excess_risk(*, smoothness: Bound | float, distance: Bound | float, dimension: int, sigma: Bound | float) -> Bound:
    """An upper bound on the expected objective of ``w + N(0, sigma² I)`` above its minimum, for |w - w*| <= distance.

    ``smoothness`` is that of the whole objective (ridge included), in loss per squared parameter; the
    expectation is over the noise. Needs an interior minimiser.

    Theorem: ``utility.excess-risk`` (upper smoothness, distance, dimension, sigma).

    >>> excess_risk(smoothness=1.0, distance=0.0, dimension=4, sigma=0.5).value
    0.5
    """
    return derive("utility.excess-risk", smoothness=smoothness, distance=distance, dimension=dimension, sigma=sigma)
