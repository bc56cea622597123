"""Operators on the data of two processes, against one process with all data; and what happens when a process is lost."""

from __future__ import annotations

import functools
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import pytest
import torch
from curvature_models import case
from ranks import together
from sharding_work import (
    EQUIVALENT,
    KINDS,
    absent,
    apart,
    built,
    everything,
    interrupted,
    mismatched,
    on_accelerator,
    shard,
    three,
    vector,
)
from torch import Tensor

from certify.estimators import GaussNewton, Hessian, OperatorRefused, RankLost, sharded
from certify.estimators.operators.matrix import Matrix
from certify.estimators.operators.widened import in_double
from certify.estimators.sharding.checksum import checksum


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What two processes say, each with its own rows of the data."""
    found = together(everything, tmp_path_factory.mktemp("ranks"))
    assert all(isinstance(answer, dict) for answer in found), found
    return found


def tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def gap(found: Tensor, expected: Tensor) -> float:
    """The distance, relative to the size of what is expected."""
    return float(torch.dist(found, expected) / torch.linalg.norm(expected))


def near(found: Any, expected: Tensor, relative: float = 1e-12) -> bool:
    return gap(tensor(found), expected) <= relative


@pytest.mark.parametrize("name", EQUIVALENT)
@pytest.mark.parametrize("kind", KINDS)
def test_two_shards_are_one_matrix(answers: list[dict[str, Any]], kind: str, name: str) -> None:
    made = case(name)
    expected = built(kind, made, made.data).dense()
    assert near(answers[0]["equivalence"][f"{kind}, {name}"], expected)


@pytest.mark.parametrize("name", EQUIVALENT)
@pytest.mark.parametrize("kind", ["Hessian", "EmpiricalFisher"])
def test_no_simpler_weights_would_do(kind: str, name: str) -> None:
    """The control: one shard alone, and the plain mean of the shards, are other matrices."""
    made = case(name)
    expected = built(kind, made, made.data).dense()
    first, second = (built(kind, made, shard(made, rank, 2)).dense() for rank in range(2))
    for simple in (first, second, (first + second) / 2):
        assert gap(simple, expected) > 1e-3


def test_every_rank_has_the_same_numbers_bit_for_bit(answers: list[dict[str, Any]]) -> None:
    for part in ("equivalence", "numbers", "narrow", "empty"):
        assert answers[0][part] == answers[1][part]
    assert answers[0]["products"]["good"] == answers[1]["products"]["good"]


def test_vectors_blocks_dictionaries_and_parts(answers: list[dict[str, Any]]) -> None:
    found, made = answers[1]["algebra"], case("layer norm")
    whole, hessian = GaussNewton(made.model, made.loss, made.data), Hessian(made.model, made.loss, made.data)
    block = torch.stack([vector(whole, seed) for seed in range(5)], dim=1)
    assert near(found["block of vectors"], whole @ block) and near(found["scipy"], whole @ vector(whole))
    for name, piece in (whole @ dict(made.model.named_parameters())).items():
        assert near(found["named"][name], piece.detach())
    assert near(found["principal"], whole.block("0.*").dense()) and near(found["part"], whole.block("0.*").dense())
    assert near(found["across"], whole.block("0.*", "3.*").dense()) and near(
        found["across back"], whole.block("3.*", "0.*").dense()
    )
    assert near(found["composed"], (0.5 * (whole + 2.0 * hessian).damped(0.1)).dense())
    assert near(found["embedded"], whole.damped(0.3).block("0.*").dense())


def test_a_block_is_one_exchange_and_products_are_counted(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["algebra"]["calls"] == 1 and answer["algebra"]["counted"] == [5, 5]


def test_claims_are_those_of_all_ranks(answers: list[dict[str, Any]]) -> None:
    found = [answer["algebra"] for answer in answers]
    # a sum of semidefinite matrices is one, and of a Hessian nothing is claimed
    assert found[0]["claims"] == [True, True, False] and found[0]["bounds"] == [0.0, 0.1, None]
    assert found[0]["principal semidefinite"] and not found[0]["across claims"] and found[0]["damped within"] == 0.25
    assert found[0]["count"] == 6 and found[0]["unit"] == "example" and "semidefinite, per example" in found[0]["repr"]
    own, shares = zip(*(answer["own"] for answer in found), strict=True)
    assert found[0]["accuracy"] == found[1]["accuracy"] >= max(own) > 0 and shares == (1 / 6, 5 / 6)


def test_lower_bounds_of_ranks_are_weighted_and_missing_where_one_is(answers: list[dict[str, Any]]) -> None:
    """Rank 0 declares -3 and weighs 1; rank 1 declares 1, or nothing, and weighs 2."""
    for weighted, missing in (answer["products"]["lower"] for answer in answers):
        assert missing is None
        assert -1e-12 < weighted - (-3 * 1 + 1 * 2) / 3 < 0


def test_solves_and_spectra_enclose_what_one_process_finds(answers: list[dict[str, Any]]) -> None:
    made, found = case("layer norm"), answers[0]["numbers"]
    dense = GaussNewton(made.model, made.loss, made.data).dense()
    values, damped = torch.linalg.eigvalsh(dense), dense + 0.1 * torch.eye(len(dense), dtype=torch.float64)
    truth = torch.linalg.solve(damped, vector(Matrix(dense)))
    assert float(torch.dist(tensor(found["solution"]), truth)) <= found["error"] < 1e-6
    low, high, products = found["largest"]
    assert low <= float(values[-1]) * (1 + 1e-12) and float(values[-1]) <= high <= 1.01 * float(values[-1]) and products <= 20
    rounded = float(values[0]) + 0.1  # the true one is no less than 0.1
    assert found["smallest"][0] <= rounded + 1e-12 and rounded <= found["smallest"][1] + 1e-12
    lower, upper = found["influence"]
    effect = float(vector(Matrix(dense), 5) @ truth)
    assert lower <= effect <= upper and upper - lower <= 1e-6 * abs(effect)
    assert found["places"][0] == "ValueError" and "or pass vectors" in found["places"][1]  # nobody has the rows of all
    below, _, above = found["trace"]
    assert below <= float(damped.trace()) <= above


def test_drawn_targets_of_all_ranks_count_as_their_data_do(answers: list[dict[str, Any]]) -> None:
    made = case("cross-entropy weighted")
    expected = built("Fisher", made, made.data).dense()
    shards = [built("Fisher", made, shard(made, rank, 2)).dense() for rank in range(2)]
    assert answers[0]["drawn"] == answers[1]["drawn"] and near(answers[0]["drawn"], expected, 0.05)
    assert all(gap(simple, expected) > 0.07 for simple in (*shards, sum(shards) / 2))  # the control


def test_single_precision_is_widened_on_all_ranks_together(answers: list[dict[str, Any]]) -> None:
    made, found = case("layer norm"), answers[0]["narrow"]
    one = GaussNewton(made.model.float(), made.loss, (made.data[0].float(), made.data[1]))
    expected = in_double(one).dense()
    assert near(found["in double"], expected) and near(found["damped"], expected + 0.5 * torch.eye(len(expected)).double())
    assert near(found["products"], expected, 1e-5) and not near(found["products"], expected, 1e-9)
    assert found["accuracy"][1] < 1e-12 < found["accuracy"][0]
    low, high = found["largest"]
    top = float(torch.linalg.eigvalsh(expected)[-1])
    assert low <= top * (1 + 1e-12) and top <= high <= 1.001 * top


def test_a_rank_without_data_takes_part(answers: list[dict[str, Any]]) -> None:
    made = case("cross-entropy")
    expected = built("GaussNewton", made, made.data).damped(0.5)
    dense, block, top, words, nobody = answers[0]["empty"]
    assert near(dense, expected.dense()) and near(block, expected.block("0.*").dense())
    assert float(torch.linalg.eigvalsh(expected.dense())[-1]) <= top and "semidefinite" in words
    assert nobody == ["OperatorRefused", "no rank has an operator: pass None only on ranks without data"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("values", "the values of 0.weight on rank 1 are not those on rank 0: load the same state"),
        ("buffers", "the values of 1.running_mean on rank 1 are not those on rank 0: load"),
        ("function", "the values of x on rank 1 are not those on rank 0: load"),
        ("type", "rank 1 has another type than rank 0 (float32, float64): convert"),
        ("loss", "rank 1 has another loss than rank 0: pass the same loss"),
        ("unit", "rank 1 has another unit of a datum than rank 0 (token, example): pass"),
        ("kind", "rank 1 has another kind of operator than rank 0 (GaussNewton, Hessian): build"),
        ("parameters", "rank 1 has other parameters than rank 0: build the same model"),
        ("damping", "rank 1 has another damping or factor than rank 0 (1.1, 0.1): pass"),
        ("threads", "rank 1 has another number of threads than rank 0 (2, 1): call"),
        ("seed", "rank 1 draws its targets from the same seed as another: pass a generator"),
        ("drawn", "rank 1 has targets drawn otherwise than rank 0 (True, False): pass samples on every rank, or on none"),
        ("layers", "rank 1 has other layers than rank 0: build the same model"),
        ("slope", "rank 1 has other layers than rank 0: build the same model"),
        ("options", "rank 1 has another loss than rank 0: pass the same loss, with the same options"),
        ("partial", "rank 1 has another loss than rank 0 (smooth_l1_loss"),
        ("nested", "the operator is shared already: share it once"),
        ("no operator", "a Tensor is no operator: pass one, such as GaussNewton(model, loss, data)"),
        ("undefined", "the products of all ranks together are not finite: look for"),
        ("form", "rank 1 has another form of operator than rank 0 (damped, leaf): build"),
        ("twice", "the operator is shared already: share it once"),
        ("group", "group is str: pass a group of torch.distributed.new_group"),
        ("no weight", "a Matrix without a model does not say how much its data count: pass weight="),
    ],
)
def test_ranks_that_differ_are_refused_on_every_rank(answers: list[dict[str, Any]], what: str, words: str) -> None:
    for answer in answers:
        kind, message = answer["refusals"][what]
        assert kind == "OperatorRefused" and message.startswith(words) and "\n" not in message


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("product", "OperatorRefused", "a product of two means over the data is no mean over the data"),
        ("bad weight", "ValueError", "a number from 1e-100 to 1e100, not -1.0"),
    ],
)
def test_what_one_rank_cannot_share_the_others_hear_of(answers: list[dict[str, Any]], what: str, kind: str, words: str) -> None:
    here, there = (answer["refusals"][what] for answer in answers)
    assert there[0] == kind and words in there[1]
    assert here[0] == "RankLost" and here[1].startswith(f"rank 1 could not share its operator ({kind}: ") and words in here[1]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("weight", "this one counts its data itself"),
        ("timeout", "a positive number of seconds"),
        ("endless", "a positive number of seconds"),
        ("heavy", "a number from 1e-100 to 1e100, not 1.7e+308"),
    ],
)
def test_wrong_arguments_are_refused(answers: list[dict[str, Any]], what: str, words: str) -> None:
    for answer in answers:
        assert answer["refusals"][what][0] == "ValueError" and words in answer["refusals"][what][1]


@pytest.mark.parametrize("what", ["pickled", "pickled matrix", "copied", "copied damped"])
def test_operators_of_several_processes_are_not_sent(answers: list[dict[str, Any]], what: str) -> None:
    for answer in answers:
        kind, words = answer["refusals"][what]
        assert kind == "TypeError" and "is one of several processes and cannot be copied or sent: share it again there" in words


def test_a_lost_rank_can_be_told_to_another_process() -> None:
    """A pool of processes sends what its workers raise."""
    told = ForkingPickler.loads(ForkingPickler.dumps(RankLost("rank 1 is gone", "start it", (1,))))
    assert (str(told), told.cause, told.remedy, told.ranks) == ("rank 1 is gone: start it", "rank 1 is gone", "start it", (1,))


def test_products_that_differ_are_refused_and_the_next_one_is_right(answers: list[dict[str, Any]]) -> None:
    mean = torch.arange(1.0, 4.0).double() * 5 / 3  # one third of diag(1, 2, 3) and two thirds of its double
    for rank, answer in enumerate(answers):
        found = answer["products"]
        assert len(found["good"]) == 3 and all(near(product, mean) for product in found["good"])
        assert "rank 1 multiplied another vector than rank 0" in found["turned"][1]
        assert "not at the same product of the same operator" in found["crossed"][1]
        assert "not finite" in found["infinite"][1]
        assert near(found["scaled"], torch.arange(1.0, 4.0).double() * 1.5)
        assert found["failed"][0] == ("ValueError" if rank else "RankLost")
        assert "no memory left" in found["failed"][1]
        assert found["stale"][0] == ("OperatorRefused" if rank else "RankLost") and "build it again" in found["stale"][1]
    for what in ("failed", "stale"):
        assert answers[0]["products"][what][1].startswith("rank 1 failed in its part of a product (")


def test_a_group_of_one_and_a_process_outside_it(answers: list[dict[str, Any]]) -> None:
    assert answers[0]["lone"] is True
    assert answers[1]["lone"][0] == "OperatorRefused" and "no member of the group" in answers[1]["lone"][1]


def test_a_killed_process_is_an_error_for_the_other(tmp_path: Path) -> None:
    alive, killed = together(functools.partial(interrupted, "killed"), tmp_path)
    assert killed is None
    first, (kind, words), seconds, (again, after) = alive
    assert first == [1.0, 1.0, 1.0] and seconds < 10  # the limit is two
    assert (
        kind == again == "RankLost" and "rank 0 waited for rank 1 in a product" in words and "start all processes again" in words
    )
    assert "lost a process before" in after


@pytest.mark.slow
def test_the_lost_process_of_a_smaller_group_is_named_as_in_the_world(tmp_path: Path) -> None:
    ((kind, words), alone, printed), outside, lost = together(apart, tmp_path, count=3)
    assert lost is None and "no member of the group" in outside[1]
    assert kind == "RankLost" and "waited for rank 1 of the group (rank 2 of all) in a product" in words
    assert alone[0] == "RankLost" and "waited for the others in a product" in alone[1] and printed == []


@pytest.mark.slow
def test_a_late_process_is_an_error_for_all(tmp_path: Path) -> None:
    *punctual, late = together(functools.partial(interrupted, "late"), tmp_path, count=3)
    for rank, (_, (kind, words), seconds, _) in enumerate(punctual):
        assert kind == "RankLost" and f"rank {rank} waited for rank 2 in a product, after 2.0 s" in words and 2 <= seconds < 10
    assert late[1][0] == "RankLost"


@pytest.mark.slow
def test_a_process_that_stops_or_never_comes_is_an_error(tmp_path: Path) -> None:
    for folder in ("stopping", "absent"):
        (tmp_path / folder).mkdir()
    alive, stopped = together(functools.partial(interrupted, "stopping"), tmp_path / "stopping")
    assert stopped is None and alive[1][0] == "RankLost"
    waiting, nothing = together(absent, tmp_path / "absent")
    assert nothing is None and waiting[0] == "RankLost"
    assert "rank 0 waited for rank 1 in the comparison of operators, after 1.0 s" in waiting[1]


@pytest.mark.slow
def test_calls_of_different_sizes_end_in_an_error_and_not_in_silence(tmp_path: Path) -> None:
    """gloo ends a process that gets a message of another size, and it gives no answer; somebody is left to say so."""
    found = together(mismatched, tmp_path)
    assert any(found) and all(answer is None or answer[0] == "RankLost" for answer in found)


@pytest.mark.slow
def test_three_ranks_agree(tmp_path: Path) -> None:
    found = together(three, tmp_path, count=3)
    assert found[0] == found[1] == found[2]
    for name in EQUIVALENT:
        for kind in KINDS:
            made = case(name)
            assert near(found[2]["equivalence"][f"{kind}, {name}"], built(kind, made, made.data).dense())


def test_without_processes_there_is_nothing_to_share() -> None:
    with pytest.raises(OperatorRefused, match=r"call torch\.distributed\.init_process_group first"):
        sharded(Matrix(torch.eye(2)), weight=1.0)


def test_a_checksum_tells_values_places_and_shapes_apart() -> None:
    v = torch.randn(10_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    swapped, moved = v.clone(), v.clone()
    swapped[[3, 4]], moved[17] = v[[4, 3]], torch.nextafter(v[17], torch.tensor(9.0, dtype=torch.float64))
    seen = [checksum(one) for one in (v, -v, swapped, moved, v.reshape(100, 100), v.reshape(100, 100).T, v.float(), v[:-1])]
    assert len(set(seen)) == len(seen) and checksum(v.clone()) == seen[0]
    assert checksum(v.reshape(100, 100).T.contiguous()) == seen[5]
    for dtype in (torch.bool, torch.int8, torch.int64, torch.bfloat16, torch.complex128):
        assert checksum(torch.ones(3).to(dtype)) != checksum(torch.zeros(3).to(dtype))
    signs = {checksum(v * (1 - 2 * (torch.arange(10_000) % n == 0).double())) for n in range(1, 50)}
    assert len(signs) == 49
    assert checksum(torch.zeros(0)) != checksum(torch.zeros(0, 3))


@pytest.mark.gpu
@pytest.mark.parametrize(("backend", "count"), [("gloo", 2), ("nccl", 1)])
def test_accelerators_share_alike(tmp_path: Path, backend: str, count: int) -> None:
    """nccl takes one process for each device, and this test has one device."""
    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    made = case("layer norm")
    expected = GaussNewton(made.model, made.loss, made.data).dense()
    top = float(torch.linalg.eigvalsh(expected)[-1])
    for spoken, dense, (low, high) in together(on_accelerator, tmp_path, count=count, backend=backend):
        assert spoken == backend and near(dense, expected, 1e-9)
        assert low <= top * (1 + 1e-9) and top <= high * (1 + 1e-9)
