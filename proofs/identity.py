"""Identities of matrices as data: sums of words in the free algebra, given relations, and how the identity follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Word = tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """A sum of words with rational coefficients; a word is a product of named matrices, the empty word is the unit matrix.

    >>> A, B = matrices("A B")
    >>> str((1 + A * B) * A - A * (1 + B * A))
    '0'
    """

    terms: tuple[tuple[Word, Fraction], ...]

    def __add__(self, other: Words | int | Fraction) -> Words:
        return collected([*self.terms, *words(other).terms])

    def __radd__(self, other: Words | int | Fraction) -> Words:
        return self + other

    def __neg__(self) -> Words:
        return Words(tuple((word, -coefficient) for word, coefficient in self.terms))

    def __sub__(self, other: Words | int | Fraction) -> Words:
        return self + (-words(other))

    def __rsub__(self, other: Words | int | Fraction) -> Words:
        return -self + other

    def __mul__(self, other: Words | int | Fraction) -> Words:
        return collected((a + b, x * y) for a, x in self.terms for b, y in words(other).terms)

    def __rmul__(self, other: int | Fraction) -> Words:
        return words(other) * self

    def __str__(self) -> str:
        return spelled(self, " ", "{}") or "0"

    def data(self) -> list[Any]:
        """The form stored in the book."""
        return [[str(coefficient), list(word)] for word, coefficient in self.terms]


def collected(terms: Iterable[tuple[Word, Fraction]]) -> Words:
    """Equal words added up, zero coefficients left out, long words first."""
    total: dict[Word, Fraction] = {}
    for word, coefficient in terms:
        total[word] = total.get(word, Fraction(0)) + coefficient
    kept = ((word, number) for word, number in total.items() if number)
    return Words(tuple(sorted(kept, key=lambda term: (-len(term[0]), term[0]))))


def words(value: Words | int | Fraction) -> Words:
    """The sum itself, or a multiple of the unit matrix."""
    return value if isinstance(value, Words) else collected([((), Fraction(value))])


def matrices(names: str) -> tuple[Words, ...]:
    """One matrix for each blank-separated name."""
    return tuple(Words((((name,), Fraction(1)),)) for name in names.split())


def spelled(total: Words, times: str, name: str) -> str:
    """The sum in print: factors joined by ``times``, each name put into the template ``name``."""
    text = ""
    for word, coefficient in total.terms:
        factors = times.join(name.format(factor) for factor in word) or "1"
        size = "" if abs(coefficient) == 1 else f"{abs(coefficient)}{times}"
        text += f"{' - ' if coefficient < 0 else ' + '}{size}{factors}"
    return text[3:] if text.startswith(" + ") else text.replace(" - ", "-", 1)


@dataclass(frozen=True)
class Matrix:
    """A named matrix; two sizes are equal if they have the same name."""

    name: str
    rows: str
    columns: str
    meaning: str


@dataclass(frozen=True)
class MatrixRelation:
    """``zero`` is the zero matrix, by assumption; ``words`` say so."""

    name: str
    zero: Words
    words: str


@dataclass(frozen=True)
class MatrixTerm:
    """``coefficient * left * relation * right``."""

    coefficient: Fraction | int
    left: Word
    relation: str
    right: Word


@dataclass(frozen=True)
class Identity:
    """``goal`` is the zero matrix whenever the relations hold, because it is the sum of the terms of ``certificate``.

    ``sizes`` and ``witness`` give small rational matrices at which the relations hold. ``false_sibling`` is another goal, which must be refused.
    """

    id: str
    statement: str
    matrices: tuple[Matrix, ...]
    relations: tuple[MatrixRelation, ...]
    goal: Words
    certificate: tuple[MatrixTerm, ...]
    sizes: Mapping[str, int]
    witness: Mapping[str, tuple[tuple[Fraction | int, ...], ...]]
    source: str
    false_sibling: Words

    def data(self) -> dict[str, Any]:
        """The entry of the book, without its digest."""
        return {
            "kind": "identity",
            "statement": self.statement,
            "matrices": [[row.name, row.rows, row.columns, row.meaning] for row in self.matrices],
            "relations": [[row.name, row.zero.data(), row.words] for row in self.relations],
            "goal": self.goal.data(),
            "rests_on": [],
            "source": self.source,
            "proof": {
                "certificate": [
                    [str(Fraction(row.coefficient)), list(row.left), row.relation, list(row.right)] for row in self.certificate
                ],
                "witness": {
                    "sizes": {name: str(size) for name, size in self.sizes.items()},
                    "matrices": {name: [[str(Fraction(x)) for x in row] for row in rows] for name, rows in self.witness.items()},
                },
            },
        }
