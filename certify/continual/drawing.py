"""Releases by a plan: each is the un-noised parameters plus the plan's noise, on one grid, and the budget ends with the plan."""

from __future__ import annotations

from typing import NoReturn

import numpy
from numpy.typing import ArrayLike, NDArray

from certify.errors import InputError
from certify.sampling import Keystream, grid_of, rounded_normal
from certify.sampling.keystream import keystream

from .constants import counted
from .plan import Plan


class Releases:
    """The releases of one sequence, in order. It keeps the un-noised parameters of the last one, which are secret.

    A random walk releases its increments: the move of the un-noised parameters plus the fresh step of noise, rounded to the grid, is added to the
    release before. That is post-processing of the ideal sequence of increments. The subtraction of one step from the next in doubles loses
    at most 2^-53 of the move, which the allowance of measured constants covers and that of declared ones does not. Several records
    that leave at once count as so many deletions of which only the last is shown, which is post-processing too. The grid is that of the
    least deviation; with constants read off the data, it and the deviations are functions of the data that the matched comparison shares.

    >>> from certify.continual import declared, plan
    >>> numbers = declared(2, gradient=1, smoothness="0.25", record_hessian="0.1", hessian_lipschitz=100, curvature=50)
    >>> releases = Releases(plan(numbers, mu=1))
    >>> len(releases.release([0.5, -1.0])), releases.left
    (2, 1)
    """

    __slots__ = ("_before", "_released", "_stream", "grid", "made", "plan")

    def __init__(self, plan: Plan, generator: Keystream | numpy.random.Generator | None = None) -> None:
        self.plan = plan
        self.grid = grid_of(min(plan.deviations))
        self.made = 0
        self._stream = keystream(generator)
        self._before: NDArray[numpy.float64] | None = None
        self._released: NDArray[numpy.float64] | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("releases hold one budget: they are not copied, plan another sequence")

    def __repr__(self) -> str:
        return f"Releases(made={self.made}, left={self.left})"

    @property
    def left(self) -> int:
        """How many more deletions the plan covers."""
        return self.plan.deletions - self.made

    def release(self, parameters: ArrayLike, records: int = 1, sigma: float | None = None) -> NDArray[numpy.float64]:
        """The next release, for the un-noised parameters after ``records`` more deletions.

        ``sigma`` replaces the deviation of the plan where less is proved to be enough for the very records; whoever gives it answers for that.

        Assumes that they are one Newton step from the fitted model on the records that are left. Raises :class:`InputError` when the budget is used
        up and for parameters that are not finite or of another length; nothing is spent then.
        """
        try:
            current = numpy.array(parameters, dtype=numpy.float64)
        except (TypeError, ValueError):
            raise InputError("parameters must be an array of numbers") from None
        self.check(records)
        if self._before is not None and current.shape != self._before.shape:
            raise InputError(f"parameters have the shape {current.shape}, and those before {self._before.shape}")
        sigma = self.plan.step(self.made, records) if sigma is None else sigma
        if self.plan.mechanism == "independent" or self._before is None or self._released is None:
            released = rounded_normal(current, sigma, self.grid, self._stream)
        else:
            released = self._released + rounded_normal(current - self._before, sigma, self.grid, self._stream)
        self._before, self._released, self.made = current, released, self.made + records
        return released.copy()

    def check(self, records: int) -> None:
        """Refuse a request that the plan does not cover any more."""
        if counted(records, "records") > self.left:
            left = f"{self.left} are left and {records} are asked" if self.left else "all are released"
            raise InputError(f"the budget is used up: the plan covers {self.plan.deletions} deletions, and {left}")
