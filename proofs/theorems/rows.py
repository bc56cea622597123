"""Facts about one feature row, shared by the losses of a linear predictor."""

from __future__ import annotations

from ..expression import symbols
from ..proof import Fact

_row_norm, _x, _h, _s = symbols("row_norm x h s")

ALONG = (
    Fact("x at most R", ">=0", _row_norm - _x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "x <= |row| |u|"),
    Fact("x at least -R", ">=0", _row_norm + _x, ("linalg.cauchy-schwarz", "hypothesis:row_norm"), "-x <= |row| |u|"),
)
X_MEANING = {"x": "inner product of the feature row with a unit vector u"}
ROW = Fact("row", ">=0", _row_norm - _h, ("hypothesis:row_norm",), "the number given covers the norm of the row")
NORM = Fact("norm", ">=0", _h, ("linalg.cauchy-schwarz",), "a norm is nonnegative")
H_MEANING = {"h": "norm of the feature row"}
SHARE = (
    Fact("s at least 0", ">=0", _s, ("analysis.loss-derivatives",), "a logistic probability"),
    Fact("s at most 1", ">=0", 1 - _s, ("analysis.loss-derivatives",), "a logistic probability"),
)
S_MEANING = {"s": "logistic function of the linear predictor"}
