"""Instances of the theorems on linear equations: definite matrices with prescribed spectra, solved by a few steps of conjugate gradients."""

from __future__ import annotations

import numpy

from .shared import Instance, Values, norm, over, under

_UNIT = 2.0**-24  # single precision


def definite(generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    """A positive definite matrix and its eigenvalues, the smallest first; the eigenvectors are random."""
    size = int(generator.integers(1, 9))
    values = numpy.sort(10 ** generator.uniform(-2, 1, size=size))
    basis, _ = numpy.linalg.qr(generator.normal(size=(size, size)))
    return (basis * values) @ basis.T, values


def conjugate_gradients(matrix: numpy.ndarray, target: numpy.ndarray, steps: int) -> numpy.ndarray:
    x = numpy.zeros_like(target)
    residual = target.copy()
    direction = residual.copy()
    for _ in range(steps):
        image = matrix @ direction
        length = residual @ residual / (direction @ image)
        x, after = x + length * direction, residual - length * image
        direction = after + (after @ after) / (residual @ residual) * direction
        residual = after
    return x


class Solve:
    """A x = v, u a functional; x and y are computed by few steps, or are off along the flattest direction only (the worst case)."""

    def __init__(self, generator: numpy.random.Generator) -> None:
        self.matrix, values = definite(generator)
        self.size, self.smallest = len(values), values[0]
        self.target, self.functional = generator.normal(size=(2, self.size))
        self.solution, self.dual = (numpy.linalg.solve(self.matrix, side) for side in (self.target, self.functional))
        if generator.random() < 0.5:
            flat = numpy.linalg.eigh(self.matrix)[1][:, 0]
            self.functional = flat * generator.normal()
            self.dual = self.functional / self.smallest
            self.x, self.y = self.solution + 10 ** generator.uniform(-3, 0) * flat, self.dual * generator.random()
        else:
            steps = int(generator.integers(0, self.size)) if self.size > 1 else 0
            self.x, self.y = (conjugate_gradients(self.matrix, side, steps) for side in (self.target, self.functional))
        self.residual, self.dual_residual = self.target - self.matrix @ self.x, self.functional - self.matrix @ self.y
        self.error = norm(self.x - self.solution)


def error(generator: numpy.random.Generator) -> Values:
    solve = Solve(generator)
    return {
        "residual": over(generator, norm(solve.residual)), "definiteness": under(generator, solve.smallest), "e": solve.error,
    }  # fmt: skip


def energy_error(generator: numpy.random.Generator) -> Values:
    solve = Solve(generator)
    off = solve.x - solve.solution
    return {
        "residual": over(generator, norm(solve.residual)), "definiteness": under(generator, solve.smallest), "e": solve.error,
        "g": norm(solve.residual), "h": float(numpy.sqrt(off @ solve.matrix @ off)),
    }  # fmt: skip


def functional(generator: numpy.random.Generator) -> Values:
    solve = Solve(generator)
    return {
        "functional": over(generator, norm(solve.functional)), "residual": over(generator, norm(solve.residual)),
        "definiteness": under(generator, solve.smallest), "e": solve.error, "w": norm(solve.functional),
        "d": abs(float(solve.functional @ (solve.solution - solve.x))),
    }  # fmt: skip


def dual_corrected(generator: numpy.random.Generator) -> Values:
    solve = Solve(generator)
    truth, plain = solve.functional @ solve.solution, solve.functional @ solve.x
    return {
        "dual_residual": over(generator, norm(solve.dual_residual)), "residual": over(generator, norm(solve.residual)),
        "definiteness": under(generator, solve.smallest), "e": solve.error, "s": norm(solve.dual_residual),
        "d": abs(float(truth - plain - solve.y @ solve.residual)),
    }  # fmt: skip


def approximate_inverse(generator: numpy.random.Generator) -> Values:
    """Any square matrix; M is its inverse with an error, of rank one along the error itself in half of the draws."""
    size = int(generator.integers(1, 7))
    matrix = generator.normal(size=(size, size)) + 2 * numpy.eye(size)
    inverse = numpy.linalg.inv(matrix)
    target, defect = generator.normal(size=size), generator.normal(size=(size, size))
    if generator.random() < 0.5:
        defect = numpy.outer(inverse @ target, inverse @ target)
    defect *= generator.random() / numpy.linalg.norm(defect, 2)  # I - M A
    approximation = (numpy.eye(size) - defect) @ inverse
    first, truth = approximation @ target, inverse @ target
    second = approximation @ (target - matrix @ first)
    size_of_defect = float(numpy.linalg.norm(defect, 2))
    return {
        "correction": over(generator, norm(second)), "defect": min(over(generator, size_of_defect), (1 + size_of_defect) / 2),
        "e": norm(truth - first), "z": norm(defect @ (truth - first)), "q": norm(second),
    }  # fmt: skip


def rounded_residual(generator: numpy.random.Generator) -> Values:
    """Residuals in single precision, measured in double precision; x solves the equation to single precision or to two digits."""
    size = int(generator.integers(1, 40))
    root = generator.normal(size=(size, size)).astype(numpy.float32)
    matrix = (root @ root.T / size + numpy.eye(size, dtype=numpy.float32)).astype(numpy.float64)
    matrix = ((matrix + matrix.T) / 2).astype(numpy.float32)
    target = generator.normal(size=size).astype(numpy.float32)
    wide = matrix.astype(float)
    truth = numpy.linalg.solve(wide, target.astype(float))
    x = (truth * (1 + generator.choice([0, 1e-2]) * generator.normal(size=size))).astype(numpy.float32)
    product = numpy.zeros(size, dtype=numpy.float32)
    for column in range(size):
        product = product + matrix[:, column] * x[column]
    computed = (target - product).astype(float)
    exact = target.astype(float) - wide @ x.astype(float)
    return {
        "computed_residual": over(generator, norm(computed)), "unit_roundoff": _UNIT, "product_rounding": size * _UNIT / (1 - size * _UNIT),
        "frobenius": over(generator, norm(wide)), "solution": over(generator, norm(x.astype(float))), "underflow": size**2 * 2.0**-150,
        "definiteness": under(generator, float(numpy.linalg.eigvalsh(wide)[0])), "e": norm(x.astype(float) - truth), "g": norm(exact),
        "q": norm(target.astype(float) - product.astype(float)), "p": norm(product.astype(float) - wide @ x.astype(float)),
    }  # fmt: skip


def rounded_functional(generator: numpy.random.Generator) -> Values:
    """The residual and the sum are rounded to few digits, in the worst direction in half of the draws."""
    solve = Solve(generator)
    digits = 10 ** generator.uniform(-8, 0)
    direction = solve.y if generator.random() < 0.5 else generator.normal(size=solve.size)
    rounded = solve.residual + digits * direction / max(norm(direction), 1e-30)
    truth, exact = float(solve.functional @ solve.solution), float(solve.functional @ solve.x + solve.y @ solve.residual)
    total = float(solve.functional @ solve.x + solve.y @ rounded)
    computed = total + digits * generator.normal()
    return {
        "dual_residual": over(generator, norm(solve.dual_residual)), "residual": over(generator, norm(solve.residual)),
        "dual_solution": over(generator, norm(solve.y)), "residual_rounding": over(generator, norm(rounded - solve.residual)),
        "value_rounding": over(generator, abs(computed - total)), "definiteness": under(generator, solve.smallest),
        "d": abs(truth - computed), "h": abs(truth - exact), "p": abs(float(solve.y @ (rounded - solve.residual))),
        "q": norm(rounded - solve.residual), "y": norm(solve.y), "z": abs(computed - total),
    }  # fmt: skip


def radau(generator: numpy.random.Generator) -> Values:
    """h is exact, short, or a few steps of conjugate gradients; r is turned round where its product with s would be negative."""
    solve = Solve(generator)
    s, r = solve.dual_residual, solve.residual
    r = r if s @ numpy.linalg.solve(solve.matrix, r) >= 0 else -r
    weight = float(10 ** generator.uniform(-1, 1))
    plus, minus = s + weight * r, s - weight * r
    exact = numpy.linalg.solve(solve.matrix, minus)
    h = (
        (exact, generator.random() * exact, conjugate_gradients(solve.matrix, minus, 1))[generator.integers(3)]
        if norm(minus)
        else minus
    )
    return {
        "residual_sum": over(generator, norm(plus)), "gain": max(0.0, under(generator, max(0.0, float(2 * h @ minus - h @ solve.matrix @ h)))),
        "weight": weight, "definiteness": under(generator, solve.smallest), "e": float(plus @ numpy.linalg.solve(solve.matrix, plus)) ** 0.5,
        "b": float(minus @ exact), "g": norm(plus), "q": float(s @ numpy.linalg.solve(solve.matrix, r)),
    }  # fmt: skip


INSTANCES: dict[str, Instance] = {
    "solve.error": error,
    "solve.energy-error": energy_error,
    "solve.functional": functional,
    "solve.dual-corrected": dual_corrected,
    "solve.approximate-inverse": approximate_inverse,
    "solve.rounded-residual": rounded_residual,
    "solve.rounded-functional": rounded_functional,
    "solve.radau": radau,
}
TIGHT = {
    "solve.error": 1,
    "solve.energy-error": 1,
    "solve.functional": 1,
    "solve.dual-corrected": 0.999,
    "solve.approximate-inverse": 0.99,
    "solve.rounded-residual": 0.5,
    "solve.rounded-functional": 0.99,
    "solve.radau": 0.99,
}
