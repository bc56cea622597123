"""The table of commands, each imported only when it runs, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError

from certify.errors import CertifyError, InputError

from .characters import never_fail_to_print
from .output import ExitCode, complain

COMMANDS = (
    ("noise", "noise", "How much noise: any three of epsilon, delta, sigma, sensitivity give the fourth, proved."),
    ("claim", "claim", "Check a published claim: does a theorem give (epsilon, delta) at this noise?"),
    ("theorems", "theorems", "List the theorems of the book, or show one."),
    ("prove", "prove", "Replay the proofs of the book, or of one theorem and all it rests on."),
    ("unlearn", "unlearn", "Train on a table, delete records, add noise, write a certified run folder."),
    ("verify", "verify", "Replay a certificate and re-measure what you have of it."),
    ("keygen", "keygen", "Make an Ed25519 key pair to sign certificates with."),
    ("continual", "continual", "Forget batch after batch, a noised model after each, all covered by one guarantee."),
    ("capacity", "capacity", "How many deletions a noise budget covers, and when to retrain."),
    ("lipschitz", "lipschitz", "How far a model's output can move with its input: bounds, proved layer by layer or together."),
    ("test", "test", "Property-test an unlearning method: package.module:Method."),
    ("demo", "demo", "A verified deletion on real data, end to end."),
)

_ALONE = ("--help", "-h", "--version")

_CODES = "Exit codes: 0 holds, 1 does not hold, 2 usage or bad input, 3 holds but weaker than --require, 4 could not decide."

_EXAMPLES = f"""Examples:

  certify demo
  certify noise --epsilon 1 --delta 1e-5 --sensitivity 0.02
  certify verify demo-run --data demo-run/data.csv
  certify COMMAND --help

{_CODES}
"""


def build(chosen: str | None = None) -> App:
    """The application; building it imports no command. The ``chosen`` one explains itself by its whole docstring."""
    app = App(
        name="certify",
        help="Verify and certify machine unlearning: every number proved, every premise named.",
        help_epilogue=_EXAMPLES,
        help_format="plaintext",
        version=_version,
        default_parameter=Parameter(negative=(), show_default=_default),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        help_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    for name, module, summary in COMMANDS:
        app.command(
            f"certify.cli.{module}:{name}",
            name=name,
            help=None if name == chosen else summary,
            help_epilogue=_CODES,
            help_format="markdown",
        )
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit code; whatever goes wrong is one line on standard error."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    never_fail_to_print()
    try:
        _refuse_unknown_command(words)
        result = build(words[0] if words else None)(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(result) if isinstance(result, int) else int(ExitCode.HOLDS)
    except CertifyError as error:
        complain(error)
        return error.exit_code
    except CycloptsError as error:
        command = f"{words[0]} " if words and not words[0].startswith("-") else ""
        complain(f"{_in_words(error, command.strip())} (see certify {command}--help)")
        return int(ExitCode.USAGE)
    except KeyboardInterrupt:
        complain("interrupted; files are written whole or not at all")
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


def _in_words(error: CycloptsError, command: str) -> str:
    """What a newcomer can act on; the parser's own words where they will do."""
    if isinstance(error, UnusedCliTokensError):
        return f"{command} takes no {' '.join(map(repr, error.unused_tokens or ()))}: options are written --name value"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        named = error.argument.name if error.keyword is None else error.keyword
        return f"{command} needs {named}: give it a value" if named.startswith("-") else f"{command} needs {named}: name one"
    return str(error)


def _default(value: object) -> str | None:
    """What help says of a default: nothing where it is only that an option was left out."""
    return None if value in (None, False, ()) else str(value)


def _refuse_unknown_command(words: Sequence[str]) -> None:
    names = [name for name, _, _ in COMMANDS]
    if words and words[0] not in _ALONE and words[0].startswith("-"):
        raise InputError(f"{words[0]} comes after a command: write certify COMMAND {words[0]} (see certify --help)")
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
