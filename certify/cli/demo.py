"""``certify demo``: a verified deletion on real data, end to end."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import ExitCode, emit, schema
from .progress import progress

if TYPE_CHECKING:
    from certify.demo import Demonstration


def demo(*, out: Path = Path("demo-run"), json: bool = False) -> int:
    """Train on breast-cancer records, forget five, certify, verify, and refuse two forgeries.

    Exit code 0 says that the certificate holds and that both forgeries were refused.

    Parameters
    ----------
    out
        The folder to write; an earlier demonstration in it is replaced.
    json
        Print JSON alone on standard output.
    """
    from certify.demo import demonstrate

    with progress() as stages:
        shown = demonstrate(out, report=stages.stage)
    good = shown.verdict.holds and not any(forgery.verdict.holds for forgery in shown.forgeries)
    emit(_payload(shown, good), json, lambda: _tables(shown))
    return int(ExitCode.HOLDS if good else ExitCode.FAILS)


def _payload(shown: Demonstration, good: bool) -> dict[str, Any]:
    run = shown.run
    return {
        "schema": schema("demo"),
        "holds": good,
        "out": str(shown.out),
        "verdict": shown.verdict.to_json(),
        "sigma": repr(run.noise.sigma.value) if run.noise else None,
        "distance": {
            "certified": repr(run.distance.value),
            "to_retrained": repr(shown.true_distance.value),
            "budget": repr(run.distance_budget.value),
        },
        "accuracy": {
            "before": shown.accuracy.before,
            "released": shown.accuracy.released,
            "retrained": shown.accuracy.retrained,
            "held_out": shown.held_out,
        },
        "forgeries": [
            {
                "title": forgery.title,
                "how": forgery.how,
                "holds": forgery.verdict.holds,
                "failed": [{"id": check.id, "detail": check.detail} for check in forgery.verdict.failed],
            }
            for forgery in shown.forgeries
        ],
    }


def _tables(shown: Demonstration) -> object:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    run = shown.run
    measured = Table(box=None, show_header=False, pad_edge=False)
    measured.add_column(style="bold", no_wrap=True)
    measured.add_column(justify="right")
    measured.add_column()
    measured.add_row(
        "certified distance", f"{run.distance.value:.3g}", "proved: the un-noised model is no further from the retrained optimum"
    )
    measured.add_row(
        "really retrained",
        f"{shown.true_distance.value:.3g}",
        "distance to a model that was trained from nothing without the records",
    )
    measured.add_row("noise covers", f"{run.distance_budget.value:.3g}", "the public budget, fixed before the request")
    if run.noise:
        measured.add_row("noise", f"{run.noise.sigma.value:.3g}", "standard deviation a coordinate")
    measured.add_row("accuracy before", f"{shown.accuracy.before:.1%}", f"on {shown.held_out} records that no model saw")
    measured.add_row("accuracy released", f"{shown.accuracy.released:.1%}", "")
    measured.add_row("accuracy retrained", f"{shown.accuracy.retrained:.1%}", "")

    def heading(words: str) -> Text:
        return Text(f"\n{words}", style="bold underline")

    parts: list[Any] = [shown.certificate, heading("Verdict"), shown.verdict, heading("Beside the truth"), measured]
    parts.append(heading("Forgeries"))
    for number, forgery in enumerate(shown.forgeries):
        reasons = Table(box=None, show_header=False, pad_edge=False)
        reasons.add_column(no_wrap=True)
        reasons.add_column(no_wrap=True)
        reasons.add_column()
        for check in forgery.verdict.failed:
            reasons.add_row(Text("✗", style="bold red"), check.id, Text(check.detail))
        title = Text.assemble("\n" if number else "", (forgery.title, "bold"), f": {forgery.how}")
        outcome = Text("NOT REFUSED", style="bold red") if forgery.verdict.holds else reasons
        parts += [title, outcome]
    words = ["verify", str(shown.out), "--data", str(shown.out / "data.csv"), "--key", str(shown.out / "signer.pub")]
    parts.append(Text(f"\nTry it yourself: {shlex.join([_command(), *words])}"))
    return Group(*parts)


def _command() -> str:
    """How this command was called, if a bare ``certify`` would not find it."""
    return "certify" if shutil.which("certify") or Path(sys.argv[0]).name != "certify" else sys.argv[0]
