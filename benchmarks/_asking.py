"""Asks the libraries of ``_peers.py``, in an interpreter that may hold other packages than ours."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def peer_python() -> str:
    """The interpreter named by ``--peer-python`` or CERTIFY_PEER_PYTHON, or else our own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-python", default=os.environ.get("CERTIFY_PEER_PYTHON", sys.executable))
    return str(parser.parse_args().peer_python)


def ask(python: str, peer: str, question: str, *, limit: float = 1200, **request: Any) -> dict[str, Any] | None:
    """What the peer answers; None, and one line that says so, if it is not installed there or does not start."""
    script = Path(__file__).with_name("_peers.py")
    try:
        done = subprocess.run(
            [python, str(script)],
            input=json.dumps({"peer": peer, "question": question, **request}),
            capture_output=True, text=True, timeout=limit, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        print(f"skipped: {peer} ({question}): {type(problem).__name__}")
        return None
    if done.returncode != 0:
        print(f"skipped: {peer} ({question}): {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return None
    answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return answer
