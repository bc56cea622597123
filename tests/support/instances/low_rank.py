"""Instances of low-rank edits: random matrices and factors, their singular values and projectors, and decoders."""

from __future__ import annotations

import numpy

from .shared import Instance, Values, norm, over, under


def _factors(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    rows, columns, rank = (int(generator.integers(low, 6)) for low in (2, 2, 1))
    rank = min(rank, rows, columns)
    return generator.normal(size=(rows, rank)), generator.normal(size=(rank, columns))


def _projector(matrix: numpy.ndarray) -> numpy.ndarray:
    basis = numpy.linalg.qr(matrix)[0]
    return basis @ basis.T


def weyl(generator: numpy.random.Generator) -> Values:
    """The singular value that moves most, and the vector between the two matrices."""
    left, right = _factors(generator)
    s = float(generator.choice([-1, 1]) * 10 ** generator.uniform(-1, 1))
    edit = s * left @ right
    matrix = generator.normal(size=edit.shape) * 10 ** generator.uniform(-1, 1)
    if generator.random() < 0.3:
        matrix = edit * generator.uniform(0.5, 3)  # an equation
    before, after = (numpy.linalg.svd(m, compute_uv=False) for m in (matrix, matrix + edit))
    k = int(numpy.abs(before - after).argmax())
    greater, other = (matrix, matrix + edit) if before[k] >= after[k] else (matrix + edit, matrix)
    subspace = numpy.linalg.svd(greater)[2][: k + 1].T
    x = subspace @ numpy.linalg.svd(other @ subspace)[2][-1]
    most = float(numpy.linalg.norm(left @ right, 2))
    return {
        "scale": over(generator, abs(s)), "product": over(generator, most), "a": abs(s), "n": most,
        "t": float(abs(before[k] - after[k])), "v": float(max(before[k], after[k])), "w": float(min(before[k], after[k])),
        "y": norm(greater @ x), "z": norm(other @ x), "q": norm(edit @ x),
    }  # fmt: skip


def leak(generator: numpy.random.Generator) -> Values:
    left, _ = _factors(generator)
    u, singular, _ = numpy.linalg.svd(left, full_matrices=False)
    target = generator.normal(size=(len(left), int(generator.integers(1, 4))))
    if generator.random() < 0.4:
        target = u[:, -1:] * generator.normal()  # an equation
    image = norm(left.T @ target)
    gap = float(singular[-1])
    return {
        "image": over(generator, image), "gap": under(generator, gap), "i": image, "g": gap, "p": norm(_projector(left) @ target),
    }  # fmt: skip


def invisible(generator: numpy.random.Generator) -> Values:
    """A gradient, and a direction near its invisible block or any."""
    left, right = _factors(generator)
    rows, columns = len(left), right.shape[1]
    p, q = _projector(left), _projector(right.T)
    gradient = generator.normal(size=(rows, columns)) * 10 ** generator.uniform(-2, 2)
    block = (numpy.eye(rows) - p) @ gradient @ (numpy.eye(columns) - q)
    direction = block / max(norm(block), 1e-300) + generator.choice([0, 1e-6, 0.1]) * generator.normal(size=block.shape)
    direction /= max(1.0, norm(direction))
    product = float((direction * gradient).sum())
    if product < 0:
        direction, product = -direction, -product
    return {
        "product": under(generator, product), "left": over(generator, norm(p @ direction)), "right": over(generator, norm(direction @ q)),
        "gradient": over(generator, norm(gradient)), "x": norm(block), "d": float((direction * block).sum()), "p": norm(p @ direction),
        "m": norm(direction @ q), "g": norm(gradient), "h": norm(gradient - p @ gradient),
    }  # fmt: skip


def decoder(generator: numpy.random.Generator) -> Values:
    """A decoder that sees the gradients of the factors alone: the least-squares one, or a random linear map of them."""
    left, right = _factors(generator)
    p, q = _projector(left), _projector(right.T)
    gradient = generator.normal(size=(len(left), right.shape[1]))
    block = gradient - p @ gradient - gradient @ q + p @ gradient @ q
    twin = gradient - 2 * block
    assert numpy.allclose(left.T @ gradient, left.T @ twin) and numpy.allclose(gradient @ right.T, twin @ right.T)
    seen = numpy.concatenate([(left.T @ gradient).ravel(), (gradient @ right.T).ravel()])
    decoded = (generator.normal(size=(gradient.size, seen.size)) @ seen).reshape(gradient.shape)
    if generator.random() < 0.5:
        decoded = gradient - block
    errors = norm(decoded - gradient), norm(decoded - twin)
    return {"invisible": under(generator, norm(block)), "t": max(errors), "e": errors[0], "f": errors[1], "x": norm(block)}


INSTANCES: dict[str, Instance] = {
    "low-rank.weyl": weyl,
    "low-rank.leak": leak,
    "low-rank.invisible": invisible,
    "low-rank.decoder": decoder,
}
TIGHT = {
    "low-rank.weyl": 0.999,
    "low-rank.leak": 0.999,
    "low-rank.invisible": 0.999,
    "low-rank.decoder": 0.999,
}
