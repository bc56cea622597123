"""A verdict for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .verdict import Outcome

if TYPE_CHECKING:
    from rich.console import Group

    from .verdict import Verdict

_STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.NOT_CHECKABLE: "yellow"}


def verdict_tables(verdict: Verdict) -> Group:
    """Rich tables: the checks, the premises with the support they have now, the conclusion."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    checks = Table(box=None, pad_edge=False, header_style="bold")
    checks.add_column("")
    checks.add_column("check", no_wrap=True)
    checks.add_column("what was compared", overflow="fold")
    for check in verdict.checks:
        checks.add_row(Text(check.outcome.glyph, style=_STYLES[check.outcome]), check.id, Text(check.detail))
    parts: list[Table | Text] = [checks]
    if verdict.premises:
        premises = Table(box=None, pad_edge=False, header_style="bold")
        premises.add_column("")
        premises.add_column("premise", no_wrap=True)
        premises.add_column("support", no_wrap=True)
        for link in verdict.premises:
            premises.add_row(link.status.glyph, link.id, link.status.label)
        parts += [Text(""), premises]
    if verdict.declared:
        parts += [Text(""), Text(f"only declared: {', '.join(verdict.declared)}", style="dim")]
    style = {0: "bold green", 3: "bold yellow", 4: "bold yellow"}.get(verdict.exit_code, "bold red")
    return Group(*parts, Text(""), Text(verdict.conclusion, style=style))
