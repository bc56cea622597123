"""What cannot be right is refused when the operator is built, with the cause and the remedy."""

from __future__ import annotations

import functools
import gc
import pickle  # noqa: TID251 - that a refusal survives it is what is tested
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from curvature_models import Transformer, case, classes, network, numbers
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import EmpiricalFisher, Fisher, GaussNewton, Hessian, OperatorRefused

ROWS, LABELS, LOSS = numbers(6, 3), classes(3, 6), nn.CrossEntropyLoss()
KINDS = [Hessian, GaussNewton, Fisher, EmpiricalFisher]


def model(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), *layers, nn.Tanh(), nn.Linear(4, 3)).double()


class Wrapped(nn.Module):
    """A network whose hidden layer goes through a function."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.change = nn.Linear(3, 4), nn.Linear(4, 3), change

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.change(self.first(x))))


class Counting(nn.Module):
    """A network that keeps a running mean, as a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        self.mean.mul_(0.9).add_(0.1 * x.detach().mean(0))
        return self.inner(x - self.mean)


class Remembering(nn.Module):
    """A network whose outputs depend on how often it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.calls = network(), 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.inner(x * (1 + 1 / self.calls))


class WrongSecondDerivative(torch.autograd.Function):
    """The square, whose first derivative is right and whose second derivative is not symmetric, or not right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return WrongBackward.apply(x, gradient)


class WrongBackward(torch.autograd.Function):
    symmetric = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(x, gradient)
        return 2 * x * gradient

    @staticmethod
    def backward(ctx: Any, again: Tensor) -> tuple[Tensor, Tensor]:
        x, gradient = ctx.saved_tensors
        if WrongBackward.symmetric:
            return torch.zeros_like(x), 2 * x * again  # a forgotten term
        return 2 * gradient * again, 2.2 * x * again  # a wrong constant


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0] * gradient


