"""Instances of the edges of Hessians: small networks whose whole Hessian torch forms, and quadratics over balls."""

from __future__ import annotations

import numpy
import torch

from .shared import Instance, Values, norm, over, under


def _pieces(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray, list[list[int]]]:
    """The Hessian of a random network, its Gauss-Newton part, and the coordinates of each neuron's block."""
    inputs, neurons, classes, examples = (int(generator.integers(1, 4)) for _ in range(4))
    shapes = [(neurons, inputs + 1), (classes + 1, neurons + 1)]
    sizes = [rows * columns for rows, columns in shapes]
    x = torch.from_numpy(numpy.hstack([generator.normal(size=(examples, inputs)), numpy.ones((examples, 1))]))
    y = torch.from_numpy(generator.integers(0, classes + 1, size=examples))
    theta = torch.from_numpy(generator.normal(size=sum(sizes)) * generator.choice([0.3, 1, 3]))

    def outputs(vector: torch.Tensor) -> torch.Tensor:
        first, second = vector[: sizes[0]].reshape(shapes[0]), vector[sizes[0] :].reshape(shapes[1])
        return torch.tanh(x @ first.T) @ second[:, :-1].T + second[:, -1]

    def loss(vector: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(outputs(vector), y)

    whole = torch.autograd.functional.hessian(loss, theta).numpy()
    jacobian = torch.autograd.functional.jacobian(outputs, theta)
    p = torch.softmax(outputs(theta), 1)
    middle = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    curved = torch.einsum("nki,nkl,nlj->ij", jacobian, middle, jacobian).numpy() / examples
    blocks = [
        [*range(j * (inputs + 1), (j + 1) * (inputs + 1)), *(sizes[0] + row * (neurons + 1) + j for row in range(classes + 1))]
        for j in range(neurons)
    ]
    return whole, curved, blocks


def _edge(generator: numpy.random.Generator, sign: int) -> Values:
    """Both edges by one account: ``sign`` -1 for the least eigenvalue."""
    whole, curved, blocks = _pieces(generator)
    if generator.random() < 0.3:  # an equation: the residual part alone, as if the loss were linear
        whole, curved = whole - curved, 0 * curved
    rest = whole - curved
    edges = [float(numpy.linalg.eigvalsh(sign * rest[numpy.ix_(block, block)])[-1]) for block in blocks]
    most = over(generator, max(0.0, *edges))
    l2 = float(generator.choice([0.0, 0.1]))
    values, vectors = numpy.linalg.eigh(sign * whole)
    u = vectors[:, -1]
    forms = [float(u[block] @ rest[numpy.ix_(block, block)] @ u[block]) for block in blocks]
    squares = [float(u[block] @ u[block]) for block in blocks]
    now = int(generator.integers(len(blocks)))
    common = {
        "v": sign * float(values[-1]) + l2, "g": float(u @ curved @ u), "b": max(0.0, *edges),
        "r": sum(forms[:now]), "r_next": sum(forms[: now + 1]), "r_first": 0.0, "r_last": sum(forms),
        "q": sum(squares[:now]), "q_next": sum(squares[: now + 1]), "q_first": 0.0, "q_last": sum(squares),
    }  # fmt: skip
    if sign < 0:
        return {"descent": most, "l2": under(generator, l2), **common}
    return {
        "ascent": most, "l2": over(generator, l2), "gauss_newton": over(generator, float(numpy.linalg.eigvalsh(curved)[-1])), **common,
    }  # fmt: skip


def lower_edge(generator: numpy.random.Generator) -> Values:
    return _edge(generator, -1)


def upper_edge(generator: numpy.random.Generator) -> Values:
    return _edge(generator, 1)


def stationary_point(generator: numpy.random.Generator) -> Values:
    """A quadratic over a ball about the origin, its minimiser inside."""
    dimension = int(generator.integers(1, 4))
    root = generator.normal(size=(dimension, dimension))
    matrix = root @ root.T + generator.choice([0.1, 1]) * numpy.eye(dimension)
    if generator.random() < 0.4:
        matrix = numpy.eye(dimension) * matrix[0, 0]  # an equation
    values, _ = numpy.linalg.eigh(matrix)
    minimiser = generator.normal(size=dimension)
    ball = norm(minimiser) * generator.uniform(1, 3)
    return {
        "radius": under(generator, ball), "residual": over(generator, norm(matrix @ minimiser)),
        "strong_convexity": under(generator, float(values[0])), "m": ball - norm(minimiser), "e": norm(minimiser), "ball": ball,
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "hessian.lower-edge": lower_edge,
    "hessian.upper-edge": upper_edge,
    "hessian.stationary-point": stationary_point,
}
COUNT = {"hessian.lower-edge": 60, "hessian.upper-edge": 60}
TIGHT = {
    "hessian.lower-edge": 0.99,
    "hessian.upper-edge": 0.99,
    "hessian.stationary-point": 0.99,
}
