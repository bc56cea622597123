"""How near to its bound the truth comes, theorem by theorem, on the random instances of the tests.

Run ``python benchmarks/tightness.py``: prints a table, the loosest theorem first, and writes
``benchmarks/results/tightness.json``. A ratio of 1 is equality; what stays below a hundredth carries a note why.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from _report import publish, row

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from instances import LOOSE, TIGHT
from ratios import NEAR, tightest

from certify.proofs import registry


def run() -> list[dict[str, Any]]:
    """The tightest ratio of truth to bound of every theorem, worst first; the budget is the least that the tests accept."""
    rows = [
        row(
            identifier,
            tightest(identifier),
            "x",
            budget=None if identifier in LOOSE else TIGHT.get(identifier, NEAR),
            peer=LOOSE.get(identifier, ""),
        )
        for identifier in registry.theorems()
    ]
    return sorted(rows, key=lambda found: float(found["value"]))


if __name__ == "__main__":
    publish("tightness", run())
