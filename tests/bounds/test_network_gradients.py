"""Gradients at given inputs against whole Jacobians, and layers that are not what their class says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from certify.bounds import UnknownModule, lipschitz
from certify.bounds.networks.gradients import gradient_norms
from certify.bounds.networks.plain import check_plain

MODELS = [
    (nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)), (5,)),
    (nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 1)), (5,)),
    (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Hardswish(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2)), (1, 4, 4)),
    (nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 6), nn.GELU()), (4,)),
    (nn.Linear(3, 2), (3,)),
]  # fmt: skip


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=range(len(MODELS)))
def test_norms_of_gradients_are_those_of_the_jacobians(model: nn.Module, shape: tuple[int, ...]) -> None:
    model = model.double().eval()
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(20, *shape, generator=generator, dtype=torch.float64)
    found = gradient_norms(model, points, steps=200, generator=generator)
    for point, norm in zip(points, found.tolist(), strict=True):
        whole: Tensor = torch.func.jacrev(lambda x: model(x[None]).flatten())(point)
        jacobian = whole.detach().reshape(-1, point.numel())
        exact = float(torch.linalg.matrix_norm(jacobian, 2))
        assert norm <= exact * (1 + 1e-12)
        assert norm == pytest.approx(exact, rel=1e-3)


def test_what_does_not_depend_on_its_input_has_no_gradient() -> None:
    class Constant(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return torch.ones(len(inputs), 2, dtype=inputs.dtype)

    points = torch.zeros(3, 2, dtype=torch.float64)
    assert gradient_norms(Constant(), points, generator=torch.Generator()).tolist() == [0, 0, 0]
    dead = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).double()
    nn.init.constant_(dead[0].bias, -5.0)  # type: ignore[arg-type]
    assert gradient_norms(dead, points, generator=torch.Generator()).tolist() == [0, 0, 0]


class Tripled(nn.Conv1d):
    def _conv_forward(self, *given: Tensor | None) -> Tensor:
        tripled: Tensor = 3 * super()._conv_forward(*given)  # type: ignore[arg-type]
        return tripled


class Named(nn.Linear):
    """A subclass that computes the same."""

    def __init__(self) -> None:
        super().__init__(2, 2)

    def extra_repr(self) -> str:
        return "two by two"


class Called(nn.ReLU):
    def __call__(self, inputs: Tensor) -> Tensor:
        return 2 * inputs


def test_layers_that_redefine_what_they_compute_are_refused() -> None:
    for layer, words in ((Tripled(1, 1, 1), "_conv_forward"), (Called(), "__call__")):
        with pytest.raises(UnknownModule, match=rf"1\.0 \({type(layer).__name__}\) redefines {words}"):
            check_plain(nn.Sequential(nn.Identity(), nn.Sequential(layer)))
    patched = nn.Linear(2, 2)
    patched.forward = lambda inputs: 5 * inputs  # type: ignore[method-assign, assignment]
    with pytest.raises(UnknownModule, match="forward of its own"):
        check_plain(patched)
    before = nn.Linear(2, 2)
    before.register_forward_pre_hook(lambda module, given: (9 * given[0],))
    with pytest.raises(UnknownModule, match="hooks"):
        check_plain(nn.Sequential(before))


def test_layers_that_compute_what_their_class_does_pass() -> None:
    written = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    with torch.no_grad():
        written.parametrizations.weight.original0.mul_(9)
    model = nn.Sequential(Named(), nn.ReLU(), written)
    check_plain(model)
    points = torch.randn(50, 2)
    found = gradient_norms(model, points, generator=torch.Generator())
    assert float(found.max()) <= lipschitz(model).upper.value
