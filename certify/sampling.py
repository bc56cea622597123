"""Gaussian noise from a documented stream that the holder of the seed can replay bit for bit.

Stream: the ChaCha20 keystream under the 32-byte seed (nonce and counter zero), read as little-endian
64-bit words; the top 53 bits of word i give u_i = (bits + 1) / 2**53 in (0, 1]; words 2j and 2j + 1 give
the pair sqrt(-2 ln u_2j) (cos, sin)(2 pi u_2j+1) by the Box-Muller transform. That floating-point
numbers so made are Gaussian is the premise ``sampler.ideal``, which every certificate prints.
"""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Any

import numpy

from .errors import InputError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

SEED_BYTES = 32


def fresh_seed() -> bytes:
    """32 bytes of operating-system entropy; secret."""
    return secrets.token_bytes(SEED_BYTES)


def standard_normals(count: int, seed: bytes) -> NDArray[numpy.float64]:
    """The first ``count`` numbers of the stream of ``seed``.

    >>> len(standard_normals(3, bytes(32)))
    3
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    if len(seed) != SEED_BYTES:
        raise InputError(f"a noise seed has {SEED_BYTES} bytes, not {len(seed)}")
    pairs = (count + 1) // 2
    encryptor = Cipher(algorithms.ChaCha20(seed, bytes(16)), mode=None).encryptor()
    words = numpy.frombuffer(encryptor.update(bytes(16 * pairs)), dtype="<u8").reshape(pairs, 2)
    uniform = ((words >> numpy.uint64(11)).astype(numpy.float64) + 1.0) * 2.0**-53
    radius, angle = numpy.sqrt(-2.0 * numpy.log(uniform[:, 0])), 2.0 * math.pi * uniform[:, 1]
    return numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], axis=1).reshape(-1)[:count]


def gaussian_noise(dimension: int, sigma: float, seed: bytes | None = None, generator: Any = None) -> torch.Tensor:
    """``sigma`` times ``dimension`` standard normals, as a float64 tensor [dimension].

    From ``seed`` (replayable), or from the caller's ``numpy.random.Generator`` (then the run carries the
    exclusion "noise: caller-controlled"). Exactly one of the two; :class:`InputError` otherwise.
    """
    import torch

    if (seed is None) == (generator is None):
        raise InputError("noise needs either a secret seed or a generator, and not both")
    if seed is not None:
        normals = standard_normals(dimension, seed)
    else:
        draw = getattr(generator, "standard_normal", None)
        if draw is None:
            raise InputError(f"generator is a numpy.random.Generator, not {type(generator).__name__}")
        normals = numpy.asarray(draw(dimension), dtype=numpy.float64)
    return torch.from_numpy(sigma * normals)
