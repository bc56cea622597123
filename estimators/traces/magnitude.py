"""Sizes of products at which squares neither underflow nor overflow: what certified sums of squares need."""

from __future__ import annotations

import torch

LEAST, GREATEST = 2.0**-400, 2.0**400


class OutOfScale(ArithmeticError):
    """Products are so small or so large that their squares leave the doubles, and with them every bound that is made of squares."""


def check_magnitude(block: torch.Tensor, *, least: float = LEAST) -> float:
    """The largest magnitude in a block of products; raises :class:`OutOfScale` unless it is zero or between ``least`` and 2^400.

    >>> check_magnitude(torch.tensor([0.0, -3.0]))
    3.0
    """
    largest = float(block.detach().abs().max()) if block.numel() else 0.0
    if largest and not least <= largest <= GREATEST:
        raise OutOfScale(
            f"the products are of the size {largest:.0e}, whose squares leave the doubles: scale the operator by a power of two to about "
            "one, and what comes out back"
        )
    return largest
