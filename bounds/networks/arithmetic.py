"""The arithmetic that bounds rely on: gradients on, tensors on the processor, and no small number rounded to zero."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def usual_arithmetic() -> Iterator[None]:
    """Whatever the caller has set: derivatives are recorded, and tensors made without a device are on the processor.

    Raises ``ArithmeticError`` where torch flushes subnormal numbers to zero: no rounding allowance here counts that.

    >>> with torch.inference_mode(), usual_arithmetic():
    ...     torch.is_grad_enabled()
    True
    """
    small = torch.full((1,), 2.0**-537, dtype=torch.float64, device="cpu")
    if not bool(small * small):
        raise ArithmeticError(
            "torch.set_flush_denormal(True) rounds small numbers to zero, which no bound here counts: turn it off"
        )
    with contextlib.ExitStack() as stack:
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        yield
