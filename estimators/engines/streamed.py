"""The mean over batches: graphs kept for a few batches that are held, or built and dropped batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ..progress import progress
from .blocks import Blocks
from .data import Batch
from .double_backward import Indices
from .problem import Problem
from .refusals import OperatorRefused

MOST_KEPT = 8
"""A list of at most so many batches keeps its graphs (about twice the activations of all of them)."""


class Graph(Protocol):
    """What an engine keeps of one batch."""

    def product(self, vectors: Sequence[Tensor], rows: Indices, columns: Indices, batched: bool) -> list[Tensor]:
        """The block [rows, columns] of the matrix of this batch times a vector in pieces."""
        ...


Build = Callable[[Problem, Batch], Graph]


class Engine:
    """Products with Σ_b ω_b A_b over the batches b, where ``build`` makes the graph of one batch.

    ``retain``: True keeps every graph, False builds and drops them at each product, None keeps those of one pair or of a
    short list.
    """

    def __init__(self, problem: Problem, build: Build, *, retain: bool | None, in_order: bool = False) -> None:
        self.problem, self.builder, self._in_order = problem, build, in_order
        data = problem.data
        self.retain = (data.single or (data.held and data.batches <= MOST_KEPT)) if retain is None else retain
        self._kept: list[tuple[float, Graph]] | None = None
        self._blocks: dict[tuple[Indices, Indices], Blocks] = {}

    def build(self, batch: Batch, problem: Problem | None = None) -> Graph:
        """The graph of one batch; an operation that cannot be differentiated twice is refused."""
        with self.problem.surroundings.restored(), torch.enable_grad(), refusing():
            return self.builder(problem or self.problem, batch)

    def keep(self) -> None:
        """Build the graphs now if they are to be kept."""
        if self.retain and self._kept is None:
            self._kept = [(batch.weight, self.build(batch)) for batch in self.problem.data.read(in_order=self._in_order)]

    def multiply(self, block: Tensor, rows: Indices, columns: Indices) -> Tensor:
        """The block [rows, columns] of the matrix times each of the flat vectors [K, P]; accumulated in float64 where there are several batches."""
        self.problem.refuse_stale(kept=self._kept is not None)
        layout = self.problem.layout
        into, out_of = layout.part(rows), layout.part(columns)
        total: Tensor | None = None
        blocks = self._blocks.setdefault((tuple(rows), tuple(columns)), Blocks())
        for weight, graph in self._graphs():

            def multiply(vectors: Tensor, batched: bool, graph: Graph = graph) -> Tensor:
                pieces = out_of.split(vectors if batched else vectors[0])
                typed = [piece.to(self.problem.parameters[j].dtype) for j, piece in zip(columns, pieces, strict=True)]
                result = into.join(graph.product(typed, rows, columns, batched), block.dtype, lead=int(batched))
                return result if batched else result[None]

            with self.problem.surroundings.restored(), refusing():
                product = blocks.apply(multiply, block)
            del graph, multiply  # before the next graph is built
            if self.problem.data.batches == 1:
                total = product
                continue
            wide = product.dtype if product.device.type == "mps" else torch.float64
            total = product.to(wide) * weight if total is None else total.add_(product.to(wide), alpha=weight)
        assert total is not None
        return total.to(block.dtype)

    def _graphs(self) -> Iterator[tuple[float, Graph]]:
        self.keep()
        if self._kept is not None:
            yield from self._kept
        else:
            batches = self.problem.data.read(in_order=self._in_order)
            for batch in progress(batches, "product with the data", self.problem.data.batches):
                yield batch.weight, self.build(batch)


class refusing:
    """Turns errors of torch about derivatives that it does not have into refusals that say what to do."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, (RuntimeError, NotImplementedError)) or isinstance(error, OperatorRefused):
            return
        text = str(error)
        remedies = {
            "scaled_dot_product": "call torch.nn.functional.scaled_dot_product_attention under sdpa_kernel(SDPBackend.MATH)",
            "aot_autograd": "pass the module without torch.compile",
            "checkpoint": "use torch.utils.checkpoint with use_reentrant=False",
            "_cudnn_rnn": "run recurrent layers under torch.backends.cudnn.flags(enabled=False)",
            "is not implemented": "replace this operation by one that torch can differentiate twice",
            "does not require grad": "check that the outputs depend on the parameters, without detach() or torch.no_grad()",
            "modified by an inplace operation": "build the operator again after the parameters or the data were changed",
        }
        for sign, remedy in remedies.items():
            if sign in text:
                raise OperatorRefused(
                    f"torch cannot differentiate this model twice ({text.splitlines()[0][:200]})", remedy
                ) from error
