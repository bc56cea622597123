"""The suite: run every check on a method, as a function or as pytest parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from certify.errors import InputError

from . import exact, properties, statistical
from .check import Check, CheckFailed, CheckResult, Refuted, Skip, Status
from .subject import Subject

if TYPE_CHECKING:
    import pytest

SUITE_VERSION = "2026.1"
"""New checks make a new suite, so that an upgrade is seen before it fails anybody's build."""

_CHECKS: tuple[Check, ...] = (*exact.CHECKS, *properties.CHECKS, *statistical.CHECKS)


def checks() -> list[Check]:
    """Every check of the suite, in the order in which they run.

    >>> {check.tier.value for check in checks()} == {"exact", "property", "statistical"}
    True
    """
    return list(_CHECKS)


def check_unlearner(
    method: Any,
    data: Any = None,
    *,
    alpha: float = 1e-6,
    on_fail: Literal["raise", "record"] = "raise",
    seed: int = 0,
) -> list[CheckResult]:
    """Hold an unlearning method to every check, and say which are refuted.

    ``method`` is an instance with ``train(data, generator)``, ``unlearn(state, forget, generator)`` and
    ``guarantee``; optional parts (``noiseless``, ``noise_scale``, ``distance_bound``, ``retrain``,
    ``advance``, ``problems``) open more checks, and a missing one leaves them skipped with the reason.
    ``data`` is a ``Dataset`` or a pair (features, labels); without it, binary problems with rows of norm
    at most 1 are drawn. Each statistical check errs with probability at most ``alpha``. The run is
    deterministic for a seed.

    Returns one result a check. ``on_fail="raise"`` raises :class:`CheckFailed`, an ``AssertionError`` that
    names the check, at the first failure; ``"record"`` goes on. Raises
    :class:`~certify.errors.InputError` for an unusable method, data set or option.

    >>> from certify.testing.broken import SoundNewton
    >>> results = check_unlearner(SoundNewton())
    >>> [result.id for result in results if result.status != "passed"]
    ['exact.zero-claim']
    """
    if on_fail not in ("raise", "record"):
        raise InputError(f"on_fail is 'raise' or 'record', not {on_fail!r}")
    return [result for _, result in run_checks(Subject(method, data, alpha=alpha, seed=seed), raising=on_fail == "raise")]


def run_checks(subject: Subject, *, raising: bool = False) -> Iterator[tuple[Check, CheckResult]]:
    """Run the checks one by one and yield each result as it is known."""
    for check in _CHECKS:
        result, error = run_check(check, subject)
        if raising and result.status is Status.FAILED:
            raise CheckFailed(check.id, result.detail) from error
        yield check, result


def run_check(check: Check, subject: Subject) -> tuple[CheckResult, Exception | None]:
    """The result of one check, and the error behind a failure."""
    missing = [name for name in check.needs if not subject.has(name)]
    if missing:
        return CheckResult(check.id, check.tier, Status.SKIPPED, f"the method has no {', '.join(missing)}"), None
    try:
        return CheckResult(check.id, check.tier, Status.PASSED, check.run(subject)), None
    except Skip as skip:
        return CheckResult(check.id, check.tier, Status.SKIPPED, str(skip)), None
    except NotImplementedError as missing_part:
        return CheckResult(check.id, check.tier, Status.SKIPPED, f"not implemented by the method: {missing_part}"), None
    except Refuted as refuted:
        return CheckResult(check.id, check.tier, Status.FAILED, str(refuted)), refuted
    except Exception as error:
        detail = f"the method raised {type(error).__name__}: {' '.join(str(error).split())}"
        return CheckResult(check.id, check.tier, Status.FAILED, detail), error


def parametrize_with_checks(
    methods: Sequence[Any],
    *,
    expected_failures: Mapping[str, str] | Callable[[Any], Mapping[str, str]] | None = None,
    data: Any = None,
    alpha: float = 1e-6,
    seed: int = 0,
) -> pytest.MarkDecorator:
    """A pytest decorator that runs every check on every method, one test each.

    The test takes two arguments and calls one with the other::

        @parametrize_with_checks([MyMethod()], expected_failures={"exact.unknown-id": "ids are not looked up"})
        def test_conforms(method, check):
            check(method)

    Ids read ``MyMethod-exact.output``, so ``-k`` selects. ``expected_failures`` maps check ids to reasons
    (for all methods, or as a function of the method); such a test is a strict xfail: it fails once the
    check holds. Skipped checks are skipped tests. Raises :class:`~certify.errors.InputError` for an unknown
    check id.
    """
    import pytest

    known = {check.id for check in _CHECKS}
    parameters = []
    for method in methods:
        expected = dict(expected_failures(method) if callable(expected_failures) else expected_failures or {})
        if unknown := sorted(set(expected) - known):
            raise InputError(
                f"expected_failures names {unknown[0]!r}, which is no check of this suite: see certify.testing.checks()"
            )
        subject = Subject(method, data, alpha=alpha, seed=seed)
        for check in _CHECKS:
            marks = (
                [pytest.mark.xfail(reason=expected[check.id], strict=True, raises=CheckFailed)] if check.id in expected else []
            )
            parameters.append(
                pytest.param(method, _as_test(check, subject), id=f"{type(method).__name__}-{check.id}", marks=marks)
            )
    return pytest.mark.parametrize(("method", "check"), parameters)


def _as_test(check: Check, subject: Subject) -> Callable[[Any], None]:
    def run(method: Any) -> None:
        import pytest

        result, error = run_check(
            check, subject if method is subject.method else Subject(method, alpha=subject.alpha, seed=subject.seed)
        )
        if result.status is Status.SKIPPED:
            pytest.skip(result.detail)
        if result.status is Status.FAILED:
            raise CheckFailed(check.id, result.detail) from error

    return run
