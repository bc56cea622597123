"""A verified deletion on real data, end to end: breast-cancer records, logistic regression, five deletions.

Nothing here is fitted on the records before training: the divisors below are round numbers in the units of the
measurements, and every row is divided by its own norm.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from .bounds import Bound
    from .certificates.certificate import Certificate
    from .runs import Run
    from .tables import Table
    from .verification import Verdict

L2 = 1e-3
EPSILON, DELTA = "1", "1e-5"
FORGET = (3, 17, 101, 256, 404)
LABEL = "diagnosis"

# One round divisor a kind of measurement, in its own unit: (mean, standard error, worst).
_DIVISORS = {
    "radius": (20.0, 0.5, 20.0),
    "texture": (20.0, 2.0, 30.0),
    "perimeter": (100.0, 3.0, 100.0),
    "area": (1000.0, 50.0, 1000.0),
    "smoothness": (0.1, 0.01, 0.2),
    "compactness": (0.1, 0.02, 0.3),
    "concavity": (0.1, 0.03, 0.3),
    "concave points": (0.05, 0.01, 0.1),
    "symmetry": (0.2, 0.02, 0.3),
    "fractal dimension": (0.1, 0.005, 0.1),
}
SCALE = {
    column: divisor
    for position in range(3)
    for kind, divisors in _DIVISORS.items()
    for column, divisor in [((f"mean {kind}", f"{kind} error", f"worst {kind}")[position], divisors[position])]
}


@dataclass(frozen=True)
class Forgery:
    """A tampered copy, how it was made, and what the verifier said."""

    title: str
    how: str
    verdict: Verdict


@dataclass(frozen=True)
class Accuracy:
    """Shares of the held-out records that a model labels correctly."""

    before: float
    released: float
    retrained: float


@dataclass(frozen=True)
class Demonstration:
    """Everything that the demonstration shows."""

    out: Path
    run: Run
    certificate: Certificate
    verdict: Verdict
    forgeries: tuple[Forgery, ...]
    true_distance: Bound
    accuracy: Accuracy
    held_out: int


def demonstrate(out: str | Path, *, report: Callable[[str], None] = lambda message: None) -> Demonstration:
    """Train, forget, certify, save, verify, retrain for comparison, and have two forgeries refused.

    Writes out/data.csv (the training records as they were measured), out/certificate.json, out/model.safetensors,
    out/signer.pub and out/secret/; the forgeries live in a temporary folder. ``report`` gets a line a step. Raises
    ``InputError`` for a folder that holds anything but an earlier demonstration.
    """
    from .fitting import fit
    from .keys import PrivateKey
    from .objectives import Logistic
    from .runs import load
    from .tables import read_table, write_table
    from .unlearning import unlearn
    from .verification import verify

    folder = Path(out)
    _prepare(folder)
    training, held_out = _records()
    write_table(folder / "data.csv", *training, columns=list(SCALE), label=LABEL)
    table = read_table(folder / "data.csv", label=LABEL, scale=SCALE, normalise_rows=True)
    report(f"training on {table.count} records with {len(SCALE)} measurements")
    objective = Logistic(table.features, table.labels, l2=L2)
    fitted = fit(objective)
    report(f"forgetting {len(FORGET)} of them: rows {', '.join(map(str, FORGET))}")
    run = unlearn(fitted, FORGET, epsilon=EPSILON, delta=DELTA, table=table.preprocessing.to_mapping())
    signer = PrivateKey.generate()
    run.save(folder, sign=signer)
    _save_public(signer, folder)
    report("verifying: replaying the derivation, re-measuring on the records")
    verdict = verify(folder, data=folder / "data.csv", key=folder / "signer.pub")
    report("retraining from nothing, for comparison")
    retrained = fit(objective.without(FORGET)).parameters
    true_distance = _distance_between(run, retrained)
    test_rows, test_labels = _prepared(held_out, table)
    accuracy = Accuracy(
        *(objective.accuracy(model, test_rows, test_labels) for model in (fitted.parameters, run.model, retrained)),
    )
    report("forging two copies")
    certificate = load(folder).certificate
    forgeries = tuple(_forgeries(folder, certificate))
    return Demonstration(folder, run, certificate, verdict, forgeries, true_distance, accuracy, len(test_labels))


def _prepare(folder: Path) -> None:
    """Make room for a demonstration: only what an earlier one wrote is removed, and only if its table is there to tell."""
    from .storage import make_folder

    known = {"data.csv", "certificate.json", "model.safetensors", "manifest.json", "signer.pub", "secret"}
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    strangers = [entry for entry in entries if entry.name not in known and not entry.name.endswith(".partial")]
    if strangers:
        raise InputError(f"{folder}: the folder holds {strangers[0].name!r}, which is no part of a demonstration; name another")
    if entries and not _is_our_table(folder / "data.csv"):
        raise InputError(f"{folder}: the folder holds {entries[-1].name!r}, which no demonstration wrote; name another")
    for entry in entries:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    make_folder(folder)


def _is_our_table(path: Path) -> bool:
    """Whether the file is the demonstration's table: the same columns, which a user's own table hardly has."""
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.readline().rstrip("\n") == ",".join([*SCALE, LABEL])
    except (OSError, UnicodeDecodeError):
        return False


def _records() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """The records as they were measured: four of five to train on, every fifth held out."""
    import numpy as np
    from sklearn.datasets import load_breast_cancer

    measured, target = load_breast_cancer(return_X_y=True)
    names = np.array(["malignant", "benign"])[target]
    held_out = np.arange(len(names)) % 5 == 4
    return (measured[~held_out], names[~held_out]), (measured[held_out], names[held_out])


def _prepared(records: tuple[Any, Any], table: Table) -> tuple[Any, Any]:
    import numpy as np

    values = table.preprocessing.label_values
    return table.preprocessing.apply(records[0]), np.array([values.index(name) for name in records[1]])


def _distance_between(run: Run, retrained: Any) -> Bound:
    """The distance of the un-noised model to a really retrained one, up to what the latter still lacks itself."""
    from certify.bounds.spectral import vector_norm_upper

    from .bounds import Bound, Measured
    from .proofs.sides import Side

    difference = vector_norm_upper(run.noiseless.cpu() - retrained.cpu())
    return Bound(difference, Side.UPPER, Measured("norm of the difference of two models"))


def _save_public(signer: Any, folder: Path) -> None:
    from .keys import save_keys

    with tempfile.TemporaryDirectory() as place:  # the private half is not kept: this signer exists for one demonstration
        _, public = save_keys(signer, Path(place) / "signer")
        shutil.copyfile(public, folder / "signer.pub")


def _forgeries(folder: Path, certificate: Certificate) -> Iterator[Forgery]:
    from .certificates.certificate import Certificate as Sealed
    from .certificates.certificate import seal
    from .certificates.envelope import Envelope
    from .certificates.numbers import write_number
    from .keys import PrivateKey
    from .verification import verify

    statement = json.loads(certificate.envelope.payload)
    value, approx = write_number(Fraction(1, 10))
    tenth = {"value": value, "approx": approx}
    for entry in (statement["predicate"]["guarantee"], statement["predicate"]["transcript"]):
        entry["epsilon"] = tenth
    for node in statement["predicate"]["derivation"]:
        node["number"] = tenth if node["id"] == "epsilon" else node["number"]
    forged = seal(statement).signed(PrivateKey.generate())
    with _copy(folder, forged) as place:
        verdict = verify(place, data=folder / "data.csv", key=folder / "signer.pub")
    yield Forgery(
        "re-signed by a forger", "epsilon = 0.1 wherever it occurs, a fresh digest, the forger's own signature", verdict
    )

    payload = certificate.envelope.payload
    start = payload.index(b'"retained":{"count":') + len(b'"retained":{"count":')
    altered = (
        payload[:start]
        + str(run_count := int(payload[start:].split(b",")[0]) + 1).encode()
        + payload[payload.index(b",", start) :]
    )
    with _copy(folder, Sealed(Envelope(altered))) as place:
        verdict = verify(place, data=folder / "data.csv")
    yield Forgery("unsigned", f"says that {run_count} records were retained, signature removed", verdict)


@contextmanager
def _copy(folder: Path, certificate: Certificate) -> Iterator[Path]:
    """A copy of the run folder with another certificate in it."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        shutil.copytree(folder, copy)
        (copy / "certificate.json").write_bytes(certificate.to_json())
        yield copy
