"""Property-test an unlearning method: checks that hold bit for bit, laws on drawn problems, audits that can only refute.

>>> from certify.testing import check_unlearner
>>> from certify.testing.broken import ForgetsNothing
>>> [result.id for result in check_unlearner(ForgetsNothing(), on_fail="record") if result.status == "failed"][0]
'property.distance-bound'
"""

from .check import Check, CheckFailed, CheckResult, Status, Tier
from .suite import SUITE_VERSION, check_unlearner, checks, parametrize_with_checks

__all__ = [
    "check_unlearner",
    "parametrize_with_checks",
    "checks",
    "Check",
    "CheckResult",
    "CheckFailed",
    "Tier",
    "Status",
    "SUITE_VERSION",
]
