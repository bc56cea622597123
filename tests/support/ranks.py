"""Several processes of ``torch.distributed`` on this machine, for tests of what they do together."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

Work = Callable[[int, int], Any]


def together(work: Work, folder: Path, count: int = 2, patience: float = 60.0, backend: str = "gloo") -> list[Any]:
    """What ``work(rank, count)`` returns in each of ``count`` new processes, by JSON (tensors as lists), or the error as [class, message].

    A process that ends without an answer gives None; one that is still running after ``patience`` seconds is killed and fails.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch", "certify.estimators.spectrum.largest", "certify.estimators.sharding.operator"]
    )  # imported once
    processes = [context.Process(target=_one, args=(work, folder, rank, count, backend)) for rank in range(count)]
    for process in processes:
        process.start()
    until = time.monotonic() + patience
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    hanging = [rank for rank, process in enumerate(processes) if process.is_alive()]
    for process in processes:
        process.kill()
        process.join()
    assert not hanging, f"ranks {hanging} hang"
    answers = [folder / f"answer{rank}" for rank in range(count)]
    return [json.loads(answer.read_text()) if answer.exists() else None for answer in answers]


def _one(work: Work, folder: Path, rank: int, count: int, backend: str) -> None:
    torch.set_num_threads(1)
    patience = datetime.timedelta(seconds=30)
    dist.init_process_group(backend, init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=count, timeout=patience)
    answer = attempt(lambda: work(rank, count))
    part = folder / f"answer{rank}.part"
    part.write_text(json.dumps(answer, default=lambda tensor: tensor.tolist()))
    part.rename(folder / f"answer{rank}")
    dist.destroy_process_group()


def attempt(work: Callable[[], Any]) -> Any:
    """The value, or the error in words."""
    try:
        return work()
    except Exception as error:
        return type(error).__name__, str(error)
