"""The Hessian and the gradient of the cross-entropy of a network with one hidden layer, in 60 digits, from the definition."""

from __future__ import annotations

from typing import Any

import mpmath
from mpmath import mp, mpf
from torch import Tensor, nn

DIGITS = 60


def derivatives(module: Any) -> tuple[Any, Any, Any]:
    """The activation and its first two derivatives."""
    beta = mpf(getattr(module, "beta", 1))

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + mp.exp(-x)) if x >= 0 else mp.exp(x) / (1 + mp.exp(x))

    def bell(x: Any) -> Any:
        return sigmoid(x) * sigmoid(-x)

    def tilt(x: Any) -> Any:
        return bell(x) * (1 - 2 * sigmoid(x))

    def density(x: Any) -> Any:
        return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)

    def cumulative(x: Any) -> Any:
        return mp.erfc(-x / mp.sqrt(2)) / 2

    found: dict[type[nn.Module], tuple[Any, Any, Any]] = {
        nn.Tanh: (mp.tanh, lambda x: mp.sech(x) ** 2, lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2),
        nn.Sigmoid: (sigmoid, bell, tilt),
        nn.Softplus: (
            lambda x: (mp.log1p(mp.exp(-abs(beta * x))) + max(beta * x, 0)) / beta,
            lambda x: sigmoid(beta * x),
            lambda x: beta * bell(beta * x),
        ),
        nn.GELU: (lambda x: x * cumulative(x), lambda x: cumulative(x) + x * density(x), lambda x: (2 - x * x) * density(x)),
        nn.SiLU: (lambda x: x * sigmoid(x), lambda x: sigmoid(x) + x * bell(x), lambda x: 2 * bell(x) + x * tilt(x)),
    }
    return found[type(module)]


def truth(model: nn.Sequential, inputs: Tensor, targets: Tensor, shift: Any = None) -> tuple[Any, Any]:
    """The Hessian and the gradient of the mean cross-entropy in the parameters that there are, at those stored plus ``shift`` (a column).

    The order is that of the model's parameters. Call within ``mpmath.workdps(DIGITS)``.
    """
    function, slope, curvature = derivatives(model[1])
    held = [mpf(value) for parameter in model.parameters() for value in parameter.detach().double().flatten().tolist()]
    values = held if shift is None else [value + shift[place] for place, value in enumerate(held)]
    (weight, bias, outer, shifts), places = _parts(model, values)
    neurons, width, classes, size = len(weight), len(weight[0]), len(outer), len(values)
    hessian, gradient = mp.zeros(size, size), mp.zeros(size, 1)
    for row, target in zip(inputs.double().tolist(), targets.tolist(), strict=True):
        x = [mpf(value) for value in row]
        z = [sum(w * v for w, v in zip(weight[j], x, strict=True)) + bias[j] for j in range(neurons)]
        outputs = [sum(outer[k][j] * function(z[j]) for j in range(neurons)) + shifts[k] for k in range(classes)]
        powers = [mp.exp(value - max(outputs)) for value in outputs]
        p = [value / sum(powers) for value in powers]
        r = [p[k] - (k == target) for k in range(classes)]
        jacobian = mp.zeros(classes, size)
        second = [(places["weight"](j, i), j, x[i]) for j in range(neurons) for i in range(width)]
        second += [(places["bias"](j), j, mpf(1)) for j in range(neurons) if model[0].bias is not None]
        for k in range(classes):
            for place, j, value in second:
                jacobian[k, place] = outer[k][j] * slope(z[j]) * value
            for j in range(neurons):
                jacobian[k, places["outer"](k, j)] = function(z[j])
            if model[2].bias is not None:
                jacobian[k, places["shift"](k)] = 1
        covariance = mp.matrix([[(p[k] if k == m else 0) - p[k] * p[m] for m in range(classes)] for k in range(classes)])
        hessian += jacobian.T * (covariance * jacobian)
        gradient += jacobian.T * mp.matrix(r)
        for place, j, value in second:
            pulled = sum(outer[k][j] * r[k] for k in range(classes)) * curvature(z[j])
            for other, neuron, factor in second:
                hessian[place, other] += pulled * value * factor if neuron == j else 0
            for k in range(classes):
                mixed = r[k] * slope(z[j]) * value
                hessian[place, places["outer"](k, j)] += mixed
                hessian[places["outer"](k, j), place] += mixed
    return hessian / len(inputs), gradient / len(inputs)


def extremes(hessian: Any) -> tuple[Any, Any, Any]:
    """The least and the greatest eigenvalue, and what they may be off."""
    largest = max(abs(value) for value in hessian)
    if largest == 0:
        return mpf(0), mpf(0), mpf(0)
    values = mpmath.eigsy(hessian / largest, eigvals_only=True)
    return min(values) * largest, max(values) * largest, largest * mpf(10) ** (8 - DIGITS)


def _parts(model: nn.Sequential, values: list[Any]) -> tuple[tuple[Any, Any, Any, Any], dict[str, Any]]:
    first, second = model[0], model[2]
    (neurons, width), classes = first.weight.shape, len(second.weight)  # type: ignore[misc, arg-type]
    start = neurons * width
    middle = start + (0 if first.bias is None else neurons)
    end = middle + classes * neurons
    weight = [values[j * width : (j + 1) * width] for j in range(neurons)]
    outer = [values[middle + k * neurons : middle + (k + 1) * neurons] for k in range(classes)]
    bias = values[start:middle] or [mpf(0)] * neurons
    shifts = values[end:] or [mpf(0)] * classes
    places = {
        "weight": lambda j, i: j * width + i, "bias": lambda j: start + j,
        "outer": lambda k, j: middle + k * neurons + j, "shift": lambda k: end + k,
    }  # fmt: skip
    return (weight, bias, outer, shifts), places
