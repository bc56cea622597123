"""``certify continual``: a planned sequence of noised models, one after every deletion request in a list."""

from __future__ import annotations

import json as plain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from certify.errors import InputError

from .folders import refuse_occupied, refuse_unwritable
from .options import MaybeNumber, Number
from .output import ExitCode, counted, emit, labelled, schema
from .progress import progress

if TYPE_CHECKING:
    from certify.continual import Sequence
    from certify.tables import Table

Mechanism = Literal["random-walk", "independent"]
Basis = Literal["count", "set"]
Penalty = Literal["mean", "sum"]

_REPORT, _SECRET, _STATE = "report.json", "secret", "sequence.json"
_MOST_BYTES = 1 << 26


def continual(
    data: Path,
    /,
    *,
    requests: str,
    out: Path,
    label: str,
    l2: float,
    delta: Number,
    epsilon: MaybeNumber = None,
    mu: MaybeNumber = None,
    deletions: int | None = None,
    mechanism: Mechanism = "random-walk",
    basis: Basis = "count",
    penalty: Penalty = "mean",
    id_column: str | None = None,
    scale: Path | None = None,
    normalise_rows: bool = False,
    intercept: bool = False,
    json: bool = False,
) -> int:
    """Train logistic regression on a table, then forget one batch of records after another and release a noised model after each, all of them
    covered by one guarantee.

    The folder holds what is released (release-1.safetensors …, report.json) and, apart from it in secret/, what only you
    keep. The whole sequence is made at once: it cannot be continued, and no certificate is written.

    Parameters
    ----------
    data
        A CSV file with a header line; every column but the label and the id column is a feature.
    requests
        The batches to forget, in order: a file with one batch a line, its ids separated by commas, or "3;17,20". Row positions
        from 0, unless --id-column is given.
    out
        The folder to write; it must not hold anything yet.
    label
        The column that holds the label: two values.
    l2
        The weight decay of the mean objective.
    delta
        The delta of every guarantee, an exact decimal.
    epsilon
        The epsilon of all releases together; or --mu.
    mu
        The Gaussian parameter of all releases together, instead of --epsilon.
    deletions
        How many records the noise is planned for; by default as many as the batches hold.
    mechanism
        random-walk: each release adds a step to the noise of the last. independent: fresh noise each time, more of it.
    basis
        count: noise for the number of records. set (random walk only): less noise, found for the very records that leave.
    penalty
        What retraining minimises. mean: the mean loss of what is left, plus (l2/2)·‖parameters‖². sum: the ridge of the full sum stays.
    id_column
        The column that names the records.
    scale
        A file of public divisors, one a feature: lines "column,divisor", or a JSON object.
    normalise_rows
        Divide every row by its own Euclidean norm.
    intercept
        Add a constant column, regularised like the others.
    json
        Print JSON alone on standard output.
    """
    refuse_occupied(out)
    refuse_unwritable(out)
    _refuse_impossible(epsilon, mu, delta)
    from certify.tables import read_table

    with progress() as shown:
        shown.stage(f"reading {data}")
        table = read_table(data, label=label, id_column=id_column, scale=scale, normalise_rows=normalise_rows)
        batches = _positions(table, read_batches(requests))
        total = sum(map(len, batches))
        most = total if deletions is None else deletions
        if total > most:
            raise InputError(
                f"the batches hold {counted(total, 'record')}, and --deletions plans for {most}: raise it, or ask for fewer"
            )
        shown.stage(f"training on {counted(table.count, 'record')}")
        from certify.continual import releases
        from certify.fitting import fit
        from certify.objectives import Logistic

        fitted = fit(Logistic(table.features, table.labels, l2=l2, intercept=intercept))
        shown.stage(f"planning noise for {counted(most, 'deletion')}")
        sequence = releases(fitted, most, mu=mu, epsilon=epsilon, delta=delta, mechanism=mechanism, penalty=penalty, basis=basis)
        shown.stage(f"releasing {counted(len(batches), 'model')}", total=len(batches))
        for batch in batches:
            sequence.release(batch)
            shown.advance(f"{sequence.deleted} deleted")
        shown.stage(f"writing {out}")
        report = _report(sequence, table)
        _write(out, sequence, report, [float(value) for value in fitted.parameters])
    emit(report, json, lambda: _sheet(report, out))
    return int(ExitCode.HOLDS)


def read_batches(text: str) -> tuple[tuple[str, ...], ...]:
    """The batches of ids that ``text`` names: a file with one batch a line (``#`` starts a comment), or batches separated by semicolons.

    >>> read_batches("3; 17, 20")
    (('3',), ('17', '20'))
    """
    from certify.storage import read_file

    path = Path(text)
    try:
        there = path.exists()
    except (OSError, ValueError):  # a long list is no file name
        there = False
    if there:
        try:
            lines = read_file(path, limit=_MOST_BYTES, what="list of batches").decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise InputError(f"{path} is no text in UTF-8: write one batch a line, ids separated by commas") from None
        parts = [content for line in lines if (content := line.split("#", 1)[0].strip())]
    elif "/" in text or path.suffix in (".txt", ".csv", ".ids"):
        raise InputError(f"{text}: no such file of batches: write one batch a line, or pass batches separated by semicolons")
    else:
        parts = text.split(";")
    batches = tuple(tuple(cell.strip() for cell in part.split(",")) for part in parts)
    if not batches:
        raise InputError(f"{text} holds no batch: write one batch a line, ids separated by commas")
    for number, batch in enumerate(batches, start=1):
        if not all(batch):
            raise InputError(
                f"batch {number} has an empty id: separate ids by single commas, and batches by lines (or semicolons)"
            )
    return batches


