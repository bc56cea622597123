"""Layers under which a curvature matrix is undefined or cannot be differentiated twice, refused by name before anything runs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

from .refusals import OperatorRefused

_EVALUATE = "call model.eval() first"


def unwrapped(model: nn.Module) -> nn.Module:
    """The module itself, where it is wrapped by torch.compile or for parallel training: those have no second derivative."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def refuse_layers(model: nn.Module) -> None:
    """Refuse layers that are random or that use and change batch statistics, and those without a second derivative."""
    if isinstance(model, torch.jit.ScriptModule):
        raise OperatorRefused(
            f"the model ({type(model).__name__}) was compiled by torch.jit", "pass the module that it was made from"
        )
    for name, layer in model.named_modules():
        kind, where = type(layer).__name__, f"the layer {name!r}" if name else "the model"
        if layer.training and isinstance(layer, (_DropoutNd, nn.RReLU)) and (isinstance(layer, nn.RReLU) or layer.p > 0):
            raise OperatorRefused(f"{where} ({kind}) is random in train mode, so there is no one matrix", _EVALUATE)
        if layer.training and isinstance(layer, (nn.MultiheadAttention, nn.RNNBase)) and layer.dropout > 0:
            if isinstance(layer, nn.RNNBase) and layer.num_layers == 1:
                continue
            raise OperatorRefused(f"{where} ({kind}) drops out in train mode, so there is no one matrix", _EVALUATE)
        if isinstance(layer, (_BatchNorm, _InstanceNorm)) and layer.training and layer.track_running_stats:
            raise OperatorRefused(
                f"{where} ({kind}) is in train mode: it changes its running statistics, and no loss belongs to one example",
                f"{_EVALUATE} (for the curvature of a whole batch with its own statistics, build it with track_running_stats=False)",
            )
        if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) and layer.sparse:
            raise OperatorRefused(
                f"{where} ({kind}) has sparse gradients, which cannot be differentiated again", "set layer.sparse = False"
            )
        if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) and layer.max_norm is not None:
            raise OperatorRefused(
                f"{where} ({kind}) rescales its weight in place in the forward pass",
                "set layer.max_norm = None after rescaling once",
            )


def uses_batch_statistics(model: nn.Module) -> str | None:
    """The name of a layer that normalises by the statistics of the batch, if there is one."""
    for name, layer in model.named_modules():
        if isinstance(layer, _BatchNorm) and (layer.training or not layer.track_running_stats):
            return name or type(layer).__name__
    return None
