"""Multipliers near the optimum of the matrix inequality, by a primal-dual interior-point method: guesses, which are then proved.

The programme is LipSDP with one multiplier a neuron: the least g for which S = g P + sum m_j A_j - C is positive semidefinite, where P is the
identity on the inputs, C is W'W of the last weight, and A_j = u_j v_j' + v_j u_j' with u_j = e_j - a_j w_j and v_j = e_j - b_j w_j for a neuron
with weights w_j and slopes in [a_j, b_j]. Both S and its dual Z stay positive definite; each step solves one system with a row a neuron, in
the direction of Helmberg, Kojima and Monteiro with the correction of Mehrotra. Multipliers stay below a cap: a slope that is fixed wants
an infinite one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .chain import Chain

MOST = 1200
"""Hidden neurons up to which the dense matrices are worth their time."""
_CAP, _ROOM = 1e3, 1.3  # above the multipliers of the start, and above its square
_GAP, _PROGRESS, _PATIENCE = 1e-8, 2e-4, 6
_CENTRED, _TO_THE_EDGE = 1e-4, 0.95


def central_path(
    chain: Chain, slopes: tuple[tuple[Tensor, Tensor], ...], start: list[Tensor], constant: float, *, steps: int
) -> list[Tensor]:
    """Multipliers that would prove a constant at or below that of ``start``, after at most ``steps`` steps towards the optimum.

    ``start`` would prove ``constant`` without rounding. Returns ``start`` itself where no step can be made. Nothing here is proved.

    >>> from certify.bounds.networks.chain import chain_of
    >>> model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.ReLU(), torch.nn.Linear(1, 1))
    >>> _ = [torch.nn.init.ones_(parameter) for parameter in model.parameters()]
    >>> zero = torch.zeros(1, dtype=torch.float64)
    >>> found = central_path(chain_of(model), ((zero, zero + 1),), [zero + 0.5], 2 / 3**0.5, steps=30)
    >>> round(found[0].item(), 3)
    1.0
    """
    programme = _Programme(chain, slopes, constant)
    state = programme.start(torch.cat(start) * _ROOM, _ROOM)
    best, reached, waited = start, 1.0, 0
    for _ in range(steps):
        state = None if state is None else programme.step(state)
        if state is None:
            break
        square = float(state.point[0])
        waited = 0 if square < reached * (1 - _PROGRESS) else waited + 1
        if square < reached:
            best, reached = list(torch.split(state.held / square, programme.hidden)), square
        if state.gap < _GAP * square or waited >= _PATIENCE:
            break
    return best


class _Programme:
    """The programme with its squares in units of that of the start, and the inputs turned into the span of the first weights."""

    def __init__(self, chain: Chain, slopes: tuple[tuple[Tensor, Tensor], ...], constant: float) -> None:
        weights = [stage.weight for stage in chain.stages]
        if weights[0].shape[1] > weights[0].shape[0]:
            weights[0] = torch.linalg.qr(weights[0].T, mode="r")[1].T
        sizes = [weight.shape[1] for weight in weights]
        starts = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
        places = [slice(first, last) for first, last in pairwise(starts)]
        self.inputs, self.hidden, self.size = sizes[0], sizes[1:], starts[-1]
        self.layers = list(zip(weights[:-1], slopes, places[:-1], places[1:], strict=True))
        self.last, self.outputs = places[-1], weights[-1].T @ weights[-1] / constant**2

    def own(self, here: slice) -> slice:
        """The neurons of a layer among all neurons."""
        return slice(here.start - self.inputs, here.stop - self.inputs)

    def form(self, square: Tensor, multipliers: Tensor) -> Tensor:
        """g P + sum m_j A_j."""
        form = torch.zeros(self.size, self.size, dtype=torch.float64)
        form.diagonal()[: self.inputs] = square
        for weight, (low, high), before, here in self.layers:
            multiplier = multipliers[self.own(here)]
            form.diagonal()[here] += 2 * multiplier
            off = -(multiplier * (low + high))[:, None] * weight
            form[here, before] += off
            form[before, here] += off.T
            product = 2 * multiplier * low * high
            if bool((product != 0).any()):
                form[before, before] += weight.T @ (product[:, None] * weight)
        return form

    def columns(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The rows times all u_j, and times all v_j."""
        first, second = [], []
        for weight, (low, high), before, here in self.layers:
            product = rows[:, before] @ weight.T
            first.append(rows[:, here] - low * product)
            second.append(rows[:, here] - high * product)
        return torch.cat(first, 1), torch.cat(second, 1)

    def traces(self, matrix: Tensor) -> Tensor:
        """tr P M and all tr A_j M of a symmetric matrix."""
        _, second = self.columns(matrix)
        parts = [matrix.diagonal()[: self.inputs].sum()[None]]
        for weight, (low, _), before, here in self.layers:
            own = self.own(here)
            parts.append(2 * (second[here, own].diagonal() - low * (weight * second[before, own].T).sum(1)))
        return torch.cat(parts)

    def products(self, dual: Tensor, inverse: Tensor) -> Tensor:
        """tr A_i Z A_j S^-1 for all pairs, P first."""
        grams = []
        for matrix in (dual, inverse):
            first, second = self.columns(matrix)
            grams.append((first[: self.inputs], second[: self.inputs], *self.columns(first.T), self.columns(second.T)[1]))
        (zu, zv, zuu, zuv, zvv), (xu, xv, xuu, xuv, xvv) = grams
        mixed = zuv * xuv.T
        whole = torch.empty(len(mixed) + 1, len(mixed) + 1, dtype=torch.float64)
        whole[1:, 1:] = mixed + mixed.T + zvv * xuu + zuu * xvv
        whole[0, 1:] = whole[1:, 0] = (zu * xv + zv * xu).sum(0)
        whole[0, 0] = (dual[: self.inputs, : self.inputs] * inverse[: self.inputs, : self.inputs]).sum()
        return whole

    def start(self, multipliers: Tensor, square: float) -> _State | None:
        """The state at a feasible point, its dual on the path through it."""
        point = torch.cat((torch.tensor([square], dtype=torch.float64), multipliers))
        return self.state(point, _CAP * multipliers, None)

    def state(self, point: Tensor, cap: Tensor, duals: tuple[Tensor, Tensor, Tensor] | None) -> _State | None:
        """The state at a point with these duals; None where S is not positive definite."""
        slack = self.form(point[0], point[1:])
        slack[self.last, self.last] -= self.outputs
        factor = _factor(slack)
        if factor is None:
            return None
        inverse = torch.cholesky_inverse(factor)
        if duals is None:
            level = 1 / inverse.diagonal()[: self.inputs].sum()
            duals = level * inverse, level / point[1:], level / (cap - point[1:])
        return _State(point, cap, slack, inverse, *duals)

    def step(self, state: _State) -> _State | None:
        """One step along the path; None where floating point makes none."""
        system = self.products(state.dual, state.inverse)
        system.diagonal()[1:] += state.below / state.held + state.above / state.room
        scale = system.diagonal().rsqrt()
        solver = _factor(system * scale * scale[:, None])
        if solver is None:
            return None
        centre = self.traces(state.inverse)
        centre[1:] += 1 / state.held - 1 / state.room

        def direction(level: float, before: _Direction | None) -> _Direction:
            wanted = level * centre
            wanted[0] -= 1
            bent = before.bent(state) if before else None
            if bent:
                wanted -= self.traces(bent[0])
                wanted[1:] -= bent[1] - bent[2]
            step = scale * torch.cholesky_solve((scale * wanted)[:, None], solver)[:, 0]
            change = self.form(step[0], step[1:])
            dual = level * state.inverse - state.dual - _symmetric(state.dual @ change @ state.inverse)
            below = level / state.held - state.below - state.below * step[1:] / state.held
            above = level / state.room - state.above + state.above * step[1:] / state.room
            if bent:
                dual, below, above = dual - bent[0], below - bent[1], above - bent[2]
            return _Direction(step, change, dual, below, above)

        straight = direction(0.0, None)
        left = straight.gap_after(state, *straight.reach(state)) / state.gap
        moved = direction(state.level * min(max(left**2, _CENTRED), 1.0), straight)
        far, deep = moved.reach(state)
        if not (far > 0 and deep > 0):
            return None
        duals = state.dual + deep * moved.dual, state.below + deep * moved.below, state.above + deep * moved.above
        return self.state(state.point + far * moved.step, state.cap, duals)


