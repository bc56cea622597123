"""The identities of matrices hold for random matrices of random sizes, and what is wrong about them is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy
import pytest
from books import verdicts

from certify.proofs.identity import Identity, Words
from certify.proofs.theorems import deletion, linear_algebra

Matrices = dict[str, numpy.ndarray]
BY_ID = {identity.id: identity for identity in (*linear_algebra.IDENTITIES, *deletion.IDENTITIES)}
NAMES = tuple(BY_ID)
SIZES = {"n", "m", "d"}


def value(total: Words, found: Matrices, shape: tuple[int, int]) -> numpy.ndarray:
    """The sum of words at these matrices."""
    result = numpy.zeros(shape)
    for word, coefficient in total.terms:
        product = numpy.eye(shape[0])
        for factor in word:
            product = product @ found[factor]
        result = result + float(coefficient) * product
    return result


def shape_of(total: Words, found: Matrices) -> tuple[int, int]:
    word = total.terms[0][0]  # the longest
    return found[word[0]].shape[0], found[word[-1]].shape[1]


def size(total: Words, found: Matrices) -> float:
    return float(numpy.abs(value(total, found, shape_of(total, found))).max())


class Draw:
    """Random matrices for the letters of one identity: free ones by their declared sizes, the others computed from them."""

    def __init__(self, identity: Identity, generator: numpy.random.Generator) -> None:
        sizes = {name: int(generator.integers(1, 6)) for name in SIZES} | {"one": 1}
        self.shapes = {row.name: (sizes[row.rows], sizes[row.columns]) for row in identity.matrices}
        self.generator = generator
        self.found: Matrices = {}

    def free(self, names: str) -> list[numpy.ndarray]:
        for name in names.split():
            square = self.shapes[name][0] == self.shapes[name][1]
            self.found[name] = self.generator.normal(size=self.shapes[name]) + 4 * square * numpy.eye(*self.shapes[name])
        return [self.found[name] for name in names.split()]

    def unit(self, name: str) -> numpy.ndarray:
        return numpy.eye(self.shapes[name][0])


def inverse(matrix: numpy.ndarray) -> numpy.ndarray:
    return numpy.linalg.inv(matrix)


def push_through(draw: Draw) -> Matrices:
    a, b = draw.free("A B")
    return {"P": inverse(draw.unit("P") + b @ a), "Q": inverse(draw.unit("Q") + a @ b)}


def gram(draw: Draw) -> Matrices:
    (x,) = draw.free("X")
    l2 = draw.generator.random() + 0.1
    wide, tall = l2 * draw.unit("L"), l2 * draw.unit("M")
    return {"Y": x.T, "L": wide, "M": tall, "P": inverse(x.T @ x + wide), "Q": inverse(x @ x.T + tall)}


def woodbury(draw: Draw) -> Matrices:
    a, u, v, c = draw.free("A U V C")
    return {"B": inverse(a), "D": inverse(c), "K": inverse(inverse(c) + v @ inverse(a) @ u)}


def sherman_morrison(draw: Draw) -> Matrices:
    a, u, v = draw.free("A u v")
    return {"B": inverse(a), "k": 1 / (1 + v @ inverse(a) @ u)}


def downdate(draw: Draw) -> Matrices:
    a, u = draw.free("A U")
    return {"B": inverse(a), "V": u.T, "K": inverse(draw.unit("K") - u.T @ inverse(a) @ u)}


def exact_deletion(draw: Draw) -> Matrices:
    w, _ = draw.free("w y")
    found = downdate(draw)
    return {**found, "b": draw.found["A"] @ w}


def computed_deletion(draw: Draw) -> Matrices:
    a, u, v, b, y, w, g, z = draw.free("A U V b y w G z")
    return {"r": a @ w - b, "R": a @ g - u, "s": z - v @ g @ z - (v @ w - y)}


def schur_complement(draw: Draw) -> Matrices:
    a, b, c, d, x, y = draw.free("A B C D x y")
    return {"E": inverse(a), "f": a @ x + b @ y, "g": c @ x + d @ y}


def residual(draw: Draw) -> Matrices:
    a, x, z = draw.free("A x z")
    return {"B": inverse(a), "v": a @ x, "r": a @ x - a @ z}


def dual_correction(draw: Draw) -> Matrices:
    u, y = draw.free("u y")
    found = residual(draw)
    return {**found, "s": u - y @ draw.found["A"]}


def resolvent(draw: Draw) -> Matrices:
    a, b = draw.free("A B")
    return {"P": inverse(a), "Q": inverse(b)}


def polarisation(draw: Draw) -> Matrices:
    b, s, r = draw.free("B S r")
    draw.found["B"] = b + b.T
    return {"s": s.T, "R": r.T}


def energy(draw: Draw) -> Matrices:
    a, m, h = draw.free("A m h")
    return {"B": inverse(a), "M": m.T, "H": h.T}


MAKERS: dict[str, Callable[[Draw], Matrices]] = {
    "matrix.push-through": push_through,
    "matrix.gram": gram,
    "matrix.woodbury": woodbury,
    "matrix.sherman-morrison": sherman_morrison,
    "matrix.downdate": downdate,
    "matrix.exact-deletion": exact_deletion,
    "matrix.computed-deletion": computed_deletion,
    "matrix.schur-complement": schur_complement,
    "matrix.residual": residual,
    "matrix.dual-correction": dual_correction,
    "matrix.resolvent": resolvent,
    "matrix.polarisation": polarisation,
    "matrix.energy": energy,
}


def draws(name: str, count: int = 25) -> list[Matrices]:
    generator = numpy.random.default_rng(len(name))
    found = []
    for _ in range(count):
        draw = Draw(BY_ID[name], generator)
        computed = MAKERS[name](draw)
        found.append({**draw.found, **computed})
        assert {letter: matrix.shape for letter, matrix in found[-1].items()} == draw.shapes
    return found


def test_every_identity_has_random_matrices() -> None:
    assert set(MAKERS) == set(BY_ID)


@pytest.mark.parametrize("name", NAMES)
def test_the_identity_holds_for_random_matrices(name: str) -> None:
    identity = BY_ID[name]
    for found in draws(name):
        scale = max(1.0, *(float(numpy.abs(matrix).max()) for matrix in found.values())) ** 4
        for relation in identity.relations:
            assert size(relation.zero, found) < 1e-9 * scale, relation.name
        assert size(identity.goal, found) < 1e-8 * scale


@pytest.mark.parametrize("name", NAMES)
def test_the_false_sibling_is_false(name: str) -> None:
    assert max(size(BY_ID[name].false_sibling, found) for found in draws(name)) > 0.1


def refused(name: str, **changes: Any) -> str:
    """Why the checker refuses the identity with these fields of its entry, or of its proof, changed."""
    entry = copy.deepcopy(BY_ID[name].data())
    for field, data in changes.items():
        (entry["proof"] if field in entry["proof"] else entry)[field] = data
    verdict, why = verdicts({name: entry})[name]
    assert verdict == "failed"
    return why


@pytest.mark.parametrize("name", NAMES)
def test_the_false_sibling_is_refused(name: str) -> None:
    assert verdicts({name: BY_ID[name].data()})[name] == ("proved", "")
    assert "does not balance" in refused(name, goal=BY_ID[name].false_sibling.data())


@pytest.mark.parametrize("name", NAMES)
def test_every_relation_and_every_term_is_needed(name: str) -> None:
    identity = BY_ID[name]
    certificate = identity.data()["proof"]["certificate"]
    for index in range(len(identity.relations)):
        relations = [relation for position, relation in enumerate(identity.data()["relations"]) if position != index]
        assert "[coefficient, left, relation, right]" in refused(name, relations=relations)
    for index, term in enumerate(certificate):
        assert "does not balance" in refused(name, certificate=certificate[:index] + certificate[index + 1 :])
        doubled = ["2", *term[1:]]
        assert "does not balance" in refused(name, certificate=[*certificate[:index], doubled, *certificate[index + 1 :]])


@pytest.mark.parametrize("name", [name for name in NAMES if name != "matrix.resolvent"])
def test_a_word_whose_sizes_do_not_fit_is_refused(name: str) -> None:
    """A word of the goal read backwards: V A is no product where A V was one."""
    shapes = {row.name: (row.rows, row.columns) for row in BY_ID[name].matrices}
    goal = BY_ID[name].goal.data()
    for row in goal:
        row[1].reverse()
        if any(shapes[left][1] != shapes[right][0] for left, right in pairwise(row[1])):
            break
        row[1].reverse()
    assert "sizes in a word do not fit" in refused(name, goal=goal)


# ---------------------------------------------------------------- what the identities are for


def test_sherman_morrison_is_the_formula_of_woodbury_at_rank_one() -> None:
    for found in draws("matrix.sherman-morrison"):
        capacity = 1 + found["v"] @ found["B"] @ found["u"]
        by_woodbury = found["B"] - found["B"] @ found["u"] @ inverse(capacity) @ found["v"] @ found["B"]
        assert numpy.allclose(by_woodbury, inverse(found["A"] + found["u"] @ found["v"]))


def test_rows_leave_a_ridge_regression_exactly() -> None:
    """The formula of the deletion against a fit of what is left."""
    generator = numpy.random.default_rng(5)
    for _ in range(20):
        features, labels = generator.normal(size=(12, 4)), generator.normal(size=12)
        deleted, l2 = int(generator.integers(1, 9)), 10 ** generator.uniform(-2, 0)
        whole = features.T @ features + l2 * numpy.eye(4)
        rows, gone = features[:deleted], labels[:deleted]
        w = numpy.linalg.solve(whole, features.T @ labels)
        inner = numpy.eye(deleted) - rows @ numpy.linalg.solve(whole, rows.T)
        updated = w + numpy.linalg.solve(whole, rows.T @ numpy.linalg.solve(inner, rows @ w - gone))
        kept = features[deleted:]
        refit = numpy.linalg.solve(kept.T @ kept + l2 * numpy.eye(4), kept.T @ labels[deleted:])
        assert numpy.allclose(updated, refit)


def test_the_ridge_solution_by_features_or_by_rows() -> None:
    for found in draws("matrix.gram"):
        y = numpy.arange(found["X"].shape[0], dtype=float)
        assert numpy.allclose(found["P"] @ found["X"].T @ y, found["X"].T @ found["Q"] @ y)