def _positions(table: Table, batches: tuple[tuple[str, ...], ...]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    gone: dict[int, int] = {}
    for number, batch in enumerate(batches, start=1):
        positions = table.positions(batch)
        for name, position in zip(batch, positions, strict=True):
            if position in gone:
                raise InputError(f"id {name!r} of batch {number} has left with batch {gone[position]}: list each id once")
            gone[position] = number
        found.append(positions)
    return found


def _refuse_impossible(epsilon: str | None, mu: str | None, delta: str) -> None:
    """Complain about the guarantee before the work, not after it."""
    from certify.numbers import nonnegative, positive, probability

    if (epsilon is None) is (mu is None):
        raise InputError("say what all releases together may tell: --epsilon, for instance --epsilon 1, or --mu; not both")
    probability(delta, "delta")
    if epsilon is not None:
        nonnegative(epsilon, "epsilon")
    if mu is not None:
        positive(mu, "mu")


def _report(sequence: Sequence, table: Table) -> dict[str, Any]:
    """What may be known of the sequence: no id, no un-noised number and no noise scale."""
    from certify.storage import sha256

    last = sequence.made[-1]
    return {
        "schema": schema("continual"),
        "mechanism": sequence.plan.mechanism,
        "basis": sequence.basis,
        "penalty": sequence.penalty,
        "sampler": "rounded-normal",
        "records": table.count,
        "planned_deletions": sequence.plan.deletions,
        "deleted": last.deleted,
        "transcript": last.transcript.to_mapping(),
        "releases": [
            {
                "file": _name(number),
                "sha256": sha256(_content(sequence, number)),
                "deleted": release.deleted,
                "per_release": release.per_release.to_mapping(),
            }
            for number, release in enumerate(sequence.made, start=1)
        ],
        "certificate": None,
    }


def _name(number: int) -> str:
    return f"release-{number}.safetensors"


def _content(sequence: Sequence, number: int) -> bytes:
    from certify.certificates.tensors import PARAMETERS, write_tensors

    return write_tensors({PARAMETERS: sequence.made[number - 1].model})


def _write(out: Path, sequence: Sequence, report: dict[str, Any], fitted: list[float]) -> None:
    """The folder, the report last, so that a report stands for whole files."""
    from certify.storage import PUBLIC_MODE, SECRET_MODE, make_folder, write_files

    secret = {
        "schema": schema("continual-secret"),
        "fitted": [value.hex() for value in fitted],
        "requests": [list(release.forgotten) for release in sequence.made],
        "sigma": [release.sigma for release in sequence.made],
        "spent_mu": [release.spent.value for release in sequence.made],
    }
    make_folder(out)
    make_folder(out / _SECRET, secret=True)
    contents = {out / _SECRET / _STATE: (plain.dumps(secret, indent=2).encode(), SECRET_MODE)}
    contents |= {
        out / release["file"]: (_content(sequence, number), PUBLIC_MODE) for number, release in enumerate(report["releases"], 1)
    }
    contents[out / _REPORT] = (plain.dumps(report, indent=2, allow_nan=False).encode(), PUBLIC_MODE)
    write_files(contents)


def _sheet(report: dict[str, Any], out: Path) -> str:
    from certify.guarantee import Guarantee

    whole = Guarantee.of(report["transcript"])
    rows = [
        (
            "forgot",
            f"{report['deleted']} of {report['records']} records, in {counted(len(report['releases']), 'release')}; planned for {report['planned_deletions']}",
        ),
        ("by", f"logistic, {report['mechanism']}, noise by {report['basis']}"),
        ("together", whole.in_words()),
    ]
    for number, release in enumerate(report["releases"], start=1):
        alone = Guarantee.of(release["per_release"])
        if number <= 5 or number == len(report["releases"]):
            rows.append(
                (
                    f"{number} alone",
                    f"{alone.notion.value}, epsilon {alone.epsilon.value:.4g} at delta {alone.delta.value:g}, {release['deleted']} deleted",
                )
            )
    rows += [("not said", exclusion) for exclusion in report["releases"][-1]["per_release"]["exclusions"]]
    rows += [
        ("not said", "no certificate is written: certify verify checks no sequence of this kind"),
        ("released", f"{out / _REPORT}, {_name(1)} …"),
        ("secret", f"{out / _SECRET} (never hand it on): the fit, who left, the noise scales"),
    ]
    return labelled(rows)