LAYERS: list[tuple[Callable[[], nn.Module], str]] = [
    (lambda: nn.Dropout(0.1), r"the layer '1' \(Dropout\) is random in train mode, .*: call model.eval\(\) first"),
    (lambda: nn.AlphaDropout(0.1), "AlphaDropout"),
    (nn.RReLU, "RReLU"),
    (lambda: nn.BatchNorm1d(4), r"the layer '1' \(BatchNorm1d\) is in train mode: .*: call model.eval\(\) first"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layer", "message"), LAYERS)
def test_layers_of_train_mode_are_refused_by_name(kind: type[Hessian], layer: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        kind(model(layer()), LOSS, (ROWS, LABELS))
    kind(model(layer()).eval(), LOSS, (ROWS, LABELS))


@pytest.mark.parametrize(
    ("made", "data", "message"),
    [
        (nn.TransformerEncoderLayer(4, 2, 5, batch_first=True).double(), numbers(3, 2, 4), r"MultiheadAttention|Dropout"),
        (nn.Sequential(nn.LSTM(2, 3, 2, dropout=0.1)).double(), numbers(3, 2, 2), r"\(LSTM\) drops out"),
        (nn.Sequential(nn.Embedding(4, 3, sparse=True)).double(), classes(4, 6), "sparse gradients.*layer.sparse = False"),
        (nn.Sequential(nn.Embedding(4, 3, max_norm=1.0)).double(), classes(4, 6), "rescales its weight in place"),
    ],
)
def test_other_layers_are_refused_by_name(made: nn.Module, data: Tensor, message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        Hessian(made, nn.MSELoss(), (data, numbers(1)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Wrapped(lambda h: F.dropout(h, 0.3)), r"draws random numbers: .*training=self.training"),
        (Counting(), r"changes the buffer 'mean': call model.eval\(\) first"),
        (Remembering(), "two forward passes on the same data differ"),
    ],
)
def test_models_that_change_between_calls_are_refused(kind: type[Hessian], made: nn.Module, message: str) -> None:
    before = torch.get_rng_state()
    buffers = {name: buffer.clone() for name, buffer in made.named_buffers()}
    with pytest.raises(OperatorRefused, match=message):
        kind(made.double(), LOSS, (ROWS, LABELS))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(buffer.double(), buffers[name].double()) for name, buffer in made.named_buffers())


def test_wrong_second_derivatives_are_refused() -> None:
    made = Wrapped(WrongSecondDerivative.apply).double()
    for dtype in (torch.float64, torch.float32):
        WrongBackward.symmetric = True
        with pytest.raises(OperatorRefused, match=r"disagrees with a central difference|not symmetric"):
            Hessian(made.to(dtype), LOSS, (ROWS.to(dtype), LABELS))
        WrongBackward.symmetric = False
        with pytest.raises(OperatorRefused, match="not symmetric"):
            Hessian(made.to(dtype), LOSS, (ROWS.to(dtype), LABELS))
    with pytest.raises(OperatorRefused, match=r"not symmetric.*once_differentiable"):
        Hessian(Wrapped(Once.apply).double(), LOSS, (ROWS, LABELS))
    made = Wrapped(lambda h: h * h.detach()).double()
    with pytest.raises(OperatorRefused, match=r"disagrees with a central difference.*detach"):
        Hessian(made, LOSS, (ROWS, LABELS))
    with pytest.raises(OperatorRefused, match=r"disagrees with a central difference"):
        GaussNewton(made, LOSS, (ROWS, LABELS))


def poisoned(name: str) -> nn.Module:
    made = model()
    with torch.no_grad():
        dict(made.named_parameters())[name][0] = torch.nan
    return made


def frozen() -> nn.Module:
    made = model()
    made[0].weight.requires_grad_(False)
    return made


def integer() -> nn.Module:
    made = model()
    made.register_parameter("table", nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False))
    return made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: poisoned("2.bias"), "the parameter '2.bias' has 1 entries that are not finite"),
        (frozen, r"the parameter '0.weight' is frozen \(requires_grad is False\): pass parameters="),
        (integer, "the parameter 'table' holds torch.int64"),
        (lambda: nn.Sequential(nn.Tanh()), "the model has no parameters"),
        (lambda: model().to("meta"), "meta device"),
        (lambda: F.relu, "no torch.nn.Module"),
        (lambda: nn.Linear(3, 3, dtype=torch.complex128), "complex128"),
    ],
)
def test_wrong_parameters_are_refused_by_name(kind: type[Hessian], made: Callable[[], Any], message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        kind(made(), LOSS, (ROWS, LABELS))


def test_a_frozen_parameter_may_be_left_out_or_chosen() -> None:
    made = frozen()
    assert (
        Hessian(made, LOSS, (ROWS, LABELS), parameters=[n for n, p in made.named_parameters() if p.requires_grad]).shape[0] == 19
    )
    assert Hessian(made, LOSS, (ROWS, LABELS), parameters="0.*").shape[0] == 16
    with pytest.raises(ValueError, match=r"no parameter is named 'head.*': there are 0.weight"):
        Hessian(made, LOSS, (ROWS, LABELS), parameters="head.*")


def batches_of(count: int) -> Iterator[tuple[Tensor, Tensor]]:
    yield from [(ROWS, LABELS)] * count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (list, "the loader is empty"),
        (lambda: batches_of(0), "the loader is empty"),
        (lambda: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(ROWS[:0], LABELS[:0])), "the loader is empty"),
        (lambda: (ROWS[:0], LABELS[:0]), "no example"),
        (
            lambda: (ROWS.clone().index_fill_(0, torch.tensor([2]), torch.inf), LABELS),
            "inputs of batch 0 have 3 entries that are not",
        ),
        (lambda: [(ROWS, LABELS), (ROWS * torch.nan, LABELS)], "inputs of batch 1"),
        (lambda: (ROWS, torch.full_like(LABELS, -100)), "no datum counts"),
        (lambda: 3, "pass a tuple"),
        (lambda: [ROWS, ROWS, ROWS], "batch 0 is no pair"),
        (lambda: [(ROWS, LABELS, LABELS)], "batch 0 is no pair of inputs and targets but tuple of 3"),
    ],
)
def test_wrong_data_are_refused(kind: type[Hessian], data: Callable[[], Any], message: str) -> None:
    with pytest.raises(OperatorRefused, match=message):
        kind(model(), LOSS, data())


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.CrossEntropyLoss(reduction="sum"), "reduced by 'sum'"),
        (functools.partial(F.cross_entropy, reduction="none"), "reduced by 'none'"),
        (lambda f, y: F.cross_entropy(f, y, reduction="sum"), "sums over the examples"),
        (lambda f, y: F.cross_entropy(f, y, reduction="none"), r"a tensor of shape \(6,\), not one number: reduce it by mean"),
        (lambda f, y: 0.5, "the loss of batch 0 is float"),
        (lambda f, y: (f - f).log().mean(), "the loss of batch 0 is -inf"),
        ("cross-entropy", "loss is str"),
    ],
)
def test_wrong_losses_are_refused(loss: Any, message: str) -> None:
    for kind in (Hessian, GaussNewton):
        with pytest.raises(OperatorRefused, match=message):
            kind(model(), loss, (ROWS, LABELS))


