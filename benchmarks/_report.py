"""Rows, tables and files of the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def row(
    name: str, value: float, unit: str, *, budget: float | None = None, peer: str = "", against: float | None = None
) -> dict[str, Any]:
    """One figure: its budget, the peer's figure in the same run, and peer/value (above 1: we are faster)."""
    ratio = None if against is None or value == 0 else against / value
    return {"name": name, "value": value, "unit": unit, "budget": budget, "peer": peer, "peer_value": against, "ratio": ratio}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for people."""

    def cell(value: float | None, unit: str = "") -> str:
        return "-" if value is None else f"{value:.3g} {unit}".strip()

    lines = [f"{'what':52} {'value':>12} {'budget':>8} {'peer':>8} {'ratio':>7}  peer"]
    for r in rows:
        value, budget, peer, ratio = cell(r["value"], r["unit"]), cell(r["budget"]), cell(r["peer_value"]), cell(r["ratio"])
        lines.append(f"{r['name']:52} {value:>12} {budget:>8} {peer:>8} {ratio:>7}  {r['peer']}")
    return "\n".join(lines)


def publish(name: str, rows: list[dict[str, Any]]) -> None:
    """Print the table and write ``benchmarks/results/<name>.json``."""
    print(table(rows))
    save(name, rows)


def save(name: str, rows: list[dict[str, Any]]) -> None:
    """Write ``benchmarks/results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"schema": "certify.benchmark/1", "rows": rows}, indent=2) + "\n")
