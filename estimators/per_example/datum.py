"""A tensor whose rows belong to data, and which says what one datum is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..engines.data import Unit


class PerDatum(Tensor):
    """A tensor with one row for each datum; ``unit`` says whether that is an example or a token. What is computed from it is a plain tensor.

    Rows lie in the order of the data; the tokens of an example lie one after the other, those that are ignored among them.

    >>> rows = PerDatum.of(torch.ones(3), Unit.TOKEN)
    >>> rows.unit.value, type(rows + 1).__name__
    ('token', 'Tensor')
    """

    unit: Unit
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def of(cls, values: Tensor, unit: Unit) -> PerDatum:
        """The tensor, without a copy."""
        made: PerDatum = values.detach().as_subclass(cls)
        made.unit = unit
        return made

    def __deepcopy__(self, memory: Any) -> PerDatum:
        return PerDatum.of(self.as_subclass(Tensor).clone(), self.unit)

    def __repr__(self, *, tensor_contents: Any = None) -> Any:  # type: ignore[override]
        return repr(self.as_subclass(Tensor))
