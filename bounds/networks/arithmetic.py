"""The arithmetic that bounds rely on: gradients on, tensors on the processor, and no small number rounded to zero."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from ..spectral.scaling import refuse_flushing


@contextlib.contextmanager
def usual_arithmetic() -> Iterator[None]:
    """Whatever the caller has set: derivatives are recorded, and tensors made without a device are on the processor.

    Raises ``ArithmeticError`` where torch flushes subnormal numbers to zero: no rounding allowance here counts that.

    >>> with torch.inference_mode(), usual_arithmetic():
    ...     torch.is_grad_enabled()
    True
    """
    refuse_flushing()
    with contextlib.ExitStack() as stack:
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        yield
