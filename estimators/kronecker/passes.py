"""One forward pass and a backward pass a column: what every layer got, and the cotangents of what it gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..engines.data import Batch
from ..engines.problem import Problem
from ..operators.gauss_newton import tensor_outputs
from ..per_example.layers import Part, rule_for
from ..per_example.taps import Call, Taps, tapped
from ..progress import progress

Columns = Callable[[Problem, Batch, Tensor], list[Tensor]]


@dataclass(frozen=True, eq=False)
class Column:
    """One backward pass: ``parts`` holds, by layer and parameter of the layer, what each call adds to the gradients of the single examples."""

    parts: dict[str, dict[str, list[Part]]]
    examples: int


@dataclass(frozen=True, eq=False)
class Pass:
    """A batch that went forward: its columns, one backward pass each, and sums of all columns with random signs."""

    outputs: Tensor
    cotangents: list[Tensor]
    calls: list[Call]
    layers: Mapping[str, nn.Module]
    batch: Batch

    def columns(self, known: set[str]) -> Iterator[Column]:
        """Each column carried back to the layers that are ``known`` to have a rule here."""
        calls = [call for call in self.calls if call.layer in known]
        edges = [call.edges[0] for call in calls]
        for cotangent in progress(self.cotangents, "backward passes for Kronecker factors", len(self.cotangents)):
            if not calls:
                break
            found = torch.autograd.grad([self.outputs], edges, [cotangent], retain_graph=True, allow_unused=True)
            parts: dict[str, dict[str, list[Part]]] = {}
            for call, gradient in zip(calls, found, strict=True):
                layer, inputs = self.layers[call.layer], call.only
                rule = rule_for(layer)
                assert rule is not None and inputs is not None
                if gradient is None:
                    gradient = torch.zeros(call.outputs[0], dtype=self.outputs.dtype, device=self.outputs.device)
                for name, part in rule(layer, inputs, gradient, self.batch.examples).items():
                    parts.setdefault(call.layer, {}).setdefault(name, []).append(part)
            yield Column(parts, self.batch.examples)

    def signed(self, parameters: list[Tensor], generator: torch.Generator) -> list[Tensor]:
        """The gradients of the columns summed with a random sign for each example and column: their squares are right in expectation."""
        shape = (len(self.cotangents), self.batch.examples)
        signs = torch.randint(2, shape, generator=generator, device=generator.device).mul(2).sub(1).to(self.outputs)
        mixed = torch.zeros_like(self.outputs)
        for sign, cotangent in zip(signs, self.cotangents, strict=True):
            mixed = mixed + sign.reshape(-1, *[1] * (mixed.dim() - 1)) * cotangent
        found = torch.autograd.grad([self.outputs], parameters, [mixed], retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


def forward(problem: Problem, batch: Batch, layers: Mapping[str, nn.Module], columns: Columns) -> Pass:
    """Run the model on a batch with these layers tapped."""
    with torch.enable_grad(), tapped(layers, Taps()) as taps:
        outputs = tensor_outputs(problem, batch)
        cotangents = [cotangent.detach() for cotangent in columns(problem, batch, outputs)]
    calls = [call for each in taps.calls.values() for call in each]
    for call in calls:
        call.refuse_overwritten()
    return Pass(outputs, cotangents, [call for call in calls if call.edges], layers, batch)