def test_a_curvature_that_is_not_finite_names_the_parameter() -> None:
    made = nn.Linear(3, 3).double()
    with torch.no_grad():
        made.bias.zero_()
    with pytest.raises(OperatorRefused, match="the curvature in the parameter 'bias' is not finite"):
        Hessian.of_function(
            lambda p: torch.linalg.vector_norm(p["bias"]) + p["weight"].square().sum(), dict(made.named_parameters())
        )


def test_examples_that_act_on_each_other_have_no_empirical_fisher() -> None:
    made = model(nn.BatchNorm1d(4, track_running_stats=False))
    Hessian(made, LOSS, (ROWS, LABELS))
    for attempt in (
        lambda: EmpiricalFisher(made, LOSS, (ROWS, LABELS)),
        lambda: Fisher(made, LOSS, (ROWS, LABELS), samples=1),
    ):
        with pytest.raises(OperatorRefused, match="the output of an example changes with the other examples"):
            attempt()
    with pytest.raises(OperatorRefused, match="the loss is no weighted mean of one term for each example"):
        EmpiricalFisher(model(), lambda f, y: (f @ f.T).logsumexp(1).mean(), (ROWS, LABELS))


def test_the_unit_of_sequences_has_to_be_said() -> None:
    problem = case("transformer")
    with pytest.raises(OperatorRefused, match="pass unit='example' or unit='token'"):
        EmpiricalFisher(problem.model, problem.loss, problem.data)
    with pytest.raises(ValueError, match="'word' is not a valid Unit"):
        EmpiricalFisher(problem.model, problem.loss, problem.data, unit="word")
    flat = nn.Sequential(Transformer().double(), nn.Flatten(0, 1))
    with pytest.raises(OperatorRefused, match="no row for each of 3 examples"):
        EmpiricalFisher(flat, lambda f, y: F.cross_entropy(f, y.flatten()), problem.data, unit="example")
    EmpiricalFisher(flat, lambda f, y: F.cross_entropy(f, y.flatten()), problem.data, unit="token")
    with pytest.raises(OperatorRefused, match="do not show which entries belong to one token"):
        EmpiricalFisher(problem.model, lambda f, y: f.square().mean(), (problem.data[0], numbers(3, 7, 2)), unit="token")


def test_outputs_that_are_no_tensor_have_a_hessian_only() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"logits": self.inner(x)}

    def loss(outputs: dict[str, Tensor], targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs["logits"], targets)

    made = Named().double()
    reference = Hessian(made.inner, LOSS, (ROWS, LABELS)).dense()
    torch.testing.assert_close(Hessian(made, loss, (ROWS, LABELS)).dense(), reference)
    with pytest.raises(OperatorRefused, match="returns dict: wrap it"):
        GaussNewton(made, loss, (ROWS, LABELS))


def test_outputs_without_parameters_are_refused() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x).detach()

    with pytest.raises(OperatorRefused, match="do not depend on the parameters"):
        GaussNewton(Cut().double(), LOSS, (ROWS, LABELS))
    with pytest.raises(OperatorRefused, match="depend"):
        Hessian(Cut().double(), LOSS, (ROWS, LABELS))


CHANGES: dict[str, tuple[Callable[[nn.Sequential, Any, Tensor], object], str]] = {
    "a write through .data": (lambda made, loss, rows: made[0].bias.data.add_(1e-12), "the parameters or the data"),
    "another tensor in .data": (lambda made, loss, rows: setattr(made[0].bias, "data", made[0].bias.data * 2), "the parameters"),
    "a state that is loaded": (lambda made, loss, rows: made.load_state_dict(made.state_dict()), "the parameters or the data"),
    "other rows": (lambda made, loss, rows: rows.mul_(2), "the parameters or the data"),
    "other rows through .data": (lambda made, loss, rows: rows.data.mul_(2), "the parameters or the data"),
    "another parameter": (lambda made, loss, rows: setattr(made[0], "bias", nn.Parameter(made[0].bias * 2)), "the layers"),
    "another layer": (lambda made, loss, rows: made.__setitem__(2, nn.Sigmoid()), "the layers of the model"),
    "one layer more": (lambda made, loss, rows: made.append(nn.Linear(3, 3).double()), "the layers of the model"),
    "statistics of a batch": (lambda made, loss, rows: made[1].running_var.mul_(3), "the buffers of the model"),
    "weights of classes": (lambda made, loss, rows: loss.weight.mul_(torch.arange(3.0).double()), "the weights of the loss"),
}


