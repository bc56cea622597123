"""Low-rank edits, against dense decompositions, rational arithmetic and decoders that were given the gradients of the factors."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from certify.bounds import Bound, Estimate, NotALinearMap, low_rank_edit
from certify.bounds.low_rank import LowRankEdit
from certify.bounds.low_rank_gradients import seen_gradient
from certify.proofs.sides import Side

EPSILON = 1e-12
ROUNDOFF = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}


def factors(
    seed: int, rows: int = 12, columns: int = 9, rank: int = 3, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    left = torch.randn(rows, rank, generator=source, dtype=torch.float64)
    return left.to(dtype), torch.randn(rank, columns, generator=source, dtype=torch.float64).to(dtype)


def exact_image(edit: LowRankEdit, row: Tensor) -> list[Fraction]:
    """s A B x by fractions."""
    x = [Fraction(value) for value in row.double().tolist()]
    middle = [sum(Fraction(b) * v for b, v in zip(line, x, strict=True)) for line in edit.right.tolist()]
    return [Fraction(edit.scale) * sum(Fraction(a) * v for a, v in zip(line, middle, strict=True)) for line in edit.left.tolist()]


# ---------------------------------------------------------------- rank and singular values


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("scale", [1.0, -4.0, 1e-3])
def test_singular_values_move_by_no_more_than_the_shift_and_some_by_as_much(seed: int, scale: float) -> None:
    left, right = factors(seed)
    edit = low_rank_edit(left, right, scale)
    norm = float(torch.linalg.matrix_norm(scale * left @ right, 2))
    assert edit.shift.lower.value <= norm * (1 + EPSILON) and norm * (1 - EPSILON) <= edit.shift.upper.value
    assert edit.shift.upper.value <= edit.shift.lower.value * (1 + 1e-11), "two bounds that meet"
    weight = torch.randn(12, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    moved = (torch.linalg.svdvals(weight + scale * left @ right) - torch.linalg.svdvals(weight)).abs()
    assert float(moved.max()) <= edit.shift.upper.value
    aligned = 3 * scale * left @ right
    reached = torch.linalg.svdvals(aligned + scale * left @ right)[0] - torch.linalg.svdvals(aligned)[0]
    assert float(reached) >= edit.shift.upper.value * (1 - 1e-9)


def test_the_shift_without_the_scale_is_refuted_by_one_matrix() -> None:
    """Negative control: the deployed edit is s A B."""
    left, right = factors(0)
    edit, unscaled = low_rank_edit(left, right, 4.0), low_rank_edit(left, right)
    weight = left @ right
    moved = float(torch.linalg.svdvals(weight + 4 * left @ right)[0] - torch.linalg.svdvals(weight)[0])
    assert unscaled.shift.upper.value * 3.9 < moved <= edit.shift.upper.value * (1 + EPSILON)


@pytest.mark.parametrize("exponent", [-280, -140, 140, 280])
def test_factors_of_any_scale_have_a_shift(exponent: int) -> None:
    left, right = factors(1)
    plain, edit = low_rank_edit(left, right), low_rank_edit(left * 2.0**exponent, right * 2.0**exponent)
    assert edit.shift.upper.value == pytest.approx(plain.shift.upper.value * 2.0 ** (2 * exponent), rel=1e-12)
    assert edit.shift.lower.value > 0


def test_components_of_opposite_scales_are_balanced_before_they_are_rounded() -> None:
    left, right = factors(1)
    powers = 2.0 ** torch.tensor([90.0, 0.0, -90.0], dtype=torch.float64)
    edit = low_rank_edit(left * powers, right / powers[:, None])
    assert edit.shift.upper.value == pytest.approx(low_rank_edit(left, right).shift.upper.value, rel=1e-12)


def test_what_cancels_in_the_product_leaves_a_small_shift() -> None:
    left = torch.tensor([[1.0, -1.0], [0.0, 2.0**-20]], dtype=torch.float64)
    right = torch.ones(2, 3, dtype=torch.float64)
    truth = 2.0**-20 * 3**0.5
    edit = low_rank_edit(left, right)
    assert edit.shift.lower.value <= truth <= edit.shift.upper.value <= truth * (1 + 1e-7)


def test_a_wide_factor_is_charged_for_all_its_terms() -> None:
    """Regression: sums over 100,000 components were charged for one rounding, and the upper bound was below the norm."""
    left, right = torch.ones(1, 100_000, dtype=torch.float64), torch.full((100_000, 1), 0.999 * 2.0**-53, dtype=torch.float64)
    right[:64] = 1.0
    truth = 64 + (100_000 - 64) * Fraction(0.999 * 2.0**-53)
    shift = low_rank_edit(left, right).shift
    assert Fraction(shift.lower.value) <= truth <= Fraction(shift.upper.value) <= truth * Fraction(1 + 1e-10)


def test_the_rank_counts_components_that_are_used() -> None:
    left, right = factors(2)
    left[:, 0], right[1] = 0, 0
    edit = low_rank_edit(left, right)
    assert edit.rank == 1 == int(torch.linalg.matrix_rank(left @ right)) and edit.unchanged_dimension == 8
    assert low_rank_edit(*factors(2), 0.0).rank == 0
    for zero in (low_rank_edit(torch.zeros(3, 2), torch.ones(2, 4)), low_rank_edit(torch.ones(3, 2), torch.ones(2, 4), 0.0)):
        assert (zero.rank, zero.unchanged_dimension, zero.shift.upper.value) == (0, 4, 0.0)
        assert zero.unchanged(torch.ones(1, 4)) == (True,)
    assert low_rank_edit(torch.randn(2, 5), torch.randn(5, 3)).rank == 2


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_change_of_an_output_is_above_its_rational_value_and_near_it(dtype: torch.dtype) -> None:
    edit = low_rank_edit(*factors(3, dtype=dtype), 0.3)
    source = torch.Generator().manual_seed(4)
    rows = torch.randn(6, 9, generator=source, dtype=torch.float64) * torch.logspace(-200, 200, 6, dtype=torch.float64)[:, None]
    for row, bound in zip(rows, edit.output_change(rows), strict=True):
        square = sum(value**2 for value in exact_image(edit, row))
        assert bound.side is Side.UPPER
        assert square <= Fraction(bound.value) ** 2 <= square * Fraction(1 + 1e-10)


def test_an_input_in_the_kernel_is_unchanged_exactly_and_one_near_it_is_not() -> None:
    right = torch.tensor([[0.1, 0.1, 3.0]], dtype=torch.float64)
    edit = low_rank_edit(torch.ones(2, 1), right, 0.7)
    near = torch.tensor([1.0, -1.0 - 2.0**-52, 0.0], dtype=torch.float64)
    rows = torch.stack([torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64), near, torch.zeros(3, dtype=torch.float64)])
    assert edit.unchanged(rows) == (True, False, True)
    assert [any(exact_image(edit, row)) for row in rows] == [False, True, False]
    changes = edit.output_change(rows)
    assert changes[0].value == 0.0 == changes[2].value and 0 < changes[1].value < 1e-15
    assert edit.unchanged(rows[1]) == (False,)


def test_a_product_that_vanishes_in_floating_point_only_is_a_change() -> None:
    """Negative control: 0.1 * 3 - 0.3 rounds to 5.6e-17 or to 0 as one sums, and 1e-300 squared is no zero."""
    edit = low_rank_edit(torch.tensor([[1e-300]], dtype=torch.float64), torch.tensor([[1e-300]], dtype=torch.float64))
    row = torch.ones(1, 1, dtype=torch.float64)
    assert not bool((edit.left @ edit.right).any()) and edit.unchanged(row) == (False,)
    assert edit.output_change(row)[0].value > 0 and edit.shift.upper.value > 0


def test_no_input_of_a_ball_changes_by_more_than_its_bound_and_one_by_as_much() -> None:
    left, right = factors(5)
    edit = low_rank_edit(left, right, 2.0)
    source = torch.Generator().manual_seed(6)
    centre = torch.randn(9, generator=source, dtype=torch.float64)
    bound, about = edit.output_change_on_ball(0.5), edit.output_change_on_ball(0.5, centre)
    steps = torch.randn(200, 9, generator=source, dtype=torch.float64)
    steps = torch.cat([steps, torch.linalg.svd(left @ right)[2][:1]])
    steps = 0.5 * steps / torch.linalg.vector_norm(steps, dim=1, keepdim=True)
    moved = torch.linalg.vector_norm(2 * steps @ (left @ right).T, dim=1)
    assert bound.value * (1 - 1e-10) <= float(moved.max()) <= bound.value
    there = torch.linalg.vector_norm(2 * (centre + steps) @ (left @ right).T, dim=1)
    assert float(there.max()) <= about.value <= bound.value + edit.output_change(centre)[0].value + 1e-9
    assert float(there.max()) > edit.output_change(centre)[0].value, "the centre alone bounds nothing"
    assert edit.output_change_on_ball(0.0, centre).value == pytest.approx(edit.output_change(centre)[0].value, rel=1e-12)


# ---------------------------------------------------------------- merging


@pytest.mark.parametrize("dtype", list(ROUNDOFF), ids=str)
def test_a_merged_tensor_differs_by_a_full_rank_rounding_of_the_size_of_its_roundoff(dtype: torch.dtype) -> None:
    left, right = factors(7, 64, 64, 4, dtype)
    weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(8), dtype=torch.float64).to(dtype)
    edit = low_rank_edit(left, right, 0.5)
    merged = edit.merge(weight)
    whole = weight.double() + 0.5 * left.double() @ right.double()
    off = float(torch.linalg.vector_norm(merged.weight.double() - whole))
    assert merged.weight.dtype == dtype and merged.rank_at_least == 64 > edit.rank == 4
    assert int(torch.linalg.matrix_rank(merged.weight.double() - weight.double(), rtol=1e-14)) == 64
    assert off * (1 - 1e-6) <= merged.rounding.value <= off * (1 + 1e-6)
    assert 0.2 < merged.rounding.value / (ROUNDOFF[dtype] * float(torch.linalg.vector_norm(whole))) <= 1


def test_a_merge_of_small_integers_adds_nothing_and_has_the_rank_of_the_edit() -> None:
    """Negative control of the rank: where nothing is rounded, it is that of the edit."""
    source = torch.Generator().manual_seed(9)
    left, right, weight = (torch.randint(-8, 8, shape, generator=source).float() for shape in ((20, 2), (2, 30), (20, 30)))
    edit = low_rank_edit(left, right)
    merged = edit.merge(weight)
    assert merged.rank_at_least == 2 == edit.rank and merged.rounding.value < 1e-10
    assert torch.equal(merged.weight - left @ right, weight)


def test_unmerging_does_not_give_the_weight_back_bit_for_bit() -> None:
    left, right = factors(10, 64, 64, 4, torch.float32)
    weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(11))
    merged = low_rank_edit(left, right).merge(weight).weight
    assert not torch.equal(merged - left @ right, weight)


def test_a_tensor_that_somebody_else_merged_is_measured() -> None:
    left, right = factors(12, 16, 16, 2, torch.float32)
    weight = torch.randn(16, 16, generator=torch.Generator().manual_seed(13))
    edit = low_rank_edit(left, right, 2.0)
    forgot_the_scale = edit.merged_as(weight, weight + left @ right)
    assert forgot_the_scale.rounding.value > 0.9 * float(torch.linalg.vector_norm(left @ right))
    double = edit.merge(weight, torch.float64)
    truth = sum(
        (Fraction(x) - Fraction(w) - 2 * sum(Fraction(a) * Fraction(b) for a, b in zip(row, column, strict=True))) ** 2
        for row, merged, held in zip(left.tolist(), double.weight.tolist(), weight.tolist(), strict=True)
        for column, x, w in zip(right.T.tolist(), merged, held, strict=True)
    )
    assert math.sqrt(truth) <= double.rounding.value < 1e-13


# ---------------------------------------------------------------- gradients


def invisible_block(left: Tensor, right: Tensor, gradient: Tensor) -> Tensor:
    """By dense orthonormal bases; columns of any scale are normalised first (a pseudo-inverse would drop the small ones)."""
    p, q = (basis @ basis.T for basis in (torch.linalg.qr(nn.functional.normalize(side, dim=0))[0] for side in (left, right.T)))
    return (torch.eye(len(p)).double() - p) @ gradient @ (torch.eye(len(q)).double() - q)


@pytest.mark.parametrize("seed", range(6))
def test_the_invisible_block_is_bounded_from_below_and_nearly_attained(seed: int) -> None:
    left, right = factors(seed, rank=1 + seed % 4)
    left = left * torch.logspace(-8, 8, left.shape[1], dtype=torch.float64)
    gradient = torch.randn(12, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 10.0 ** (3 * seed - 9)
    seen = low_rank_edit(left, right, 0.5).visible(gradient)
    length = float(torch.linalg.vector_norm(invisible_block(left, right, gradient)))
    for bound in (seen.invisible, seen.decoder_error):
        assert isinstance(bound, Bound) and bound.side is Side.LOWER
        assert length * (1 - 1e-9) <= bound.value <= length * (1 + EPSILON)
    assert seen.visible_share.value == pytest.approx(1 - (length / float(torch.linalg.vector_norm(gradient))) ** 2, rel=1e-9)


def test_every_decoder_errs_by_the_bound_on_a_gradient_or_its_twin_and_the_best_by_no_more() -> None:
    left, right = factors(20)
    source = torch.Generator().manual_seed(21)
    gradient = torch.randn(12, 9, generator=source, dtype=torch.float64)
    seen = low_rank_edit(left, right).visible(gradient)
    assert isinstance(seen.decoder_error, Bound)
    pair = (gradient, seen.twin)
    signals = [torch.cat([(left.T @ full).flatten(), (full @ right.T).flatten()]) for full in pair]
    assert torch.allclose(*signals, atol=1e-12), "the factors' gradients are those of both"
    for _ in range(50):
        decoder = torch.randn(gradient.numel(), len(signals[0]), generator=source, dtype=torch.float64) * 0.05
        errors = [torch.linalg.vector_norm(decoder @ signals[0] - full.flatten()) for full in pair]
        assert float(max(errors)) >= seen.decoder_error.value * (1 - EPSILON)
    best = (gradient + seen.twin) / 2
    errors = [float(torch.linalg.vector_norm(best - full)) for full in pair]
    assert max(errors) <= seen.decoder_error.value * (1 + 1e-9)


def test_autograd_of_a_low_rank_layer_sees_no_difference_between_a_gradient_and_its_twin() -> None:
    left, right = (factor.requires_grad_() for factor in factors(22))
    weight = torch.zeros(12, 9, dtype=torch.float64, requires_grad=True)
    gradient = torch.randn(12, 9, generator=torch.Generator().manual_seed(23), dtype=torch.float64)
    seen = low_rank_edit(left, right, 0.5).visible(gradient)

    def gradients(full: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(((weight + 0.5 * left @ right) * full).sum(), (left, right, weight))

    first, second = gradients(gradient), gradients(seen.twin)
    assert torch.allclose(first[0], second[0]) and torch.allclose(first[1], second[1])
    assert float(torch.linalg.vector_norm(first[2] - second[2])) == pytest.approx(2 * float(seen.invisible), rel=1e-9)


def test_a_gradient_that_is_all_seen_has_nothing_invisible() -> None:
    """Negative control: G = A M + N B."""
    left, right = factors(24)
    source = torch.Generator().manual_seed(25)
    gradient = left @ torch.randn(3, 9, generator=source, dtype=torch.float64)
    gradient = gradient + torch.randn(12, 3, generator=source, dtype=torch.float64) @ right
    seen = low_rank_edit(left, right).visible(gradient)
    assert isinstance(seen.decoder_error, Bound) and seen.decoder_error.value < 1e-12
    assert seen.visible_share.value == pytest.approx(1)
    nothing = low_rank_edit(left, right).visible(torch.zeros(12, 9))
    assert (float(nothing.decoder_error), nothing.visible_share.value) == (0.0, 1.0)


def test_a_factor_at_its_zero_start_leaves_the_other_s_gradient_alone() -> None:
    left, right = factors(26)
    gradient = torch.randn(12, 9, generator=torch.Generator().manual_seed(27), dtype=torch.float64)
    seen = low_rank_edit(torch.zeros_like(left), right).visible(gradient)
    block = gradient @ (torch.eye(9).double() - torch.linalg.pinv(right) @ right)
    assert isinstance(seen.invisible, Bound)
    assert seen.invisible.value == pytest.approx(float(torch.linalg.vector_norm(block)), rel=1e-9)
    unscaled = low_rank_edit(left, right, 0.0).visible(gradient)
    assert float(unscaled.invisible) == pytest.approx(float(torch.linalg.vector_norm(gradient)), rel=1e-9)


def test_factors_whose_rank_is_not_proved_give_an_estimate() -> None:
    left, right = factors(28)
    left[:, 2] = left[:, 0] + left[:, 1]
    gradient = torch.randn(12, 9, generator=torch.Generator().manual_seed(29), dtype=torch.float64)
    seen = low_rank_edit(left, right).visible(gradient)
    length = float(torch.linalg.vector_norm(invisible_block(left[:, :2], right, gradient)))
    assert isinstance(seen.invisible, Estimate) and isinstance(seen.decoder_error, Estimate)
    assert seen.invisible.value == pytest.approx(length, rel=1e-6)
    wide = low_rank_edit(torch.randn(2, 5), torch.randn(5, 9)).visible(torch.randn(2, 9))
    assert isinstance(wide.invisible, Estimate) and wide.invisible.value < 1e-6


def test_a_gradient_of_a_million_entries_has_a_bound() -> None:
    """Regression: the allowance of a long norm made the unit matrix longer than one."""
    left, right = factors(32, 1500, 1000, 2)
    gradient = torch.randn(1500, 1000, generator=torch.Generator().manual_seed(33), dtype=torch.float64)
    seen = low_rank_edit(left, right).visible(gradient)
    length = float(torch.linalg.vector_norm(invisible_block(left, right, gradient)))
    assert isinstance(seen.invisible, Bound) and length * (1 - 1e-8) <= seen.invisible.value <= length


def test_the_leak_is_charged() -> None:
    """A nearly dependent factor is proved of full rank with a small gap, and the bound drops accordingly."""
    left, right = factors(30)
    gradient = torch.randn(12, 9, generator=torch.Generator().manual_seed(31), dtype=torch.float64)
    plain = low_rank_edit(left, right).visible(gradient)
    left[:, 2] = left[:, 0] + 1e-6 * left[:, 2]
    near = low_rank_edit(left, right).visible(gradient)
    length = float(torch.linalg.vector_norm(invisible_block(left, right, gradient)))
    assert isinstance(near.invisible, Bound) and isinstance(plain.invisible, Bound)
    assert length * (1 - 1e-6) < near.invisible.value < length


# ---------------------------------------------------------------- bad input


def test_bad_input_is_refused_in_one_line() -> None:
    left, right = factors(40)
    edit = low_rank_edit(left, right)
    refusals = [
        (lambda: low_rank_edit(left, right.T), ValueError, "do not fit"),
        (lambda: low_rank_edit(left[0], right), ValueError, "do not fit"),
        (lambda: low_rank_edit(left, right, math.nan), ValueError, "scale"),
        (lambda: low_rank_edit(left * math.inf, right), NotALinearMap, "A has entries that are not finite"),
        (lambda: low_rank_edit(left, right.long()), NotALinearMap, "B holds int64"),
        (lambda: edit.output_change(torch.ones(2, 8)), ValueError, "rows of 9"),
        (lambda: edit.output_change_on_ball(-1.0), ValueError, "radius"),
        (lambda: edit.output_change_on_ball(1.0, torch.ones(2, 9)), ValueError, "one centre"),
        (lambda: edit.merge(torch.ones(9, 12)), ValueError, r"\(12, 9\)"),
        (lambda: edit.merge(torch.full((12, 9), 7e4), torch.float16), NotALinearMap, "merged weight has entries"),
        (lambda: edit.visible(torch.ones(3, 3)), ValueError, "the gradient"),
    ]
    for call, kind, words in refusals:
        with pytest.raises(kind, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_trained_layer_s_factors_are_taken_as_they_are() -> None:
    """Parameters of a module, with gradients attached."""
    down, up = nn.Linear(9, 3, bias=False), nn.Linear(3, 12, bias=False)
    edit = low_rank_edit(up.weight, down.weight, 2.0)
    rows = torch.randn(3, 9)
    with torch.no_grad():
        moved = torch.linalg.vector_norm(2.0 * up(down(rows)), dim=1)
    for bound, computed in zip(edit.output_change(rows), moved.tolist(), strict=True):
        assert bound.value == pytest.approx(computed, rel=1e-5)


# ---------------------------------------------------------------- scale, and what an edit remembers


def test_the_scale_of_an_edit_may_bring_a_huge_product_back() -> None:
    factors = torch.full((1, 1), 1e200, dtype=torch.float64), torch.full((1, 1), 1e200, dtype=torch.float64)
    edit = low_rank_edit(*factors, scale=1e-200)
    assert edit.shift.lower.value <= 1e200 * (1 + 1e-15) and 1e200 * (1 - 1e-15) <= edit.shift.upper.value < 1e200 * (1 + 1e-9)
    (change,) = edit.output_change(torch.ones(1, 1, dtype=torch.float64))
    assert 1e200 * (1 - 1e-15) <= change.value < 1e200 * (1 + 1e-9)


def test_an_edit_is_of_the_factors_as_they_were() -> None:
    left, right = torch.ones(2, 1, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    edit = low_rank_edit(left, right)
    left.mul_(10)
    assert float(edit.left.max()) == 1.0 and edit.output_change(torch.ones(1, 2))[0].value < 2.9
    assert edit != low_rank_edit(left, right) and "rank at most 1" in str(edit) and "tensor" not in str(edit)


def test_an_invisible_block_that_is_tiny_beside_the_gradient_is_no_fault() -> None:
    """Its squares are below the doubles, so that its computed length is zero or has lost its digits."""
    left, right = torch.eye(2, dtype=torch.float64)[:, :1], torch.eye(2, dtype=torch.float64)[:1]
    for tiny in (1.0, 4e-162, 1e-200, 1e-300):
        seen = seen_gradient(torch.diag(torch.tensor([1.0, tiny], dtype=torch.float64)), left, right)
        assert isinstance(seen.invisible, Bound) and seen.invisible.value <= tiny
        assert 0.0 <= seen.visible_share.value <= 1.0
    with pytest.raises(ValueError, match="scale it down"):
        seen_gradient(torch.diag(torch.tensor([1.0, 1.7e308], dtype=torch.float64)) * -1.05, left, right)
