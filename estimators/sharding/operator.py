"""An operator on the data of all processes of a group, from the operators on the rows that each of them holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import torch
from torch import Tensor

from certify.bounds import Bound, Declared
from certify.proofs.sides import Side

from ..engines.data import Unit
from ..engines.parameters import Layout, Patterns
from ..engines.probes import consistency
from ..engines.refusals import OperatorRefused
from ..operators.composed import Block, Damped, Scaled, Sum
from ..operators.operator import Claim, Operator, unclaimed
from ..operators.widened import by_kind, in_double
from .checksum import checksum, combined
from .outline import Outline, agree, outline, part, token
from .ranks import RankLost, Ranks

_PREMISE = "of the operator on one rank, whose products are exact up to a measured relative {:.1e}"
_PIECES = 4
_PIECE = 16


def sharded(
    operator: Operator | None,
    group: Any = None,
    *,
    timeout: float | None = None,
    weight: float | None = None,
    device: torch.device | str | None = None,
) -> Operator:
    """The operator on the data of all ranks of a ``torch.distributed`` group (None: all processes), from each rank's own rows.

    Every rank calls this with an operator that it has built on its own data, and then makes the same calls on what is returned: products,
    solves, eigenvalues, traces. Each product is one all-reduce, and every rank gets the same numbers bit for bit. The matrix is that
    of one process with all data: shards are weighted by what the loss divides by. Multiples, damping, blocks and sums are
    taken apart and put together again; a sum takes one all-reduce for each of its terms.

    ``timeout`` is how many seconds a rank waits for the others in one collective (None: as the group was initialised). A rank without
    data passes None, and its ``device`` if that is not the processor. ``weight`` is what the mean of this rank
    divides by, for operators that are no curvature of a model.

    Raises :class:`OperatorRefused` where the ranks do not agree on the kind of operator, the parameters and their values, the loss, the
    type, the unit, the damping, or the vector that is multiplied; :class:`RankLost` where one is gone, fails, or is late.
    """
    where = operator.device if isinstance(operator, Operator) else torch.device(device or "cpu")
    ranks = Ranks(group, timeout, where)
    outlines = _told(ranks, lambda: outline(operator, weight), "the comparison of operators", "could not share its operator")
    return _assembled(operator, outlines, ranks, "")


def _told(ranks: Ranks, work: Callable[[], Any], what: str, failing: str) -> list[Any]:
    """What the work gives on every rank; where it raises, the others are told so, and do not wait."""
    failure: Exception | None = None
    try:
        said = {"found": work()}
    except Exception as error:
        failure, said = error, {"failed": _in_words(error)}
    heard = ranks.gather(said, what)
    if failure is not None:
        raise failure
    for rank, other in enumerate(heard):
        if "failed" in other:
            raise RankLost(f"rank {rank} {failing} ({other['failed']})", "mend it there", (rank,))
    return [other["found"] for other in heard]


def _assembled(operator: Operator | None, outlines: Sequence[Outline | None], ranks: Ranks, place: str) -> Operator:
    first = agree(outlines)
    parts = operator.parts if operator is not None else (None,) * len(first.get("parts", ()))
    made = [_assembled(each, part(outlines, i), ranks, f"{place}{i}") for i, each in enumerate(parts)]
    match first["form"]:
        case "damped":
            return Damped(made[0], first["value"])
        case "scaled":
            return Scaled(made[0], first["value"])
        case "sum":
            return Sum(*made)
        case "block":
            return Block(made[0], *(tuple(indices) for indices in first["places"]))
    whole = Sharded(operator, ranks, Joint.of(outlines, first, ranks.rank), token(outlines, place))
    whole.measure()
    return whole


@dataclass(frozen=True)
class Joint:
    """What all ranks know of the operator on all data, and the share of this rank in it."""

    rows: Layout
    columns: Layout
    dtype: torch.dtype
    unit: Unit | None
    symmetric: Claim
    positive_semidefinite: Claim
    lower: Bound | None
    accuracy: float
    share: float
    count: int

    @classmethod
    def of(cls, outlines: Sequence[Outline | None], first: Outline, rank: int) -> Joint:
        """The joint operator from what every rank said."""
        held = [said for said in outlines if said is not None]
        total, count = math.fsum(said["weight"] for said in held), sum(said["count"] for said in held)

        def share(said: Outline | None) -> float:
            if said is None:
                return 0.0
            fraction: float = said["weight"] / total
            return fraction * fraction * count / said["count"] if said["squares"] else fraction

        def claim(key: str, what: str) -> Claim:
            reasons = sorted({said[key] for said in held})
            if not all(reasons):
                return unclaimed(f"{what} is not known on every rank")
            return Claim(True, Declared(f"on every rank: {'; '.join(reasons)}"))

        lower: Bound | None = None
        if all(said["lower"] is not None for said in held):
            for said in held:
                term = _times(Bound(said["lower"], Side.LOWER, Declared(_PREMISE.format(said["accuracy"]))), share(said))
                lower = term if lower is None else lower + term
        return cls(
            _layout(first["rows"]), _layout(first["columns"]), getattr(torch, first["dtype"]), Unit(first["unit"]) if first["unit"] else None,
            claim("symmetric", "symmetry"), claim("positive", "semidefiniteness"), lower,
            max(said["accuracy"] for said in held), share(outlines[rank]), count,
        )  # fmt: skip

    def block(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> Joint:
        """Of a sub-block: what is claimed of the whole holds for a principal one."""
        principal = rows == columns and self.rows == self.columns
        away = unclaimed("a block off the diagonal")
        return replace(
            self, rows=self.rows.part(rows), columns=self.columns.part(columns), symmetric=self.symmetric if principal else away,
            positive_semidefinite=self.positive_semidefinite if principal else away, lower=self.lower if principal else None,
        )  # fmt: skip

    def transposed(self) -> Joint:
        """Of the transposed operator."""
        return replace(self, rows=self.columns, columns=self.rows)


def _in_words(error: Exception) -> str:
    """One line, for the other ranks."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"[:500]


