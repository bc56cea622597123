"""Clip the spectral norm of a layer: lower the singular values above a limit, and certify what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .networks.chain import leaves
from .spectral.dense import NotALinearMap, exact_weights
from .spectral.layers import spectral_norm
from .spectral.modules import FORWARD, NORMALISATIONS, convolution_of, normalisation_factors, shape_after
from .spectral.result import SpectralNorm

_ROUNDS = 30
_MOST_REFINEMENTS = 6


@dataclass(frozen=True)
class Clipped:
    """A layer's spectral norm before and after clipping; ``after.upper`` is proved for the weights as stored."""

    before: SpectralNorm
    after: SpectralNorm
    limit: float

    @property
    def changed(self) -> bool:
        """Whether anything had to be lowered."""
        return self.before.upper.value > self.limit


def clip_spectral_norm(
    layer: nn.Module, limit: float, *, input_shape: Sequence[int] | None = None, normalisation: nn.Module | None = None
) -> Clipped:
    """Lower the spectral norm of a ``Linear`` or a convolution to ``limit`` in place, certified for the stored weights.

    Singular values above the limit are lowered to it, and those below barely move: of a matrix by its decomposition, of a convolution
    frequency by frequency of the circular one, then back to the support of the kernel, again and again. A last scaling brings the
    proved bound to the limit, so ``after.upper`` is at most limit (1 + 1e-6). With ``normalisation``, a batch
    normalisation in evaluation mode behind the layer, it is the composed map that is clipped: the product of the two norms is another number.
    ``input_shape`` is the shape of one input, needed for convolutions.

    Raises ``ValueError`` for a limit that is not positive and finite, ``ArithmeticError``, with the weights as they were, where their type
    cannot store such a norm, and :class:`~certify.bounds.spectral.dense.NotALinearMap` for another layer.

    Theorem: ``norm.cholesky`` (upper scale, rounding).

    >>> layer = nn.Linear(3, 3)
    >>> _ = nn.init.constant_(layer.weight, 1.0)
    >>> clipped = clip_spectral_norm(layer, 1.0)
    >>> clipped.before.lower.value > 2.99, clipped.after.upper.value <= 1.000001
    (True, True)
    """
    _check_limit(limit)
    if not isinstance(layer, (nn.Linear, *FORWARD)):
        raise NotALinearMap(
            f"{type(layer).__name__} cannot be clipped: pass one Linear or Conv layer, and normalisation= for the batch normalisation behind "
            "it; SpectralClipping takes a whole model"
        )
    if isinstance(layer, FORWARD) and input_shape is None:
        raise NotALinearMap(f"{type(layer).__name__} needs input_shape=(channels, *sizes): its norm depends on the input size")
    if not isinstance(layer._parameters.get("weight"), nn.Parameter):
        raise NotALinearMap(f"the weight of {type(layer).__name__} is made by a parametrisation: remove it first")
    if normalisation is not None and not isinstance(normalisation, NORMALISATIONS):
        raise NotALinearMap(f"{type(normalisation).__name__} is not a batch normalisation")
    whole = layer if normalisation is None else nn.Sequential(layer, normalisation)
    before = spectral_norm(whole, input_shape)
    if before.upper.value <= limit:
        return Clipped(before, before, limit)
    weight: Any = layer.weight
    factors = _row_factors(layer, normalisation)
    stored = exact_weights(weight, f"the weight of {type(layer).__name__}")
    folded = stored * factors
    lowered = (
        _clipped_matrix(folded, limit) if isinstance(layer, nn.Linear) else _clipped_kernel(layer, folded, input_shape, limit)
    )
    target = torch.where(factors == 0, stored, lowered / torch.where(factors == 0, 1.0, factors))
    rounded = torch.finfo(weight.dtype).eps
    with torch.no_grad():
        for _ in range(_MOST_REFINEMENTS):
            weight.copy_(target.to(weight.dtype))
            after = spectral_norm(whole, input_shape)
            if after.upper.value <= limit * (1 + 1e-6):
                return Clipped(before, after, limit)
            target = target * (limit / after.upper.value * (1 - rounded))
        weight.copy_(stored)
    raise ArithmeticError(
        f"{weight.dtype} cannot store weights of a norm this near to {limit:g}; they are as they were: clip in float64"
    )


