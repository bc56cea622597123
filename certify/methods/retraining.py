"""Retraining from scratch on the retained rows: the slow method that every other is compared with."""

from __future__ import annotations

import torch

from certify.distances import sharp_distance
from certify.newton import minimise
from certify.objectives import LinearObjective

from .candidate import Candidate


def retrained_candidate(retained: LinearObjective) -> Candidate:
    """Fit from zero on a copy of the retained rows alone, to the rounding floor.

    Copying the rows together makes the result a function of them only: where the deleted rows were, and how
    the table lay in memory, cannot change the order of a sum. It never starts from the full-data model.
    """
    alone = retained.select(retained.ids)
    found = minimise(alone, torch.zeros(alone.dimension, dtype=torch.float64, device=alone.features.device))
    sharp = sharp_distance(alone, found.parameters, found.measured, found.solve)
    return Candidate(found.parameters, found.measured, sharp.bound, found.steps, found.passes + sharp.passes)
