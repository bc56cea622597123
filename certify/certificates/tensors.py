"""Model files: safetensors with one flat float64 tensor, and digests of the file and of its content."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from certify.arrays import as_array

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

PARAMETERS = "parameters"
SIZE_LIMIT = 1 << 33


class NotTensors(ValueError):
    """The bytes are no safetensors file of the expected kind; the message says why."""


def write_tensors(tensors: Mapping[str, Any]) -> bytes:
    """The safetensors bytes of numpy arrays (deterministic: sorted names, no metadata)."""
    from safetensors.numpy import save

    return bytes(save({name: _array(tensors[name]) for name in sorted(tensors)}))


def read_tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays in safetensors bytes; raises :class:`NotTensors` for a damaged or foreign file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        if len(content) >= 8 and "__metadata__" in json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]]):
            raise NotTensors("a model file of certify carries no metadata")
        return dict(load(content))
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RecursionError, struct.error) as problem:
        raise NotTensors(f"not a safetensors file: {problem}") from None


def read_parameters(content: bytes) -> NDArray[numpy.float64]:
    """The one flat float64 tensor called ``parameters`` that a model file of ours holds."""
    tensors = read_tensors(content)
    if set(tensors) != {PARAMETERS}:
        raise NotTensors(f"the model file holds {sorted(tensors)} and not the one tensor {PARAMETERS!r}")
    parameters = tensors[PARAMETERS]
    if parameters.ndim != 1 or parameters.dtype.str != "<f8":
        raise NotTensors(f"the parameters are a flat float64 tensor, not {parameters.dtype} of shape {parameters.shape}")
    return parameters


def tensors_digest(tensors: Mapping[str, Any]) -> str:
    """SHA-256 over sorted (name, dtype, shape, little-endian bytes): what the model is, whatever its file layout."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        array = _array(tensors[name])
        head = json.dumps([name, array.dtype.newbyteorder("<").str, list(array.shape)], separators=(",", ":")).encode()
        total.update(struct.pack("<Q", len(head)) + head + struct.pack("<Q", array.nbytes))
        total.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return total.hexdigest()


def _array(tensor: Any) -> NDArray[Any]:
    import numpy

    return numpy.ascontiguousarray(as_array(tensor))