def _times(bound: Bound, share: float) -> Bound:
    """The bound times the true share, of which ``share`` came out of less than eight roundings."""
    if bound.value < 0:
        return -((-bound) * (share * (1 + 2.0**-49)))
    return bound * (share * (1 - 2.0**-49))


def _layout(said: list[Any]) -> Layout:
    return Layout(tuple(name for name, _ in said), tuple(torch.Size(shape) for _, shape in said))


class Sharded(Operator):
    """The sum over the ranks of share times operator; each rank holds its own, or none."""

    shared = True

    def __init__(self, local: Operator | None, ranks: Ranks, joint: Joint, identity: int) -> None:
        self.local, self.ranks, self._joint, self._identity = local, ranks, joint, identity
        super().__init__(
            joint.rows, joint.columns, dtype=joint.dtype, device=ranks.device, symmetric=joint.symmetric,
            positive_semidefinite=joint.positive_semidefinite, unit=joint.unit, accuracy=joint.accuracy,
        )  # fmt: skip

    @property
    def data_count(self) -> int:
        """The number of data of all ranks, in the unit of this operator."""
        return self._joint.count

    @property
    def share(self) -> float:
        """The factor of this rank's own operator in the sum."""
        return self._joint.share

    def measure(self) -> None:
        """Three products of all ranks: the sum may cancel, and is then less accurate than its terms."""
        if self.symmetric:
            symmetry, linearity, found = consistency(
                lambda v: self.multiply_rows(v[None])[0], self.shape[0], self.dtype, self.device
            )
            if not bool(torch.isfinite(found).all()):
                raise OperatorRefused(
                    "the products of all ranks together are not finite",
                    "look for a rank whose own products overflow or are undefined",
                )
            self.accuracy = max(self.accuracy, linearity, symmetry * math.sqrt(self.shape[0]))
            self.products, self.probe_products = 0, 3

    def agreed(self, drawn: Tensor) -> Tensor:
        """The tensor of rank 0."""
        return self.ranks.from_first(drawn, "the exchange of a random start")

    def _multiply(self, block: Tensor) -> Tensor:
        mine, failure = self._mine(block)
        entries, count = len(block) * self.shape[0], self.ranks.count
        sent = torch.zeros(entries + 2 * _PIECES + count, dtype=torch.float64, device=self.device)
        if mine is not None:
            torch.mul(mine.reshape(-1).to(torch.float64), self._joint.share, out=sent[:entries])
        digest = combined(self._identity, self.ranks.calls, checksum(block))
        pieces = [float(digest >> (_PIECE * i) & (1 << _PIECE) - 1) for i in range(_PIECES)]
        failed = [float(failure is not None and rank == self.ranks.rank) for rank in range(count)]
        sent[entries:] = torch.tensor(
            [*pieces, *(piece * piece for piece in pieces), *failed], dtype=torch.float64, device=self.device
        )
        self.ranks.sum(sent, "a product")
        tail = sent[entries:].tolist()
        if any(tail[2 * _PIECES :]):
            self._tell_failure(failure, [rank for rank, flag in enumerate(tail[2 * _PIECES :]) if flag])
        if any(
            count * int(square) != int(total) ** 2
            for total, square in zip(tail[:_PIECES], tail[_PIECES : 2 * _PIECES], strict=True)
        ):
            self._tell_difference(checksum(block))
        return sent[:entries].reshape(len(block), self.shape[0]).to(block.dtype)

    def _mine(self, block: Tensor) -> tuple[Tensor | None, Exception | None]:
        """The product on this rank's own data, or why there is none: the others have to hear of it."""
        if self.local is None:
            return None, None
        try:
            return self.local.multiply_rows(block), None
        except Exception as error:
            return None, error

    def _tell_failure(self, failure: Exception | None, failed: list[int]) -> None:
        words = self.ranks.gather("" if failure is None else _in_words(failure), "the report of a failure")
        if failure is not None:
            raise failure
        raise RankLost(f"rank {failed[0]} failed in its part of a product ({words[failed[0]]})", "mend it there", tuple(failed))

    def _tell_difference(self, digest: int) -> None:
        """Equality in the inequality of Cauchy and Schwarz, of whole numbers, holds for equal numbers alone."""
        seen = self.ranks.gather(digest, "the report of a difference")
        others = [rank for rank, other in enumerate(seen) if other != seen[0]]
        if not others:
            raise OperatorRefused(
                "the ranks are not at the same product of the same operator",
                "make the same calls in the same order on every rank",
            )
        raise OperatorRefused(
            f"rank {others[0]} multiplied another vector than rank 0",
            "pass the same vector, damping, preconditioner and generator on every rank, and the same build of torch",
        )

    def in_double(self) -> Sharded | None:
        """The same matrix with products in float64, or None where a rank has no such operator."""
        found: list[Operator | None] = [None]

        def widen() -> tuple[bool, float]:
            found[0] = None if self.local is None else in_double(self.local)
            return self.local is None or found[0] is not None, 0.0 if found[0] is None else found[0].accuracy

        heard = _told(self.ranks, widen, "the change to float64", "could not change to float64")
        if not all(possible for possible, _ in heard):
            return None
        joint = replace(self._joint, dtype=torch.float64, accuracy=max(accuracy for _, accuracy in heard))
        wide = Sharded(found[0], self.ranks, joint, combined(self._identity, "float64"))
        wide.measure()
        return wide if wide.accuracy < self.accuracy else None

    def lower_bound(self) -> Bound | None:
        """The sum of those of the ranks, each times its share, where all have one; zero for a semidefinite operator that has no better."""
        zero, whole = super().lower_bound(), self._joint.lower
        return whole if zero is None or (whole is not None and whole.value > 0) else zero

    def adjoint(self) -> Operator:
        if self.symmetric:
            return self
        local = None if self.local is None else self.local.adjoint()
        return Sharded(local, self.ranks, self._joint.transposed(), combined(self._identity, "T"))

    def block(self, rows: Patterns, columns: Patterns | None = None) -> Operator:
        """The sub-block of the parameters whose names match the patterns: only its own part is exchanged."""
        chosen, others = self.rows.indices(rows), self.columns.indices(rows if columns is None else columns)
        local = None if self.local is None else self.local.block(rows, columns)
        return Sharded(local, self.ranks, self._joint.block(chosen, others), combined(self._identity, repr((chosen, others))))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{self!r} is one of several processes and cannot be copied or sent: share it again there")


@by_kind.register
def _(operator: Sharded) -> Sharded | None:
    return operator.in_double()