@pytest.mark.parametrize("retain", [True, False])
@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_after_the_operator_was_built_is_refused(what: str, retain: bool) -> None:
    made, rows, loss = model(nn.BatchNorm1d(4)).eval(), ROWS.clone(), nn.CrossEntropyLoss(weight=torch.ones(3).double())
    change, words = CHANGES[what]
    operator = Hessian(made, loss, (rows, LABELS), retain=retain)
    ones = torch.ones(operator.shape[0], dtype=torch.float64)
    assert torch.equal(operator @ ones, operator @ ones)
    change(made, loss, rows)
    with pytest.raises(OperatorRefused, match=f"{words}.* were changed since this operator was built: build it again"):
        operator @ ones


def test_train_mode_is_refused_only_where_the_model_is_run_again() -> None:
    made = model(nn.Dropout(0.5)).eval()
    kept, streamed = (Hessian(made, LOSS, (ROWS, LABELS), retain=retain) for retain in (True, False))
    ones = torch.ones(kept.shape[0], dtype=torch.float64)
    before = kept @ ones
    torch.testing.assert_close(streamed @ ones, before, rtol=1e-12, atol=1e-14)
    made.train()
    assert torch.equal(kept @ ones, before)
    with pytest.raises(OperatorRefused, match="the train or eval modes of layers were changed"):
        streamed @ ones
    made.eval()
    torch.testing.assert_close(streamed @ ones, before, rtol=1e-12, atol=1e-14)


def test_a_write_into_a_tensor_of_another_memory_format_is_noticed() -> None:
    made = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Tanh(), nn.Flatten()).double().to(memory_format=torch.channels_last)
    assert not made[0].weight.is_contiguous()
    operator = Hessian(made, LOSS, (numbers(6, 2, 2, 2), LABELS))
    made[0].weight.data.mul_(2)
    with pytest.raises(OperatorRefused, match="the parameters or the data were changed"):
        operator @ torch.ones(operator.shape[0], dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("made", "data", "message"),
    [
        (model(), (ROWS.float(), LABELS), r"raises RuntimeError on batch 0 \(.*dtype.*\): mend loss"),
        (model(), (ROWS, LABELS + 7), r"raises IndexError on batch 0 \(Target . is out of bounds\): mend loss"),
        (model(), (ROWS, LABELS[:4]), r"raises ValueError on batch 0 \(.*match.*\): mend loss"),
        (model(), ({"rows": ROWS}, LABELS), r"raises TypeError on batch 0 \(.*rows.*\): mend loss"),
        (nn.Sequential(nn.LazyLinear(3)), (ROWS, LABELS), "'0.weight' has no shape yet: call the model once on a batch"),
    ],
)
def test_errors_of_the_model_or_the_loss_come_in_one_line(kind: type[Hessian], made: nn.Module, data: Any, message: str) -> None:
    with pytest.raises(OperatorRefused, match=message) as caught:
        kind(made, LOSS, data)
    assert "\n" not in str(caught.value)


def test_a_target_beyond_the_weights_of_classes_is_refused() -> None:
    with pytest.raises(OperatorRefused, match=r"a target is class 9, and the loss has weights of 3 classes: check the targets"):
        Hessian(model(), nn.CrossEntropyLoss(weight=torch.ones(3).double()), (ROWS, torch.tensor([0, 1, 9, 2, -100, 0])))


def test_a_block_of_no_parameters_is_refused() -> None:
    operator = Hessian(model(), LOSS, (ROWS, LABELS))
    for attempt in (lambda: operator.block([]), lambda: operator.block("0.*", []), lambda: operator.damped(0.1).block([])):
        with pytest.raises(OperatorRefused, match="there are no parameters: name at least one"):
            attempt()


def test_a_loss_without_curvature_in_the_outputs_has_no_gauss_newton_matrix() -> None:
    made = nn.Sequential(model(), nn.LogSoftmax(1))
    for loss in (nn.NLLLoss(), functools.partial(F.nll_loss, ignore_index=1), F.nll_loss):
        with pytest.raises(OperatorRefused, match=r"Gauss-Newton matrix is zero: let the model end in the logits, and pass"):
            GaussNewton(made, loss, (ROWS, LABELS))
    assert float(Hessian(made, nn.NLLLoss(), (ROWS, LABELS)).dense().abs().max()) > 0


