"""The settings of torch under which an operator was built: its products are taken under the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Surroundings:
    """Whether autocast was on for a kind of device, and its type: what an operator measured holds for that alone."""

    device: str
    autocast: bool
    dtype: torch.dtype

    @classmethod
    def now(cls, device: torch.device) -> Surroundings:
        """Those of this moment."""
        return cls(device.type, torch.is_autocast_enabled(device.type), torch.get_autocast_dtype(device.type))

    @contextmanager
    def restored(self) -> Iterator[None]:
        """These settings, outside inference mode.

        >>> before = Surroundings.now(torch.device("cpu"))
        >>> with torch.autocast("cpu"), before.restored():
        ...     torch.is_autocast_enabled("cpu")
        False
        """
        with ordinary(), nullcontext() if self == Surroundings.now(torch.device(self.device)) else self._autocast():
            yield

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device, dtype=self.dtype, enabled=self.autocast)


@contextmanager
def ordinary() -> Iterator[None]:
    """Outside inference mode, in which nothing is recorded."""
    with torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext():
        yield
