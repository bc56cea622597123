"""The processes that share an operator: one collective, a sum, that ends in a clear error when a process is lost or late."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ..engines.refusals import OperatorRefused

_SIGN_OF_LIFE = 1.0
_AGAIN = "look at what it printed, start all processes again; if it was only slow, pass a longer timeout"


class RankLost(ConnectionError):
    """A process that shares an operator has ended, failed, or not come in time. ``ranks`` are those that are known to be missing."""

    def __init__(self, cause: str, remedy: str, ranks: tuple[int, ...] = ()) -> None:
        super().__init__(f"{cause}: {remedy}")
        self.cause, self.remedy, self.ranks = cause, remedy, ranks

    def __reduce__(self) -> tuple[type[RankLost], tuple[str, str, tuple[int, ...]]]:
        return type(self), (self.cause, self.remedy, self.ranks)


class Ranks:
    """The processes of a group, seen from one of them: ``rank`` of ``count``.

    Every process has to call the methods in the same order. After a :class:`RankLost` the group is out of step, and every further call
    raises it again.
    """

    def __init__(self, group: Any, timeout: float | None, device: torch.device) -> None:
        if not dist.is_available() or not dist.is_initialized():
            raise OperatorRefused("torch.distributed is not initialised", "call torch.distributed.init_process_group first")
        if timeout is not None and not 1e-3 <= timeout <= 1e9:
            raise ValueError(f"a timeout is a positive number of seconds or None, not {timeout}")
        if not (group is None or isinstance(group, dist.ProcessGroup) or group == dist.GroupMember.NON_GROUP_MEMBER):
            raise OperatorRefused(
                f"group is {type(group).__name__}",
                "pass a group of torch.distributed.new_group, or mesh.get_group() of a device mesh",
            )
        chosen: Any = dist.group.WORLD if group is None else group
        self._group = chosen
        rank = -1 if self._group == dist.GroupMember.NON_GROUP_MEMBER else dist.get_rank(self._group)
        if rank < 0:
            raise OperatorRefused("this process is no member of the group", "call sharded only on the ranks of the group")
        self.rank, self.count, self.device = rank, dist.get_world_size(self._group), device
        self._of_all = [dist.get_global_rank(chosen, member) for member in range(self.count)]
        backend = dist.get_backend(self._group)
        if backend == "nccl" and device.type != "cuda":
            raise OperatorRefused(
                f"the operator lies on {device}, and the group speaks nccl", "move the model to cuda, or use gloo"
            )
        patience: timedelta = self._group._get_backend(device).options._timeout if timeout is None else timedelta(seconds=timeout)
        self._patience, self._calls, self._lost = patience, 0, ""

    @property
    def calls(self) -> int:
        """How many collectives there have been."""
        return self._calls

    def sum(self, tensor: Tensor, what: str) -> Tensor:
        """The sum of the tensors of all processes, the same bit for bit in each; in place, one all-reduce."""
        if self._lost:
            raise RankLost(f"this operator lost a process before ({self._lost})", _AGAIN)
        self._calls += 1
        options = dist.AllreduceOptions()
        options.timeout = self._patience
        start = time.monotonic()
        try:
            self._group.allreduce([tensor], options).wait(self._patience)  # nccl waits here only when it is told how long
        except RuntimeError as error:
            self._lost = f"in {what}, after {time.monotonic() - start:.1f} s"
            missing = self._without_sign_of_life()
            raise RankLost(
                f"{self._named((self.rank,))} waited for {self._named(missing)} {self._lost} ({str(error).splitlines()[0][:160]})",
                _AGAIN,
                missing,
            ) from error
        return tensor

    def gather(self, value: Any, what: str) -> list[Any]:
        """The values (of JSON) of all processes, by rank: two all-reduces."""
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        lengths = torch.zeros(self.count, dtype=torch.int64, device=self.device)
        lengths[self.rank] = len(text)
        ends = self.sum(lengths, what).tolist()
        table = torch.zeros(self.count, max(ends), dtype=torch.uint8, device=self.device)
        table[self.rank, : len(text)] = text.to(self.device)
        rows = self.sum(table, what).cpu()
        return [json.loads(bytes(row[:end].tolist())) for row, end in zip(rows, ends, strict=True)]

    def from_first(self, tensor: Tensor, what: str) -> Tensor:
        """The tensor of rank 0, on every rank."""
        return self.sum(tensor.clone() if self.rank == 0 else torch.zeros_like(tensor), what)

    def _without_sign_of_life(self) -> tuple[int, ...]:
        """The ranks that do not report the same failure to the store of the process group within a second; none where it is gone too."""
        missing: list[tuple[int, ...]] = [()]

        def ask() -> None:
            try:
                store = torch._C._distributed_c10d.PrefixStore(
                    f"certify/{self._group.group_name}/{self._calls}", dist.distributed_c10d._get_default_store()
                )
                store.set(str(self.rank), "waited")
                others = [rank for rank in range(self.count) if rank != self.rank]
                until = time.monotonic() + _SIGN_OF_LIFE
                silent = tuple(others)
                while silent and time.monotonic() < until:
                    time.sleep(0.05)
                    silent = tuple(rank for rank in silent if not store.check([str(rank)]))
                missing[0] = silent
            except (RuntimeError, AttributeError, ValueError):
                missing[0] = ()

        # A store whose machine is gone answers nobody, and this process goes on.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(2 * _SIGN_OF_LIFE)
        return missing[0]

    def _named(self, members: tuple[int, ...]) -> str:
        """The processes to look at: where the group is not that of all, their ranks among all are other ones."""
        if not members:
            return "the others"
        words = f"rank{'s'[: len(members) > 1]} "
        said = words + ", ".join(map(str, members))
        others = [self._of_all[member] for member in members]
        return said if others == list(members) else f"{said} of the group ({words}{', '.join(map(str, others))} of all)"
