"""Errors that people read: one line that says what, where and what to do."""

from __future__ import annotations


class CertifyError(Exception):
    """Base of the errors raised on purpose; the command line prints the message and exits with ``exit_code``."""

    exit_code = 2


class InputError(CertifyError, ValueError):
    """The input cannot be used as given; nothing was changed."""


class BudgetNotReached(CertifyError):
    """The residual could not be brought within the distance budget; nothing was released."""

    exit_code = 1


class CannotDecide(CertifyError):
    """The question could not be settled with the precision, time or material at hand."""

    exit_code = 4
