"""What the rules of :mod:`~certify.estimators.engines.kernels` share: the pullback that is only used as a linear map, and what they leave to torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

_depth = [0]  # one number for all threads: torch runs backward passes of accelerators in threads of its own
_recording = threading.RLock()


class Unusual(Exception):
    """Arguments that a rule leaves to torch."""


@contextmanager
def recording() -> Iterator[None]:
    """While a graph is recorded here no other thread records one: what counts as constant is one setting for all threads."""
    with _recording:
        yield


@contextmanager
def linear() -> Iterator[None]:
    """While a pullback u ↦ J'u is recorded here, it is differentiated in u alone later: the point counts as constant."""
    with recording():
        _depth[0] += 1
        try:
            yield
        finally:
            _depth[0] -= 1


def at_point(tensor: Tensor) -> Tensor:
    """A tensor of the point, as a constant where the pullback is only used as a linear map."""
    return tensor.detach() if _depth[0] else tensor
