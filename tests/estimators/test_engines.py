"""Parts of the engines: blocks, streaming, probes, losses, data, and what a wrong route of differentiation would do."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from curvature_models import Transformer, case, classes, network, numbers, sequence_loss
from torch import Tensor, nn
from torch.nn import functional as F

from certify.estimators import EmpiricalFisher, Fisher, GaussNewton, Hessian, OperatorRefused, progress
from certify.estimators.engines import blocks, streamed
from certify.estimators.engines.blocks import Blocks
from certify.estimators.engines.data import Batch, first_examples
from certify.estimators.engines.double_backward import GradientGraph
from certify.estimators.engines.losses import closed_form, counted_tokens, differentiated, recognise, weight
from certify.estimators.engines.parameters import Layout
from certify.estimators.engines.probes import examine, gradient_difference
from certify.estimators.engines.problem import Problem
from certify.estimators.engines.pullbacks import linear
from certify.estimators.engines.streamed import Engine

ROWS, LABELS, LOSS = numbers(6, 3), classes(3, 6), nn.CrossEntropyLoss()


class ForwardOverReverse:
    """jvp of jacrev, the route of other libraries, as an engine: wrong in normalisation layers of torch 2.13."""

    def __init__(self, problem: Problem, batch: Batch) -> None:
        self._problem, self._batch = problem, batch

    def product(self, vectors: Sequence[Tensor], rows: Sequence[int], columns: Sequence[int], batched: bool) -> list[Tensor]:
        problem, point = self._problem, tuple(p.detach() for p in self._problem.parameters)

        def loss(*parameters: Tensor) -> Tensor:
            return problem.loss(problem.outputs(self._batch, parameters), self._batch.targets)

        every = tuple(range(len(point)))
        with torch.enable_grad():
            return list(torch.func.jvp(torch.func.jacrev(loss, argnums=every), point, tuple(vectors))[1])


@pytest.mark.parametrize("name", ["layer norm", "cross-entropy"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_wrong_route_is_refused_and_a_right_one_passes(name: str, dtype: torch.dtype) -> None:
    made = case(name)
    problem = Problem(made.model.to(dtype), made.loss, (made.data[0].to(dtype), made.data[1]))
    engine = Engine(problem, ForwardOverReverse, retain=True)
    if name == "cross-entropy":
        probes = examine(engine, ForwardOverReverse, gradient_difference, mixes=True)
        assert probes.accuracy < 100 * torch.finfo(dtype).eps
    else:
        with pytest.raises(OperatorRefused, match=r"not symmetric|not those of one symmetric matrix"):
            examine(engine, ForwardOverReverse, gradient_difference, mixes=True)


def test_double_backward_is_right_where_torch_func_hessian_is_not() -> None:
    made = case("layer norm")
    ours = Hessian(made.model, made.loss, made.data).dense()
    theirs = torch.func.hessian(lambda point: made.loss_at(made.outputs(point)))(made.point)
    assert float(torch.dist(ours, theirs) / torch.linalg.norm(ours)) > 1e-3  # if this fails, torch has mended it: rejoice
    asymmetry = [float(torch.dist(matrix, matrix.T) / torch.linalg.norm(matrix)) for matrix in (ours, theirs)]
    assert asymmetry[0] < 1e-12 < 1e-3 < asymmetry[1]


def test_the_probes_are_sharp_where_they_can_run() -> None:
    made = case("transformer")
    probes = Hessian(made.model, made.loss, made.data).probes
    assert probes.working is torch.float64 and probes.size == len(made.point)
    assert probes.difference is not None and probes.difference < 1e-6 and probes.precision == 0.0
    single = Hessian(made.model.float(), made.loss, made.data).probes
    assert single.working is torch.float32
    assert single.difference is not None and single.precision is not None and 0 < single.precision < 1e-5


def test_the_probes_in_float64_are_left_out_where_a_model_keeps_another_type() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner[3](torch.tanh(self.inner[0](x)).float().sigmoid())

    probes = Hessian(Fixed(), LOSS, (ROWS.float(), LABELS)).probes
    assert probes.difference is None and probes.precision is None and probes.accuracy < 1e-5


def test_a_forward_pass_in_half_precision_is_noticed() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner(x)

    made = Half()
    inputs = numbers(40, 3).float()
    for kind in (Hessian, GaussNewton, EmpiricalFisher):
        operator = kind(made, LOSS, (inputs, classes(3, 40)))
        assert operator.probes.working is torch.bfloat16 and operator.dtype is torch.float32
        assert 1e-5 < operator.accuracy < 0.3
        plain = kind(made.inner, LOSS, (inputs, classes(3, 40))).dense()
        assert float(torch.dist(operator.dense(), plain) / torch.linalg.norm(plain)) < 0.05


@pytest.mark.parametrize("name", ["layer norm", "convolution", "transformer", "recurrent"])
@pytest.mark.parametrize("kind", [Hessian, GaussNewton, Fisher, EmpiricalFisher])
def test_batched_and_looped_products_agree(name: str, kind: type[Hessian]) -> None:
    made = case(name)
    options: dict[str, Any] = {"unit": "token"} if name == "transformer" else {}
    operator = kind(made.model, made.loss, made.data, **options)
    block = torch.randn(operator.shape[0], 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = {}
    for batched in (False, True):
        for chooser in operator._engine._blocks.values():
            chooser.batched = batched
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch loops where it has no batching rule, and says so
            found[batched] = operator @ block
    assert name != "convolution" or kind is not Hessian or not chooser.batched  # group norm has no rule: fell back to the loop
    torch.testing.assert_close(found[True], found[False], rtol=1e-10, atol=1e-12)


def test_the_choice_between_loop_and_vmap_is_measured_once() -> None:
    calls: list[tuple[bool, int]] = []

    def multiply(rows: Tensor, batched: bool) -> Tensor:
        calls.append((batched, len(rows)))
        return 2 * rows

    chooser = Blocks()
    rows = torch.ones(3, 5)
    assert torch.equal(chooser.apply(multiply, rows), 2 * rows) and chooser.batched is None
    rows = torch.ones(40, 5)
    assert torch.equal(chooser.apply(multiply, rows), 2 * rows) and chooser.batched is not None
    chosen, count = chooser.batched, len(calls)
    chooser.apply(multiply, rows)
    assert {flag for flag, _ in calls[count:]} == {chosen}
    if chosen:
        assert [size for _, size in calls[count:]] == [blocks.CHUNK, blocks.CHUNK, 8]


@pytest.mark.parametrize("error", [RuntimeError("no rule"), UserWarning("slow"), None])
def test_vmap_is_left_out_where_it_fails_warns_or_differs(error: Exception | None) -> None:
    def multiply(rows: Tensor, batched: bool) -> Tensor:
        if batched and isinstance(error, UserWarning):
            warnings.warn("There is a performance drop", UserWarning, stacklevel=1)
        elif batched and error is not None:
            raise error
        return (3 if batched else 2) * rows

    chooser, rows = Blocks(), torch.ones(8, 5)
    assert torch.equal(chooser.apply(multiply, rows), 2 * rows) and chooser.batched is False


def test_vmap_that_runs_out_of_memory_becomes_a_loop() -> None:
    def multiply(rows: Tensor, batched: bool) -> Tensor:
        if batched:
            raise torch.OutOfMemoryError("too large")
        return 2 * rows

    chooser, rows = Blocks(), torch.ones(20, 5)
    chooser.batched = True
    assert torch.equal(chooser.apply(multiply, rows), 2 * rows) and chooser.batched is False


def test_a_short_list_keeps_its_graphs_and_a_long_one_does_not() -> None:
    made, batch = network().double(), (ROWS, LABELS)
    assert Hessian(made, LOSS, [batch] * streamed.MOST_KEPT).retained
    assert not Hessian(made, LOSS, [batch] * (streamed.MOST_KEPT + 1)).retained
    assert not Hessian(made, LOSS, batch, retain=False).retained


def test_streaming_builds_each_graph_once_for_a_block() -> None:
    made, built = network().double(), []

    def build(problem: Problem, batch: Batch) -> GradientGraph:
        built.append(batch.index)
        return GradientGraph(problem.loss_of(batch), problem.parameters)

    engine = Engine(Problem(made, LOSS, [(ROWS, LABELS)] * 3), build, retain=False)
    everything = range(4)
    engine.multiply(torch.ones(5, engine.problem.layout.size, dtype=torch.float64), everything, everything)
    assert built == [0, 1, 2]
    assert engine.problem.data.passes == 1


def test_batches_without_a_target_that_counts_are_passed_over() -> None:
    made = network().double()
    ignored = torch.full_like(LABELS, -100)
    for kind in (Hessian, GaussNewton):
        operator = kind(made, LOSS, [(ROWS, ignored), (ROWS, LABELS)])
        torch.testing.assert_close(operator.dense(), kind(made, LOSS, (ROWS, LABELS)).dense(), rtol=1e-12, atol=1e-14)


def test_weights_of_batches_are_what_the_loss_divides_by() -> None:
    weights = torch.tensor([0.5, 1.0, 2.0])
    assert weight(nn.CrossEntropyLoss(weight=weights), None, torch.tensor([0, 2, -100])) == 2.5
    assert weight(F.cross_entropy, None, torch.ones(4, 3, 5)) == 20
    assert weight(nn.MSELoss(), None, torch.ones(4, 3)) == 12
    assert weight(nn.NLLLoss(weight=weights, ignore_index=1), None, torch.tensor([0, 2, 1])) == 2.5
    assert weight(functools.partial(F.nll_loss, ignore_index=0), None, torch.tensor([[0, 2, 1]])) == 2
    assert counted_tokens(nn.NLLLoss(ignore_index=1), torch.tensor([[0, 2, 1]])) == 2
    assert weight(sequence_loss, None, torch.ones(4, 3)) == 4
    assert weight(sequence_loss, torch.ones(5, 2), None) == 5
    assert weight(sequence_loss, None, 3) == 1


def test_a_negative_log_likelihood_in_batches_is_the_mean_over_all_data() -> None:
    """torch divides it by the weights of the targets that are not ignored: equal shares of the batches would be another matrix."""
    made = nn.Sequential(network(), nn.LogSoftmax(1)).double()
    loss = nn.NLLLoss(weight=torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64), ignore_index=1)
    labels = torch.tensor([1, 0, 1, 2, 2, 0])
    batches = [(ROWS[:1], labels[:1]), (ROWS[1:3], labels[1:3]), (ROWS[3:], labels[3:])]
    for kind in (Hessian, EmpiricalFisher):
        expected = kind(made, loss, (ROWS, labels)).dense()
        torch.testing.assert_close(kind(made, loss, batches).dense(), expected, rtol=1e-12, atol=1e-14)
    by_examples = sum(len(y) / 5 * Hessian(made, loss, (x, y)).dense() for x, y in batches[1:])
    assert float((by_examples - Hessian(made, loss, (ROWS, labels)).dense()).abs().max()) > 1e-3


def test_only_losses_that_are_known_are_recognised() -> None:
    class Mine(nn.CrossEntropyLoss):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return 2 * super().forward(outputs, targets)

    assert recognise(nn.CrossEntropyLoss()) is not None
    assert recognise(Mine()) is None and recognise(lambda f, y: f) is None and recognise(F.l1_loss) is None
    outputs, labels = numbers(6, 3), classes(3, 6)
    assert closed_form(Mine(), outputs, labels) is None
    made = network().double()
    torch.testing.assert_close(
        GaussNewton(made, Mine(), (ROWS, LABELS)).dense(), 2 * GaussNewton(made, LOSS, (ROWS, LABELS)).dense()
    )
    assert closed_form(nn.MSELoss(), outputs, numbers(6, 1)) is None  # broadcast


def test_losses_with_negative_weights_are_not_claimed_to_be_convex() -> None:
    negative = torch.tensor([1.0, -0.5, 1.0], dtype=torch.float64)
    soft = numbers(6, 3, seed=4).softmax(1)
    made = network().double()
    for loss, targets in (
        (nn.CrossEntropyLoss(weight=negative), LABELS),
        (nn.CrossEntropyLoss(weight=negative), -soft),
        (nn.BCEWithLogitsLoss(weight=negative), soft),
        (nn.PoissonNLLLoss(log_input=False), -soft),
    ):
        known = closed_form(loss, numbers(6, 3), targets)
        assert known is not None and not known.convex
        exact = differentiated(lambda f, loss=loss, targets=targets: loss(f, targets), numbers(6, 3))
        torch.testing.assert_close(known.product(numbers(6, 3, seed=9)), exact.product(numbers(6, 3, seed=9)))
    assert not GaussNewton(made, nn.CrossEntropyLoss(weight=negative), (ROWS, torch.zeros_like(LABELS))).positive_semidefinite


def test_the_convexity_of_another_loss_can_be_declared() -> None:
    made = case("log-cosh")
    operator = GaussNewton(made.model, made.loss, made.data, convex_loss="log cosh is convex")
    assert operator.positive_semidefinite and "log cosh is convex" in str(operator.positive_semidefinite.evidence)


def test_a_later_batch_whose_loss_is_not_convex_is_refused() -> None:
    made = nn.Sequential(network(), nn.Softplus()).double()
    counts = classes(4, 6, 3).double()
    operator = GaussNewton(made, nn.PoissonNLLLoss(log_input=False), [(ROWS, counts)] * 9 + [(ROWS, -counts)])
    assert operator.positive_semidefinite
    with pytest.raises(OperatorRefused, match="the loss of batch 9 is not known to be convex"):
        operator @ torch.ones(operator.shape[0], dtype=torch.float64)


def test_drawn_targets_come_from_the_generator_that_is_passed() -> None:
    made, state = network().double(), torch.get_rng_state()

    def drawn(seed: int | None) -> Tensor:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return Fisher(made, LOSS, (ROWS, LABELS), samples=1, generator=generator).dense()

    same(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2)) and not torch.equal(drawn(None), drawn(None))
    assert torch.equal(state, torch.get_rng_state())
    batches = [(ROWS[:2], LABELS[:2]), (ROWS[2:], LABELS[2:])]
    kept, once = (
        Fisher(made, LOSS, batches, samples=2, generator=torch.Generator().manual_seed(5), retain=retain).dense()
        for retain in (True, False)
    )
    torch.testing.assert_close(kept, once, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="positive number"):
        Fisher(made, LOSS, (ROWS, LABELS), samples=0)


def test_inputs_are_spread_as_arguments_or_keywords() -> None:
    made = case("two inputs")
    left, right = made.data[0]
    expected = Hessian(made.model, made.loss, made.data).dense()
    named = Hessian(made.model, made.loss, ({"left": left, "right": right}, made.data[1])).dense()
    loader = [((left[:2], right[:2]), made.data[1][:2]), ({"left": left[2:], "right": right[2:]}, made.data[1][2:])]
    same(named, expected)
    torch.testing.assert_close(Hessian(made.model, made.loss, loader).dense(), expected, rtol=1e-12, atol=1e-14)
    assert first_examples(Batch((left, torch.ones(1)), made.data[1], 0), 2) is None


def test_a_list_of_two_tensors_is_a_pair() -> None:
    made = network().double()
    same(Hessian(made, LOSS, [ROWS, LABELS]).dense(), Hessian(made, LOSS, (ROWS, LABELS)).dense())


def same(one: torch.Tensor, other: torch.Tensor) -> None:
    """Equal but for the last bits: a probe of time decides between a loop and a batch, and they sum in another order."""
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


def test_tensors_made_in_inference_mode() -> None:
    made = network().double()
    with torch.inference_mode():
        rows, other = ROWS + 0, network().double()
    same(Hessian(made, LOSS, (rows, LABELS)).dense(), Hessian(made, LOSS, (ROWS, LABELS)).dense())
    with pytest.raises(OperatorRefused, match="inference_mode"):
        Hessian(other, LOSS, (ROWS, LABELS))


def test_products_run_where_gradients_are_switched_off() -> None:
    made = network().double()
    expected = Hessian(made, LOSS, (ROWS, LABELS)).dense()
    with torch.no_grad():
        for retain in (True, False):
            for kind in (Hessian, GaussNewton, EmpiricalFisher):
                kind(made, LOSS, (ROWS, LABELS), retain=retain).dense()
        same(Hessian(made, LOSS, (ROWS, LABELS), retain=False).dense(), expected)


def test_ordinary_attention_is_differentiated_twice_without_being_asked() -> None:
    made = Transformer().double()
    hessian = Hessian(made, sequence_loss, (classes(5, 3, 4), classes(3, 3, 4)))
    assert hessian.probes.difference is not None and hessian.probes.difference < 1e-6


def test_kept_derivatives_are_used_and_have_the_values_of_torch() -> None:
    made = nn.Sequential(
        nn.Conv1d(1, 2, 2), nn.GELU(), nn.Conv1d(2, 2, 2), nn.ReLU(), nn.Flatten(), nn.LayerNorm(6), nn.SiLU(), nn.Linear(6, 3),
        nn.Sigmoid(), nn.Linear(3, 3), nn.Tanh(),
    ).double()  # fmt: skip
    rows = numbers(6, 1, 5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3)
    problem = Problem(made, LOSS, (rows, LABELS))
    loss = problem.loss_of(problem.data.first())
    plain = LOSS(made(rows), LABELS)
    torch.testing.assert_close(loss, plain, rtol=1e-14, atol=0)
    names, queue = set(), [loss.grad_fn]
    while queue:
        node = queue.pop()
        if node is not None:
            names.add(node.name())
            queue += [parent for parent, _ in node.next_functions]
    assert "_ValueBackward" in names
    assert not names & {"GeluBackward0", "ConvolutionBackward0", "ReluBackward0", "NativeLayerNormBackward0", "TanhBackward0"}
    gradient = GradientGraph(loss, problem.parameters).gradient
    for found, expected in zip(gradient, torch.autograd.grad(plain, list(made.parameters())), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    assert Hessian(made, LOSS, (rows, LABELS)).accuracy < 1e-12


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_checkpointed_layer_has_no_hessian_here_and_the_right_gauss_newton_matrix(dtype: torch.dtype) -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Tanh()), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.utils.checkpoint.checkpoint(self.first, x, use_reentrant=False))

    made = Checkpointed().to(dtype)
    plain, data = nn.Sequential(made.first, made.last), (ROWS.to(dtype), LABELS)
    with pytest.raises(OperatorRefused, match=r"run again by torch.utils.checkpoint.*: switch checkpointing off"):
        Hessian(made, LOSS, data)
    for kind in (GaussNewton, Fisher, EmpiricalFisher):
        tolerance = 1e3 * torch.finfo(dtype).eps
        torch.testing.assert_close(
            kind(made, LOSS, data).dense(), kind(plain, LOSS, data).dense(), rtol=tolerance, atol=tolerance
        )


def test_layouts_split_and_join() -> None:
    layout = Layout(("a", "b", "c"), (torch.Size([2, 3]), torch.Size([]), torch.Size([4])))
    rows = torch.arange(22.0).reshape(2, 11)
    pieces = layout.split(rows)
    assert [tuple(piece.shape) for piece in pieces] == [(2, 2, 3), (2,), (2, 4)]
    assert torch.equal(layout.join(pieces, torch.float32, lead=1), rows)
    assert layout.part([2, 0]).names == ("c", "a") and layout.size == 11
    assert layout.indices("*") == (0, 1, 2) and layout.indices(["c", "a"]) == (0, 2)


def test_a_long_loop_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "_BETWEEN", 0.0)
    list(progress.progress(range(3), "solve", 3))
    assert capsys.readouterr().err == ""  # no terminal
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for _ in progress.progress(range(3), "solve", 3):
        list(progress.progress(range(2), "inner", 2))
    text = capsys.readouterr().err
    assert "solve" in text and "3/3" in text and "inner" not in text and text.endswith("\r\033[2K")
    assert progress.line("read", 7, None, 3.0) == "read: 7, 3 s"


def test_a_hessian_that_is_recorded_while_another_thread_records_a_pullback_is_the_same() -> None:
    """What counts as constant in a recording is one setting for all threads; without the lock the point of the Hessian would count as one, too."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2)).double()
    data = torch.randn(20, 3, dtype=torch.float64), torch.randint(2, (20,))
    vector = torch.randn(sum(parameter.numel() for parameter in model.parameters()), dtype=torch.float64)
    alone = Hessian(model, nn.CrossEntropyLoss(), data) @ vector
    entered, leave, found = threading.Event(), threading.Event(), []

    def hold() -> None:
        with linear():
            entered.set()
            leave.wait(10)

    def build() -> None:
        found.append(Hessian(model, nn.CrossEntropyLoss(), data) @ vector)

    threads = [threading.Thread(target=hold), threading.Thread(target=build)]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    threads[1].join(0.5)
    assert not found, "it waits"
    leave.set()
    for thread in threads:
        thread.join(30)
    assert torch.equal(found[0], alone)
