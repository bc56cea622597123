"""The error for what cannot be computed rightly: it names the cause and the remedy."""

from __future__ import annotations


class OperatorRefused(ValueError):
    """An operator would be wrong, undefined, or not the one that was asked for."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}: {remedy}")
        self.cause, self.remedy = cause, remedy

    def __reduce__(self) -> tuple[type[OperatorRefused], tuple[str, str]]:
        """To other processes as the two parts that it is made of."""
        return type(self), (self.cause, self.remedy)