def test_graphs_go_with_the_operator() -> None:
    """Without the garbage collector: memory of an accelerator must not wait for it."""
    for kind in KINDS:
        made = model()
        operator = kind(made, LOSS, (ROWS, LABELS), retain=True)
        operator.damped(0.1) @ torch.ones(operator.shape[0], dtype=torch.float64)
        engine, weights = weakref.ref(operator._engine), weakref.ref(made)
        collecting = gc.isenabled()
        gc.disable()
        try:
            del operator, made
            assert engine() is None and weights() is None
        finally:
            if collecting:
                gc.enable()


def test_loaders_that_give_other_data_are_refused() -> None:
    class Noisy(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return ROWS[index] + torch.randn(3), LABELS[index]

    operator = GaussNewton(model(), LOSS, torch.utils.data.DataLoader(Noisy(), batch_size=4))
    with pytest.raises(OperatorRefused, match="the loader gave other data than in the first pass: turn off random augmentation"):
        operator @ torch.ones(operator.shape[0], dtype=torch.float64)
    shuffled = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(ROWS, LABELS), batch_size=2, shuffle=True)
    drawn = Fisher(model(), LOSS, shuffled, samples=2)

    def often() -> None:
        for _ in range(20):
            drawn @ torch.ones(drawn.shape[0], dtype=torch.float64)

    with pytest.raises(OperatorRefused, match="pass a loader that does not shuffle"):
        often()


def test_a_compiled_module_is_taken_out_of_its_wrapper() -> None:
    made = model()
    compiled = torch.compile(made, backend="eager")
    torch.testing.assert_close(
        Hessian(compiled, LOSS, (ROWS, LABELS)).dense(), Hessian(made, LOSS, (ROWS, LABELS)).dense(), rtol=1e-12, atol=1e-14
    )  # fmt: skip


def test_a_padding_row_that_is_used_is_refused_and_named() -> None:
    """torch takes its derivative for zero, which is not that of the function."""
    words = torch.tensor([0, 1, 2, 3, 0, 1])
    for padding in (0, None):
        made = nn.Sequential(nn.Embedding(4, 3, padding_idx=padding), nn.Tanh(), nn.Linear(3, 3)).double()
        with torch.no_grad():
            made[0].weight.add_(0.3)
        if padding is None:
            Hessian(made, LOSS, (words, LABELS))
        else:
            with pytest.raises(OperatorRefused, match="the padding_idx of an embedding"):
                Hessian(made, LOSS, (words, LABELS))


class Twice(nn.Module):
    """One layer under two names, and one weight in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.tied, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
        self.again, self.tied.weight = self.first, self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.tied(torch.tanh(self.again(torch.tanh(self.first(x)))))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_under_two_names_stays_in_its_place(kind: type[Hessian]) -> None:
    """torch's functional_call leaves another tensor in such a model."""
    made = Twice().double()
    before = dict(made.named_parameters(remove_duplicate=False))
    operator = kind(made, LOSS, (ROWS, LABELS), retain=False)
    dense = operator.dense()
    after = dict(made.named_parameters(remove_duplicate=False))
    assert list(before) == list(after) and all(before[name] is after[name] for name in before)
    if kind is Hessian:
        point = [p.detach().clone() for p in made.parameters()]

        def gradient(step: float, direction: list[Tensor]) -> Tensor:
            with torch.no_grad():
                for p, at, along in zip(made.parameters(), point, direction, strict=True):
                    p.copy_(at + step * along)
            return torch.cat([g.flatten() for g in torch.autograd.grad(LOSS(made(ROWS), LABELS), list(made.parameters()))])

        v = numbers(operator.shape[0])
        along = operator.columns.split(v)
        expected = (gradient(1e-5, along) - gradient(-1e-5, along)) / 2e-5
        torch.testing.assert_close(dense @ v, expected, rtol=1e-7, atol=1e-8)


def test_nothing_of_the_users_model_is_touched() -> None:
    made = model(nn.BatchNorm1d(4)).eval()
    before = {name: (tensor.clone(), tensor._version) for name, tensor in made.state_dict().items()}
    for kind in KINDS:
        kind(made, LOSS, (ROWS, LABELS)).dense()
    assert all(p.grad is None for p in made.parameters())
    for name, tensor in made.state_dict().items():
        assert torch.equal(tensor, before[name][0]) and tensor._version == before[name][1]


def test_a_refusal_reaches_another_process_whole() -> None:
    refusal = OperatorRefused("a cause", "a remedy")
    again = pickle.loads(pickle.dumps(refusal))
    assert (str(again), again.cause, again.remedy) == (str(refusal), "a cause", "a remedy")
