"""Every operation is differentiated twice rightly, against central differences in float64, or refused."""

from __future__ import annotations

import pytest
import torch
from curvature_cases import REFUSED, RIGHT, central_hessian

from certify.estimators import Hessian, OperatorRefused

pytestmark = pytest.mark.filterwarnings("ignore:.*ComplexHalf.*")


@pytest.mark.parametrize("name", RIGHT)
def test_the_hessian_is_that_of_central_differences(name: str) -> None:
    operation = RIGHT[name]
    parameters = operation.parameters()
    hessian = Hessian.of_function(operation.function, parameters).dense()
    reference = central_hessian(operation.function, parameters)
    assert torch.dist(hessian, reference) <= 1e-8 * torch.linalg.norm(reference) + 1e-10


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_cannot_differentiate_twice_is_refused(name: str) -> None:
    with pytest.raises(OperatorRefused, match=r"torch cannot differentiate this model twice .*: replace this operation"):
        Hessian.of_function(REFUSED[name].function, REFUSED[name].parameters())
