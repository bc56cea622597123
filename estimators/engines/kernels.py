"""Layers whose derivatives are kept at the point: products reuse them, where torch would compute them again each time.

torch differentiates twice by composing operations. For a point that stays the same that is wasteful: the slope and the curvature of an
activation are fixed tensors, the second derivative of layer normalisation has a short closed form, and torch's
for convolutions computes terms that nobody asked for. While a model runs inside :class:`Kept`, these functions
are replaced by ones with the same values and derivatives; the probes and the table of operations in the tests check them like the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from . import activations, convolutions, layer_norm, weight_norm
from .pullbacks import Unusual

Rule = Callable[..., Any]


def _rules() -> dict[Any, Rule]:
    rules: dict[Any, Rule] = {}
    for names, activation in (
        ((torch.tanh, torch.Tensor.tanh, functional.tanh), activations.TANH),
        ((torch.sigmoid, torch.Tensor.sigmoid, functional.sigmoid), activations.SIGMOID),
        ((torch.relu, torch.Tensor.relu, functional.relu), activations.RELU),
        ((functional.gelu,), activations.GELU),
        ((functional.silu,), activations.SILU),
    ):
        rules |= dict.fromkeys(names, activation.rule)
    for function in (torch.conv1d, torch.conv2d, torch.conv3d):
        rules[function] = convolutions.rule
    rules[functional.layer_norm] = layer_norm.rule
    return rules


_ELEMENTARY: dict[Any, Rule] = {torch._weight_norm: weight_norm.rule, functional.layer_norm: layer_norm.by_definition}
"""Rules in elementary steps, which have every derivative."""
_RULES = _ELEMENTARY | _rules()
_DIFFERENTIATING = {torch.autograd.grad, torch.autograd.backward, Tensor.backward}


class Kept(TorchFunctionMode):
    """While it is active, the functions that have a rule here run by it, for ordinary tensors that are being differentiated.

    ``checkpointed`` says whether something ran inside ``torch.utils.checkpoint``, and ``differentiated`` whether something took derivatives
    itself: the rules know two derivatives and would lose the third, so there ``rules`` has to be False.
    """

    def __init__(self, *, rules: bool = True) -> None:
        super().__init__()
        self._rules, self.checkpointed, self.differentiated = rules, False, False

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        options = kwargs or {}
        hooks = _hooks()
        self.checkpointed |= getattr(hooks[0], "__module__", "") == "torch.utils.checkpoint"
        self.differentiated |= func in _DIFFERENTIATING
        rule = (_RULES if self._rules else _ELEMENTARY).get(func)
        if rule is not None and args and _transparent(hooks) and _ordinary(args[0]):
            try:
                return rule(*args, **options)
            except Unusual:
                pass
        return func(*args, **options)


def _ordinary(tensor: Any) -> bool:
    """Whether a rule may run: for plain tensors that are differentiated, not under autocast or torch.func."""
    if type(tensor) not in (Tensor, nn.Parameter) or not tensor.is_floating_point() or not torch.is_grad_enabled():
        return False
    return not torch.is_autocast_enabled(tensor.device.type) and not torch._C._are_functorch_transforms_active()


def _hooks() -> tuple[Any, ...]:
    """The hooks for saved tensors that are set."""
    top: tuple[Any, ...] | None = torch._C._autograd._top_saved_tensors_default_hooks(False)
    return top or (None,)


def _transparent(hooks: tuple[Any, ...]) -> bool:
    """Whether saved tensors are left as they are: where they are offloaded or made again, rules would go around it."""
    return hooks[0] is None or getattr(hooks[0], "transparent", False)


def transparent(pack: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Marks a hook for saved tensors that returns the tensor that it is given."""
    pack.transparent = True  # type: ignore[attr-defined]
    return pack
