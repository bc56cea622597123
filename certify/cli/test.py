"""``certify test``: hold a method of the user's to the conformance suite."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from certify.errors import InputError

from .importing import imported, in_words
from .output import ExitCode, emit, schema
from .progress import progress

if TYPE_CHECKING:
    from certify.testing import CheckResult

_WORDS = {"passed": ("not refuted", "green"), "failed": ("REFUTED", "bold red"), "skipped": ("skipped", "dim")}


def test(target: str, /, *, alpha: float = 1e-6, seed: int = 0, json: bool = False) -> int:
    """Try to refute an unlearning method: checks bit for bit, on drawn problems, and on repeated releases.

    Exit code 0 if nothing was refuted (which proves nothing), 1 if a check was.

    Parameters
    ----------
    target
        The method, as package.module:Method or path/to/file.py:Method; a class is called without arguments.
    alpha
        The probability with which each statistical check may refute a correct method.
    seed
        The seed of all problems and of all noise; one seed, one result.
    json
        Print JSON alone on standard output.
    """
    from certify.testing import SUITE_VERSION, Status
    from certify.testing.subject import Subject
    from certify.testing.suite import checks, run_checks

    results: list[CheckResult] = []
    with (
        contextlib.redirect_stdout(sys.stderr),
        progress(counts=True) as shown,
    ):  # what the method prints is no part of the result
        method = load(target)
        subject = Subject(method, alpha=alpha, seed=seed)
        shown.stage("trying to refute", total=len(checks()))
        for _, result in run_checks(subject):
            results.append(result)
            shown.advance(result.id)
            if result.status is Status.FAILED:
                shown.say(f"{result.id}: refuted")
    counts = {status.value: sum(result.status is status for result in results) for status in Status}
    payload = {
        "schema": schema("test"),
        "suite": SUITE_VERSION,
        "target": target,
        "method": type(method).__name__,
        "refuted": counts["failed"] > 0,
        "alpha": alpha,
        "seed": seed,
        "counts": counts,
        "checks": [
            {"id": result.id, "tier": result.tier.value, "status": result.status.value, "detail": result.detail}
            for result in results
        ],
    }
    emit(payload, json, lambda: _table(payload))
    return int(ExitCode.FAILS if counts["failed"] else ExitCode.HOLDS)


def load(target: str) -> Any:
    """The method that ``package.module:Method`` or ``file.py:Method`` names; raises ``InputError`` in one line."""
    source, colon, path = target.rpartition(":")
    if not colon or not source or not path:
        raise InputError(f"{target!r} names no method: write package.module:Method or path/to/file.py:Method")
    value: Any = imported(source)
    for name in path.split("."):
        if not hasattr(value, name):
            offered = [
                key for key, entry in vars(value).items() if isinstance(entry, type) and callable(getattr(entry, "unlearn", None))
            ]
            hint = f"; methods there: {', '.join(offered)}" if offered else "; nothing there has an unlearn method"
            raise InputError(f"{source} has no {name}{hint}")
        value = getattr(value, name)
    if isinstance(value, type) or not hasattr(value, "unlearn"):
        if not callable(value):
            raise InputError(
                f"{target} is a {type(value).__name__}, not a method: it has no train and no unlearn (see docs/testing.md)"
            )
        try:
            value = value()
        except Exception as error:
            raise InputError(
                f"{target} could not be made without arguments ({in_words(error)}): point to an instance instead"
            ) from None
    return value


def _table(payload: dict[str, Any]) -> object:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    words = {
        "exact": ("exact", "on one problem, bit for bit"),
        "property": ("property", "on drawn problems"),
        "statistical": ("statistical", f"on repeated releases; a refutation errs with probability at most {payload['alpha']:g}"),
    }
    parts: list[Any] = [Text(f"{payload['method']}: suite {payload['suite']}, seed {payload['seed']}", style="bold")]
    for tier, (title, how) in words.items():
        table = Table(
            box=None,
            pad_edge=False,
            header_style="bold",
            title=f"\n{title}: {how}",
            title_justify="left",
            title_style="bold",
            expand=True,
        )
        table.add_column("check", no_wrap=True)
        table.add_column("result", no_wrap=True)
        table.add_column("detail", ratio=1)
        for entry in payload["checks"]:
            if entry["tier"] == tier:
                mark, style = _WORDS[entry["status"]]
                table.add_row(entry["id"], Text(mark, style=style), Text(entry["detail"]))
        parts.append(table)
    counts = payload["counts"]
    verdict = (
        f"refuted by {counts['failed']} checks"
        if counts["failed"]
        else "not refuted: no check found a contradiction, which is no proof"
    )
    parts.append(Text(f"\n{verdict} ({counts['passed']} not refuted, {counts['skipped']} skipped)", style="bold"))
    return Group(*parts)
