"""Arrays of numpy and tensors of torch, read alike without importing torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_array(values: Any) -> NDArray[Any]:
    """The numpy array of an array, a tensor on any device, or nested lists; memory is shared where that is possible.

    >>> as_array([[1.0, 2.0]]).shape
    (1, 2)
    """
    import numpy

    return numpy.asarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values)
