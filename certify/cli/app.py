"""The table of commands, each imported only when it runs, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from certify.errors import CertifyError, InputError

from .output import ExitCode, complain

_COMMANDS = (
    ("noise", "noise", "How much noise: any three of epsilon, delta, sigma, sensitivity give the fourth, proved."),
    ("claim", "claim", "Check a published claim: does a theorem give (epsilon, delta) at this noise?"),
    ("theorems", "theorems", "List the theorems of the book, or show one."),
    ("prove", "prove", "Replay the proofs of the book, or of one theorem and all it rests on."),
    ("unlearn", "unlearn", "Train on a table, delete records, add noise, write a certified run folder."),
    ("verify", "verify", "Replay a certificate and re-measure what you have of it."),
    ("keygen", "keygen", "Make an Ed25519 key pair to sign certificates with."),
    ("test", "test", "Property-test an unlearning method: package.module:Method."),
    ("demo", "demo", "A verified deletion on real data, end to end."),
)

_EXAMPLES = """
Examples:

    certify noise --epsilon 1 --delta 1e-5 --sensitivity 0.02

    certify unlearn --data d.csv --label y --forget 3,17 --model logistic --l2 0.01 --epsilon 1 --delta 1e-5 --out run/

    certify verify run/ --data d.csv --require enclosed

Exit codes: 0 holds, 1 does not hold, 2 usage or bad input, 3 holds but weaker than --require, 4 could not decide.
"""


def build() -> App:
    """The application; building it imports no command."""
    app = App(
        name="certify",
        help="Verify and certify machine unlearning: every number proved, every premise named.",
        help_epilogue=_EXAMPLES,
        help_format="markdown",
        version=_version,
        default_parameter=Parameter(negative=()),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        help_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    for name, module, summary in _COMMANDS:
        app.command(f"certify.cli.{module}:{name}", name=name, help=summary)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit code; whatever goes wrong is one line on standard error."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _refuse_unknown_command(words)
        result = build()(words)
        sys.stdout.flush()
        return int(result) if isinstance(result, int) else int(ExitCode.HOLDS)
    except CertifyError as error:
        complain(error)
        return error.exit_code
    except CycloptsError as error:
        command = f"{words[0]} " if words and not words[0].startswith("-") else ""
        complain(f"{error} (see certify {command}--help)")
        return int(ExitCode.USAGE)
    except KeyboardInterrupt:
        complain("interrupted; nothing was released")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: say nothing more at exit
        return int(ExitCode.HOLDS)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}; check the path and its permissions")
        return int(ExitCode.USAGE)
    except Exception as error:
        complain(f"this should not have happened: {type(error).__name__}: {error}; nothing is decided, please report the command")
        return int(ExitCode.UNDECIDED)


def _refuse_unknown_command(words: Sequence[str]) -> None:
    names = [name for name, _, _ in _COMMANDS]
    if words and not words[0].startswith("-") and words[0] not in names:
        near = difflib.get_close_matches(words[0], names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(names)}"
        raise InputError(f"there is no command {words[0]!r}: {hint}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("certify-unlearning")
    except PackageNotFoundError:
        return "0 (not installed)"
