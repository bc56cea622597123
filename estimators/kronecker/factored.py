"""KFAC and EKFAC: an approximation of the curvature that is cheaply inverted, to precondition a solve and to start it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, Literal, NoReturn

import torch
from torch import Tensor, nn

from ..engines.data import Batch
from ..engines.layers import uses_batch_statistics
from ..engines.parameters import Patterns
from ..engines.problem import Loss, Problem
from ..engines.refusals import OperatorRefused
from ..per_example.layers import combined, rule_for
from ..per_example.pieces import accumulator, chunks
from ..per_example.sites import Site, find_sites
from ..progress import progress
from ..solves.guess import Guess
from .columns import Fisher, drawn, exact, observed
from .factors import Factors, Sharing
from .passes import Pass, forward

Kind = Literal["kfac", "ekfac"]
_SIGNS = 8
"""Backward passes with random signs for what has no rule."""


class KroneckerFactored:
    """A Kronecker-factored approximation K of a Gauss-Newton or Fisher matrix: a preconditioner and a first guess, never a result.

    Weights of linear and convolution layers have a Kronecker product each, with the bias in it; all other parameters (normalisation,
    embeddings, tied weights) have their own diagonal, exact where the layer has a rule and estimated by random signs where it has none
    (``routes`` says which). Nothing couples layers. ``kind="ekfac"`` measures the diagonal in the eigenbasis of the factors in a second pass over the data,
    which comes no further from the blocks of the curvature in the Frobenius norm than the product of the factors' eigenvalues.
    Nearer in that norm is not faster: whether it saves products depends on the problem (docs/kronecker.md has figures of both kinds).

    ``fisher``: "type-2", the Hessian of the loss in the outputs, a backward pass for each output of an example (at most 256);
    "monte-carlo", ``samples`` targets drawn for each datum from ``generator`` (None: fresh entropy); "empirical", the targets of the data.
    ``sharing`` is for layers used at many places of an example. Nothing bounds how far K is from the curvature, so it has no
    spectrum, no bounds and no ``@``; :func:`certify.estimators.solve` measures what its use leads to.

    >>> model = nn.Linear(2, 1).double()
    >>> data = (torch.eye(2).double(), torch.zeros(2, 1).double())
    >>> factored = KroneckerFactored(model, nn.MSELoss(), data, kind="ekfac")
    >>> factored.solve(torch.ones(3).double(), damping=0.1)
    <Guess [3] by ekfac of 3 parameters: a start for solve, no solution>
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        kind: Kind,
        fisher: Fisher = "type-2",
        sharing: Sharing = "expand",
        samples: int = 1,
        generator: torch.Generator | None = None,
        parameters: Patterns | None = None,
    ) -> None:
        for name, value, choices in (
            ("kind", kind, ("kfac", "ekfac")),
            ("fisher", fisher, ("type-2", "monte-carlo", "empirical")),
            ("sharing", sharing, ("expand", "reduce")),
        ):
            if value not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {value!r}")
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise ValueError(f"samples is a positive integer, not {samples!r}")
        self.kind, self.fisher, self.sharing, self._samples = kind, fisher, sharing, samples
        self.problem = Problem(model, loss, data, parameters)
        if (layer := uses_batch_statistics(self.problem.model)) is not None:
            raise OperatorRefused(f"the layer {layer!r} normalises by the statistics of the batch", "call model.eval() first")
        seeds = (
            secrets.randbits(62)
            if generator is None
            else int(torch.randint(2**62, (), generator=generator, device=generator.device))
        )
        self._seed, self._signs = seeds, torch.Generator().manual_seed(seeds)
        self._known: set[str] = set()
        self.factors: list[Factors] = []
        self.diagonals: dict[str, Tensor] = {}
        self.routes: dict[str, str] = {}
        self._measure()

    def precondition(self, block: Tensor, damping: float) -> Tensor:
        """(K + damping I)^-1 times vectors [P] or [P, K]; symmetric and positive definite."""
        _positive(damping)
        layout = self.problem.layout
        if block.dim() not in (1, 2) or block.shape[0] != layout.size:
            raise ValueError(
                f"the vector has the shape {tuple(block.shape)}; {self!r} takes [{layout.size}] or [{layout.size}, K]"
            )
        rows = (block[None] if block.dim() == 1 else block.mT).to(self.problem.device)
        pieces = dict(zip(layout.names, layout.split(rows), strict=True))
        for factors in self.factors:
            bias = None if factors.bias is None else pieces[factors.bias]
            pieces[factors.weight], solved = factors.multiply(pieces[factors.weight], bias, damping)
            if factors.bias is not None and solved is not None:
                pieces[factors.bias] = solved
        for name, diagonal in self.diagonals.items():
            pieces[name] = (pieces[name].to(diagonal.dtype) / (diagonal + damping)).to(rows.dtype)
        result = layout.join([pieces[name] for name in layout.names], block.dtype, lead=1).to(block.device)
        return result[0] if block.dim() == 1 else result.mT

    def solve(self, target: Tensor, damping: float) -> Guess:
        """A first guess at the solution of (A + damping I) x = target; pass it to ``solve(..., start=)``, which measures its residual."""
        return Guess(self.precondition(target, damping), f"{self.kind} of {self.problem.layout.size} parameters")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.kind}, {self.problem.layout.size} parameters, {len(self.factors)} layers factored>"

    @property
    def shape(self) -> NoReturn:
        """Refused: only operators have a shape, and with it bounds."""
        raise TypeError(
            f"{self!r} is a preconditioner, not the curvature: pass GaussNewton or Fisher where an operator is asked for"
        )

    def __matmul__(self, other: Any) -> NoReturn:
        raise TypeError(f"{self!r} is a preconditioner, and its products are nobody's curvature: use GaussNewton or Fisher")

    def __float__(self) -> NoReturn:
        raise TypeError(f"{self!r} is a preconditioner and no number")

    # ------------------------------------------------------------ how it is measured

    def _measure(self) -> None:
        model, layout = self.problem.model, self.problem.layout
        sites = find_sites(model, layout.names)
        layers = {site.layer: model.get_submodule(site.layer) for each in sites.values() for site in each}
        tapped = {name: layer for name, layer in layers.items() if rule_for(layer) is not None}
        shapes = dict(zip(layout.names, layout.shapes, strict=True))
        for batch, here in self._passes(tapped, "Kronecker factors"):
            if not self.routes:
                self._plan(here, sites, shapes)
            for first, column in enumerate(here.columns(self._known)):
                for factors in self.factors:
                    parts = column.parts[sites[factors.weight][0].layer]["weight"]
                    if not first:
                        factors.add_inputs(parts, column.examples, batch.weight, self.sharing)
                    factors.add_outputs(parts, column.examples, batch.weight, self.sharing)
                for name, diagonal in self.diagonals.items():
                    if self.routes[name] == "diagonal":
                        parts = [part for site in sites[name] for part in column.parts[site.layer][site.attribute]]
                        piece = combined(parts, column.examples, shapes[name], self.problem.device)
                        for rows in chunks(column.examples, piece.size):
                            diagonal += batch.weight * piece.flat(rows).square().sum(0).reshape(shapes[name]).to(diagonal)
            self._estimate(here, batch)
        for factors in progress(self.factors, "eigenvectors of Kronecker factors", len(self.factors)):
            factors.decompose()
        if self.kind == "ekfac" and self.factors:
            self._correct(tapped, sites)
        for name, values in [*((f.weight, f.values) for f in self.factors), *self.diagonals.items()]:
            if not bool(torch.isfinite(values).all()):
                raise OperatorRefused(
                    f"the curvature in {name!r} is not finite", "look for overflow in the model, or use double precision"
                )

    def _correct(self, tapped: dict[str, nn.Module], sites: dict[str, list[Site]]) -> None:
        for factors in self.factors:
            factors.reset_values()
        for batch, here in self._passes(tapped, "eigenvalues in the basis of Kronecker factors"):
            for column in here.columns(self._known):
                for factors in self.factors:
                    parts = column.parts[sites[factors.weight][0].layer]["weight"]
                    factors.correct(parts, column.examples, batch.weight)

    def _passes(self, tapped: dict[str, nn.Module], what: str) -> Iterator[tuple[Batch, Pass]]:
        self.problem.refuse_stale()
        data = self.problem.data
        read = data.read(in_order=self.fisher == "monte-carlo")
        for batch in read if data.batches == 1 else progress(read, what, data.batches):  # of one batch the columns are shown
            yield batch, forward(self.problem, batch, tapped, self._columns)

    def _columns(self, problem: Problem, batch: Batch, outputs: Tensor) -> list[Tensor]:
        if self.fisher == "type-2":
            return exact(problem, batch, outputs)
        if self.fisher == "empirical":
            return observed(problem, batch, outputs)
        return drawn(problem, batch, outputs, self._samples, self._seed)

    def _plan(self, here: Pass, sites: dict[str, list[Site]], shapes: dict[str, torch.Size]) -> None:
        """Which parameters are factored and which have a diagonal, from the first batch."""
        calls: dict[str, list[bool]] = {}
        for call in here.calls:
            only = call.only
            fits = only is not None and only.dim() > 0 and len(only) % here.batch.examples == 0
            calls.setdefault(call.layer, []).append(fits and len(call.outputs) == 1)
        known = {layer for layer, fits in calls.items() if all(fits)}
        taken: set[str] = set()
        for name, each in sites.items():
            layer = here.layers.get(each[0].layer) if len(each) == 1 else None
            if (
                each[0].layer in known
                and each[0].attribute == "weight"
                and isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd))
            ):
                own = [other for other, places in sites.items() if places == [Site(each[0].layer, "bias")]]
                groups = getattr(layer, "groups", 1)
                self.factors.append(Factors(name, own[0] if own else None, shapes[name], groups, self.problem.device))
                taken |= {name, *own}
        wide = accumulator(self.problem.device)
        for name, each in sites.items():
            if name in taken:
                self.routes[name] = "Kronecker"
                continue
            self.routes[name] = "diagonal" if each and all(site.layer in known for site in each) else "diagonal by random signs"
            self.diagonals[name] = torch.zeros(shapes[name], dtype=wide, device=self.problem.device)
        self._known = known

    def _estimate(self, here: Pass, batch: Batch) -> None:
        names = [name for name, route in self.routes.items() if route == "diagonal by random signs"]
        parameters = dict(zip(self.problem.layout.names, self.problem.parameters, strict=True))
        for _ in range(_SIGNS if names else 0):
            found = here.signed([parameters[name] for name in names], self._signs)
            for name, gradient in zip(names, found, strict=True):
                self.diagonals[name] += batch.weight / _SIGNS * gradient.square().to(self.diagonals[name])


def _positive(damping: float) -> None:
    if not 0 < damping < float("inf"):
        raise ValueError(f"the damping of a Kronecker-factored preconditioner is positive and finite, not {damping}")
