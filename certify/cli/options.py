"""Kinds of option that several commands share."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

Number = Annotated[str, Parameter(metavar="NUMBER")]
"""An exact decimal, a ratio or a hexadecimal double, kept as text so that nothing is rounded on the way."""

MaybeNumber = Annotated[str | None, Parameter(metavar="NUMBER")]
"""A :data:`Number` that may be left out."""
