"""Random instances of every theorem: real data on which both sides of the inequality are measured.

One module for each part of mathematics. A function draws one instance and returns the value of every hypothesis and of
every variable of the proof; the hypotheses are covered with a random margin, as a user's bounds would be. A module holds

* ``INSTANCES``: theorem id to function;
* ``TIGHT``: the greatest ratio of truth to bound that the draws must reach (default 0.01), so that no constant is loose unseen;
* ``LOOSE``: instead of a ratio, why a bound is never approached within a factor of a hundred;
* ``COUNT``: how many draws, where the usual number would take long.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from .shared import Instance, Values

__all__ = ["COUNT", "INSTANCES", "LOOSE", "TIGHT", "Instance", "Values"]

INSTANCES: dict[str, Instance] = {}
TIGHT: dict[str, float] = {}
LOOSE: dict[str, str] = {}
COUNT: dict[str, int] = {}

for _module in pkgutil.iter_modules(__path__):
    _family = import_module(f".{_module.name}", __name__)
    if _twice := INSTANCES.keys() & getattr(_family, "INSTANCES", {}).keys():
        raise ValueError(f"two instances of {', '.join(_twice)}")
    INSTANCES.update(getattr(_family, "INSTANCES", {}))
    TIGHT.update(getattr(_family, "TIGHT", {}))
    LOOSE.update(getattr(_family, "LOOSE", {}))
    COUNT.update(getattr(_family, "COUNT", {}))