@dataclass(frozen=True)
class _State:
    """A point (g, m) with m below ``cap``, its S and the inverse, and the duals of S, of m >= 0 and of m <= cap."""

    point: Tensor
    cap: Tensor
    slack: Tensor
    inverse: Tensor
    dual: Tensor
    below: Tensor
    above: Tensor

    @property
    def held(self) -> Tensor:
        """The multipliers."""
        return self.point[1:]

    @property
    def room(self) -> Tensor:
        """What the multipliers lack to their cap."""
        return self.cap - self.point[1:]

    @property
    def gap(self) -> float:
        """The sum of the products of all inequalities with their duals."""
        return float((self.slack * self.dual).sum() + self.held @ self.below + self.room @ self.above)

    @property
    def level(self) -> float:
        """The mean of those products."""
        return self.gap / (len(self.slack) + 2 * len(self.held))


@dataclass(frozen=True)
class _Direction:
    """How a step moves (g, m), S and the duals."""

    step: Tensor
    change: Tensor
    dual: Tensor
    below: Tensor
    above: Tensor

    def bent(self, state: _State) -> tuple[Tensor, Tensor, Tensor]:
        """What the products of the moves add, for the next direction to count."""
        share = self.step[1:]
        return (
            _symmetric(self.dual @ self.change @ state.inverse),
            self.below * share / state.held,
            -self.above * share / state.room,
        )

    def reach(self, state: _State) -> tuple[float, float]:
        """How much of the step the point can take, and the duals."""
        share = self.step[1:]
        return (
            _reach(state.slack, self.change, (state.held, share), (state.room, -share)),
            _reach(state.dual, self.dual, (state.below, self.below), (state.above, self.above)),
        )

    def gap_after(self, state: _State, far: float, deep: float) -> float:
        """The gap behind such a part of the step."""
        share = far * self.step[1:]
        matrices = ((state.slack + far * self.change) * (state.dual + deep * self.dual)).sum()
        below = (state.held + share) @ (state.below + deep * self.below)
        return float(matrices + below + (state.room - share) @ (state.above + deep * self.above))


def _symmetric(matrix: Tensor) -> Tensor:
    return (matrix + matrix.T) / 2


def _factor(matrix: Tensor) -> Tensor | None:
    factor, info = torch.linalg.cholesky_ex(matrix)
    return factor if int(info) == 0 and bool(torch.isfinite(factor).all()) else None


def _reach(matrix: Tensor, change: Tensor, *vectors: tuple[Tensor, Tensor]) -> float:
    """A part of the step, at most 1, that leaves the matrix positive definite and the vectors positive; 0 where there is none."""
    part = 1.0
    for vector, move in vectors:
        steepest = float((move / vector).min())
        if steepest < 0:
            part = min(part, -_TO_THE_EDGE / steepest)
    while part > 1e-10:
        if _factor(matrix + part * change) is not None:
            return part if part == 1.0 else part * _TO_THE_EDGE
        part *= 0.8
    return 0.0