def _check_limit(limit: float) -> None:
    if not 0 < limit < float("inf"):
        raise ValueError(f"a limit for a spectral norm is positive and finite, not {limit}")


def _row_factors(layer: nn.Module, normalisation: nn.Module | None) -> Tensor:
    """What a normalisation multiplies every output channel by, shaped as the weight's rows; one without it."""
    weight: Any = layer.weight
    shape = (-1, *[1] * (weight.ndim - 1))
    if normalisation is None:
        return torch.ones(len(weight), dtype=torch.float64).reshape(shape)
    return normalisation_factors(normalisation)[0].reshape(shape)


def _clipped_matrix(matrix: Tensor, limit: float) -> Tensor:
    left, singular, right = torch.linalg.svd(matrix, full_matrices=False)
    lowered: Tensor = (left * singular.clamp_max(limit)) @ right
    return lowered


def _clipped_kernel(layer: Any, kernel: Tensor, input_shape: Sequence[int] | None, limit: float) -> Tensor:
    """The kernel with the singular values of its circular convolution lowered, within its own support; an estimate that is certified later."""
    assert input_shape is not None
    convolution, _, size, _ = convolution_of(layer, None, tuple(input_shape))
    assert size is not None
    margin = 0 if convolution.mode == "circular" else max(width for pair in convolution.padding for width in pair)
    periods = [-(-(length + margin) // stride) * stride for length, stride in zip(size, convolution.stride, strict=True)]
    periods = [
        max(period, reach)
        for period, reach in zip(periods, _reach(convolution.taps, convolution.dilation, convolution.stride), strict=True)
    ]
    groups, taps = convolution.groups, convolution.taps
    current = kernel
    for _ in range(_ROUNDS):
        symbols, back = _symbols(current, groups, taps, convolution.dilation, convolution.stride, periods)
        left, singular, right = torch.linalg.svd(symbols, full_matrices=False)
        if float(singular.max()) <= limit * (1 + 1e-4):
            break
        current = back((left * singular.clamp_max(limit)[..., None, :]) @ right)
    return current


def _reach(taps: Sequence[int], dilation: Sequence[int], stride: Sequence[int]) -> Iterator[int]:
    for size, step, jump in zip(taps, dilation, stride, strict=True):
        yield -(-(step * (size - 1) + 1) // jump) * jump


def _symbols(
    kernel: Tensor, groups: int, taps: Sequence[int], dilation: Sequence[int], stride: Sequence[int], periods: Sequence[int]
) -> tuple[Tensor, Any]:
    """The symbols [frequencies * groups, outputs, inputs * residues] of the circular convolution, and the way back to a kernel."""
    outputs, inputs = len(kernel) // groups, kernel.shape[1]
    axes = len(taps)
    wide = torch.zeros(groups, outputs, inputs, *periods, dtype=torch.float64)
    places = [torch.arange(size) * step for size, step in zip(taps, dilation, strict=True)]
    index: Any = (slice(None), slice(None), slice(None), *torch.meshgrid(*places, indexing="ij"))
    wide[index] = kernel.reshape(groups, outputs, inputs, *taps)
    counts = [period // jump for period, jump in zip(periods, stride, strict=True)]
    split = wide.reshape(groups, outputs, inputs, *[part for pair in zip(counts, stride, strict=True) for part in pair])
    order = [0, 1, 2, *(4 + 2 * axis for axis in range(axes)), *(3 + 2 * axis for axis in range(axes))]
    phases = split.permute(order).reshape(groups, outputs, -1, *counts)
    spectrum = torch.fft.fftn(phases, dim=tuple(range(3, 3 + axes)))
    columns = phases.shape[2]
    symbols = spectrum.movedim((0, 1, 2), (-3, -2, -1)).reshape(-1, outputs, columns)

    def back(changed: Tensor) -> Tensor:
        restored = changed.reshape(*counts, groups, outputs, columns).movedim((-3, -2, -1), (0, 1, 2))
        real = torch.fft.ifftn(restored, dim=tuple(range(3, 3 + axes))).real
        apart = real.reshape(groups, outputs, inputs, *stride, *counts)
        inverse = [0, 1, 2, *(part for axis in range(axes) for part in (3 + axes + axis, 3 + axis))]
        full = apart.permute(inverse).reshape(groups, outputs, inputs, *periods)
        restricted: Tensor = full[index]
        return restricted.reshape(kernel.shape)

    return symbols, back


class SpectralClipping:
    """A hook for training: after every step of the optimiser the largest singular value of each layer is moved down to ``limit``.

    One warm-started power step a layer gives sigma, u and v; where sigma is above the limit the weight loses (sigma - limit) g/|g|², g the
    gradient of sigma in the weight (u v' for a matrix), by automatic differentiation through the layer. That is a heuristic, as
    in FastClip; :meth:`certify` ends with :func:`clip_spectral_norm`, whose bounds are proved.

    >>> model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    >>> clipping = SpectralClipping(model, 1.0, input_shape=(4,))
    >>> clipping.step()
    >>> max(clipped.after.upper.value for clipped in clipping.certify().values()) <= 1.000001
    True
    """

    def __init__(self, model: nn.Module, limit: float, *, input_shape: Sequence[int]) -> None:
        _check_limit(limit)
        self.limit = limit
        self._layers: dict[str, tuple[Any, tuple[int, ...], nn.Module | None]] = {}
        shape: Any = tuple(input_shape)
        members = leaves(model)
        for number, (name, module) in enumerate(members):
            if isinstance(module, (nn.Linear, *FORWARD)):
                following = members[number + 1][1] if number + 1 < len(members) else None
                self._add(name or "layer", module, shape, following if isinstance(following, NORMALISATIONS) else None)
            shape = shape_after(module, shape)
        if not self._layers:
            raise NotALinearMap("the model has no Linear or Conv layer to clip: write it as a Sequential of layers")
        self._vectors: dict[str, Tensor] = {}

    def _add(self, name: str, layer: Any, shape: tuple[int, ...], normalisation: nn.Module | None) -> None:
        for other, (known, before, behind) in self._layers.items():
            if known.weight is layer.weight:
                alike = known is layer and normalisation is behind and (shape == before or isinstance(layer, nn.Linear))
                if alike:
                    return
                raise NotALinearMap(
                    f"{other} and {name} share a weight and are not one map (another size, or another normalisation behind): clipping one "
                    "undoes the other; give them weights of their own"
                )
        self._layers[name] = (layer, shape, normalisation)

    @torch.no_grad()
    def step(self) -> None:
        """Lower each layer's largest singular value towards the limit, where it is above."""
        for name, (layer, shape, normalisation) in self._layers.items():
            factors = (
                1.0 if normalisation is None else _running_factors(normalisation).reshape(-1, *[1] * (layer.weight.ndim - 1))
            )
            vector = self._vectors.get(name)
            if vector is None:
                vector = torch.ones((1, *shape), dtype=layer.weight.dtype, device=layer.weight.device)
                vector = vector + 0.1 * torch.arange(vector.numel(), dtype=vector.dtype, device=vector.device).sin().reshape(
                    vector.shape
                )
            weight = (layer.weight * factors).detach().requires_grad_()
            with torch.enable_grad():
                signal = (vector / vector.norm()).requires_grad_()
                image = _linear_part(layer, weight, signal)
                sigma = image.norm()
                pulled, slope = torch.autograd.grad(sigma, (signal, weight))
            self._vectors[name] = pulled if float(pulled.norm()) > 0 else signal.detach()
            if float(sigma) > self.limit:
                lowered = weight - (sigma - self.limit) * slope / (slope**2).sum()
                layer.weight.copy_(torch.where(torch.as_tensor(factors == 0), layer.weight, lowered / factors))

    def certify(self) -> dict[str, Clipped]:
        """Clip every layer for good, in place, and return what is proved of each."""
        return {
            name: clip_spectral_norm(layer, self.limit, input_shape=shape, normalisation=normalisation)
            for name, (layer, shape, normalisation) in self._layers.items()
        }


def _running_factors(normalisation: Any) -> Tensor:
    spread = torch.sqrt(normalisation.running_var + normalisation.eps)
    factors: Tensor = 1 / spread if normalisation.weight is None else normalisation.weight / spread
    return factors


def _linear_part(layer: Any, weight: Tensor, signal: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return nn.functional.linear(signal, weight)
    image: Tensor = layer._conv_forward(signal, weight, None)
    return image
