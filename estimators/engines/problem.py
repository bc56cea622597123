"""The function whose curvature is asked for: a model, a loss and data, or a plain function of named tensors."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from . import losses
from .calls import called_with
from .data import Batch, Data, mapped
from .kernels import Kept
from .layers import refuse_layers, unwrapped
from .parameters import Layout, Patterns, check_parameters, chosen_parameters, common_dtype
from .pullbacks import recording
from .refusals import OperatorRefused
from .staleness import Structure, Trace
from .surroundings import Surroundings, ordinary

Loss = Callable[[Any, Any], Tensor]


class Differentiated(OperatorRefused):
    """The loss takes derivatives of the outputs: they have to be computed again without the rules of :mod:`.kernels`."""


class Problem:
    """L(θ) = mean over the data of loss(model(inputs; θ), targets), as a function of the chosen parameters θ.

    The parameters are aliases that share memory with the model's: nothing is copied, and no ``.grad`` of the user is touched.
    """

    def __init__(self, model: nn.Module, loss: Loss, data: Any, parameters: Patterns | None = None) -> None:
        if not isinstance(model, nn.Module):
            raise OperatorRefused(
                f"model is {type(model).__name__}, no torch.nn.Module", "wrap it in a module, or use Hessian.of_function"
            )
        if not callable(loss):
            raise OperatorRefused(f"loss is {type(loss).__name__}", "pass a function loss(outputs, targets) that returns a mean")
        self.model, self.loss = unwrapped(model), loss
        refuse_layers(self.model)
        losses.refuse_reduction(loss)
        with ordinary():
            self._adopt(chosen_parameters(self.model, parameters))
            self.data = Data(
                data,
                self.device,
                lambda inputs, targets: losses.weight(loss, inputs, targets),
                lambda t: losses.counted_tokens(loss, t),
            )
            self._remember()

    @classmethod
    def of_function(cls, function: Callable[[dict[str, Tensor]], Tensor], parameters: Mapping[str, Tensor]) -> Problem:
        """The problem of a scalar function of named tensors, without a model."""
        self = cls.__new__(cls)
        check_parameters(parameters)
        self.model, self.loss = _Plain(), lambda outputs, targets: function(outputs)
        with ordinary():
            self._adopt(dict(parameters))
            nothing = torch.zeros(1, device=self.device)
            self.data = Data((nothing, nothing), self.device, lambda *_: 1.0, lambda _: 1)
            self._remember()
        return self

    def _adopt(self, originals: dict[str, Tensor]) -> None:
        self._originals = originals
        self.parameters = tuple(p.detach().requires_grad_() for p in originals.values())
        self.layout = Layout(tuple(originals), tuple(p.shape for p in self.parameters))
        self.device = self.parameters[0].device
        self.dtype = common_dtype(self.parameters)
        self.surroundings = Surroundings.now(self.device)
        self.buffers = {name: buffer.detach().clone() for name, buffer in self.model.named_buffers()}
        self.checkpointed, self._rules = False, True
        self._recurrent = any(isinstance(layer, nn.RNNBase) for layer in self.model.modules())

    @property
    def of_model(self) -> bool:
        """Whether there is a model with outputs, not a plain function."""
        return not isinstance(self.model, _Plain)

    def outputs(self, batch: Batch, parameters: Sequence[Tensor] | None = None) -> Any:
        """model(inputs) at the chosen parameters; tuples of inputs are spread as arguments, dictionaries as keywords."""
        values = dict(zip(self.layout.names, self.parameters if parameters is None else parameters, strict=True))
        if not self.of_model:
            return values
        positional, named = arguments(batch.inputs)
        with recording(), self.kernels() as kept:  # the lock: while it runs, the model holds these tensors for all threads
            outputs = called_with(self.model, {**self.buffers, **values}, positional, named)
        if kept.differentiated and self._rules:
            self._rules = False
            return self.outputs(batch, parameters)
        self.checkpointed = kept.checkpointed
        return outputs

    def loss_of(self, batch: Batch, parameters: Sequence[Tensor] | None = None) -> Tensor:
        """The mean loss of one batch, a scalar; anything else is refused."""
        return self.reduced(self.outputs(batch, parameters), batch)

    def reduced(self, outputs: Any, batch: Batch) -> Tensor:
        """loss(outputs, targets), checked to be one finite number."""
        with recording(), self.kernels() as kept:
            value = self.loss(outputs, batch.targets)
        if kept.differentiated and self._rules:
            self._rules = False
            raise Differentiated(f"the loss takes derivatives itself from batch {batch.index} on", "build the operator again")
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.is_floating_point():
            shape = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise OperatorRefused(f"the loss of batch {batch.index} is {shape}, not one number", "reduce it by mean")
        if not bool(torch.isfinite(value.detach()).all()):
            raise OperatorRefused(
                f"the loss of batch {batch.index} is {float(value.detach())}",
                "look for overflow in the model, or a logarithm of zero",
            )
        return value.reshape(())

    @contextmanager
    def kernels(self) -> Iterator[Kept]:
        """Kernels that can be differentiated twice, and fast: attention by plain mathematics, recurrent layers without cuDNN, kept derivatives."""
        with ExitStack() as stack:
            stack.enter_context(self.surroundings.restored())
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            kept = stack.enter_context(Kept(rules=self._rules))
            if self._recurrent and self.device.type == "cuda":
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            yield kept

    def widened(self) -> Problem:
        """The same problem with parameters and buffers copied to float64; its data are those passed to its methods, widened too."""
        wide = Problem.__new__(Problem)
        wide.__dict__.update(self.__dict__)
        wide.parameters = tuple(p.detach().double().requires_grad_() for p in self.parameters)
        wide.buffers = mapped(self.buffers, _double)
        wide.dtype = torch.float64
        if isinstance(self.loss, nn.Module):
            wide.loss = copy.deepcopy(self.loss).double()
        elif isinstance(self.loss, functools.partial):
            options = mapped(self.loss.keywords, _double)
            wide.loss = functools.partial(self.loss.func, *self.loss.args, **options)
        return wide

    def _remember(self) -> None:
        self._structure = Structure(self.model)
        self._traces = {
            "the parameters or the data": Trace([*self._originals.values(), *self.data.held_tensors()]),
            "the buffers of the model": Trace(self.model.buffers()),
            "the weights of the loss": Trace(losses.state_of(self.loss)),
        }

    def refuse_stale(self, *, kept: bool = False) -> None:
        """Refuse to go on after the model, the loss or the data were changed; ``kept`` says that the model is not run again."""
        with recording():
            self._refuse_stale(kept)

    def originals(self) -> dict[str, Tensor]:
        """The chosen parameters as the model holds them, of which :attr:`parameters` are aliases."""
        return self._originals

    def _refuse_stale(self, kept: bool) -> None:
        changed = [what for what, trace in self._traces.items() if not trace.holds()]
        if not changed and not self._structure.holds():
            changed = ["the layers of the model"]
        if not changed and not kept and not self._structure.in_mode():
            changed = ["the train or eval modes of layers"]
        if changed:
            raise OperatorRefused(f"{changed[0]} were changed since this operator was built", "build it again")


class _Plain(nn.Module):
    """Stands for the missing model of a plain function."""


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and the keyword arguments with which a model is called."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,), {}


def widened(batch: Batch) -> Batch:
    """The batch with its floating-point tensors in float64."""

    return replace(batch, inputs=mapped(batch.inputs, _double), targets=mapped(batch.targets, _double))


def _double(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor
