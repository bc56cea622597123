"""``certify demo``: a verified deletion on real data, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import ExitCode, emit, note, schema

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

    shown = demonstrate(out, report=note)
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

    refused = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("forged copy", "what was done", "refused because"):
        refused.add_column(title, overflow="fold")
    for forgery in shown.forgeries:
        reasons = "; ".join(f"{check.id}: {check.detail}" for check in forgery.verdict.failed) or "NOT REFUSED"
        refused.add_row(forgery.title, forgery.how, Text(reasons))

    def heading(words: str) -> Text:
        return Text(f"\n{words}", style="bold underline")

    ending = Text(
        f"\nTry it yourself: certify verify {shown.out} --data {shown.out / 'data.csv'} --key {shown.out / 'signer.pub'}"
    )
    parts: list[Any] = [shown.certificate, heading("Verdict"), shown.verdict, heading("Beside the truth"), measured]
    return Group(*parts, heading("Forgeries"), refused, ending)
