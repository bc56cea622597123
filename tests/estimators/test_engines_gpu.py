"""The same products on an accelerator: run with ``pytest -m gpu`` on a machine that has one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from curvature_models import CASES, case
from torch import Tensor

from certify.estimators import EmpiricalFisher, Fisher, GaussNewton, Hessian, OperatorRefused

pytestmark = pytest.mark.gpu
SEQUENCES = [name for name in CASES if name.startswith("transformer")]


@pytest.fixture
def device() -> str:
    """The accelerator."""
    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    return "cuda"


def moved(data: Any, device: str) -> Any:
    return tuple(moved(part, device) for part in data) if isinstance(data, tuple) else data.to(device)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", [Hessian, GaussNewton, EmpiricalFisher])
def test_the_accelerator_agrees_with_the_processor(device: str, name: str, kind: type[Hessian]) -> None:
    here, there = case(name), case(name)
    options: dict[str, Any] = {"unit": "token"} if name in SEQUENCES else {}
    expected = kind(here.model, here.loss, here.data, **options).dense()
    there.model.to(device)
    loss = there.loss.to(device) if isinstance(there.loss, torch.nn.Module) else there.loss
    found = kind(there.model, loss, moved(there.data, device), **options)
    assert found.device.type == device
    torch.testing.assert_close(found.dense().cpu(), expected, rtol=1e-9, atol=1e-11)
    from_host = kind(there.model, loss, [there.data], retain=False, **options)  # batches are moved to the model
    torch.testing.assert_close(from_host.dense().cpu(), expected, rtol=1e-9, atol=1e-11)


def test_drawn_targets_and_blocks_on_the_accelerator(device: str) -> None:
    made = case("layer norm")
    data = moved(made.data, device)
    made.model.to(device)
    exact = GaussNewton(made.model, made.loss, data)
    drawn = Fisher(made.model, made.loss, data, samples=2000, generator=torch.Generator().manual_seed(0))
    block = torch.randn(exact.shape[0], 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(device)
    assert float(torch.dist(drawn @ block, exact @ block)) < 0.15 * float(torch.linalg.norm(exact @ block))
    for j in (0, 23):
        torch.testing.assert_close((exact @ block)[:, j], exact @ block[:, j], rtol=1e-9, atol=1e-11)
    with pytest.raises(ValueError, match="lies on cpu"):
        exact @ block.cpu()


def test_a_forward_pass_in_half_precision(device: str) -> None:
    class Half(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cuda", dtype=torch.bfloat16):
                return self.inner(x)

    made = case("layer norm")
    data = (made.data[0].float().to(device), made.data[1].to(device))
    plain = GaussNewton(made.model.float().to(device), made.loss, data).dense()
    half = GaussNewton(Half(made.model), made.loss, data)
    assert half.probes.working is torch.bfloat16
    assert float(torch.dist(half.dense(), plain) / torch.linalg.norm(plain)) < 0.05


def test_dropout_is_noticed_on_the_accelerator(device: str) -> None:
    class Dropping(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return torch.nn.functional.dropout(self.inner(x), 0.2)

    made = case("cross-entropy")
    with pytest.raises(OperatorRefused, match="draws random numbers"):
        Hessian(Dropping(made.model.to(device)), made.loss, moved(made.data, device))
