"""What the curvature operators of a model share: an engine, the probes, and sub-blocks that cost only their own part."""

from __future__ import annotations

from typing import NoReturn

from torch import Tensor

from ..engines.data import Unit
from ..engines.parameters import Patterns
from ..engines.probes import Probes
from ..engines.problem import Problem
from ..engines.streamed import Engine
from .operator import Claim, Operator, unclaimed

Indices = tuple[int, ...]


class Curvature(Operator):
    """A block [rows, columns] of a curvature matrix. ``probes`` holds what was measured at construction."""

    def __init__(
        self,
        engine: Engine,
        probes: Probes,
        *,
        symmetric: Claim,
        positive_semidefinite: Claim,
        unit: Unit,
        rows: Indices | None = None,
        columns: Indices | None = None,
    ) -> None:
        problem = engine.problem
        everything = tuple(range(len(problem.layout.names)))
        self._engine, self.probes, self.kind = engine, probes, type(self).__name__
        self._row_indices = everything if rows is None else rows
        self._column_indices = everything if columns is None else columns
        super().__init__(
            problem.layout.part(self._row_indices), problem.layout.part(self._column_indices),
            dtype=problem.dtype, device=problem.device, symmetric=symmetric, positive_semidefinite=positive_semidefinite,
            unit=unit, accuracy=probes.accuracy,
        )  # fmt: skip

    @property
    def retained(self) -> bool:
        """Whether graphs are kept between products."""
        return self._engine.retain

    @property
    def problem(self) -> Problem:
        """The model, the loss and the data."""
        return self._engine.problem

    @property
    def of_squares(self) -> bool:
        """Whether this is a mean of squares of gradients, which counts the weights of the data twice."""
        return bool(getattr(self._engine.builder, "squares", False))

    @property
    def seed(self) -> int | None:
        """The seed of drawn targets, if there are any."""
        seed: int | None = getattr(self._engine.builder, "seed", None)
        return seed

    @property
    def data_count(self) -> int:
        """The number of data, in the unit of this operator."""
        data = self._engine.problem.data
        return data.tokens if self.unit is Unit.TOKEN else data.examples

    def _multiply(self, block: Tensor) -> Tensor:
        return self._engine.multiply(block, self._row_indices, self._column_indices)

    def adjoint(self) -> Operator:
        """The transposed operator; for a block off the diagonal the one across the diagonal."""
        return self if self.symmetric else self._part(self._column_indices, self._row_indices)

    def block(self, rows: Patterns, columns: Patterns | None = None) -> Operator:
        """The sub-block of the parameters whose names match the patterns, on the same kept graphs; it counts its own products."""
        chosen = tuple(self._row_indices[i] for i in self.rows.indices(rows))
        others = tuple(self._column_indices[i] for i in self.columns.indices(rows if columns is None else columns))
        return self._part(chosen, others)

    def _part(self, rows: Indices, columns: Indices) -> Operator:
        principal = rows == columns
        away = unclaimed("a block off the diagonal")
        whole_symmetric, whole_positive = self._whole_claims()
        return _Part(
            self._engine, self.probes, symmetric=whole_symmetric if principal else away,
            positive_semidefinite=whole_positive if principal else away, unit=self.unit or Unit.EXAMPLE, rows=rows, columns=columns,
        )._of(self.kind, whole_symmetric, whole_positive)  # fmt: skip

    def _whole_claims(self) -> tuple[Claim, Claim]:
        return self.symmetric, self.positive_semidefinite

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{self!r} holds graphs and cannot be copied or sent: build it again there")


class _Part(Curvature):
    """A sub-block, which remembers what is claimed of the whole."""

    def _of(self, kind: str, symmetric: Claim, positive_semidefinite: Claim) -> _Part:
        self.kind, self._claims = kind, (symmetric, positive_semidefinite)
        return self

    def _whole_claims(self) -> tuple[Claim, Claim]:
        return self._claims
