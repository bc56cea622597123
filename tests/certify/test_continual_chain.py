"""The chain of certificates of a sequence: whichever link is taken away, moved, forked, swapped or forged, the total is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

import certify
from certify.certificates.certificate import seal
from certify.certificates.numbers import write_number


@pytest.fixture(scope="module")
def runs() -> list[certify.Run]:
    """Three releases of one sequence, and one of another that asks for the same records first."""
    rng = numpy.random.default_rng(5)
    rows = rng.uniform(-0.5, 0.5, (60, 3))
    fitted = certify.fit(certify.objectives.Logistic(rows, rows.sum(axis=1) + 0.3 * rng.normal(size=60) > 0, l2=0.1))
    first = certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")
    second = certify.unlearn(first, [5], epsilon=1, delta="1e-5")
    third = certify.unlearn(second, [9], epsilon=1, delta="1e-5")
    return [first, second, third, certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")]


def remove(folder: Path, other: bytes) -> None:
    (folder / "previous-2.json").rename(folder / "previous.json")


def reorder(folder: Path, other: bytes) -> None:
    one, two = ((folder / name).read_bytes() for name in ("previous.json", "previous-2.json"))
    (folder / "previous.json").write_bytes(two)
    (folder / "previous-2.json").write_bytes(one)


def fork(folder: Path, other: bytes) -> None:
    """The first release is another one than the second continued."""
    (folder / "previous-2.json").write_bytes(other)


def swap(folder: Path, other: bytes) -> None:
    (folder / "previous.json").write_bytes(other)


def test_the_honest_chain_holds(runs, tmp_path):
    verdict = certify.verify(runs[2].save(tmp_path / "run"))
    assert verdict.exit_code == 0
    assert {"previous", "transcript.total"} <= {check.id for check in verdict.checks if check.status == "passed"}


@pytest.mark.parametrize("damage", [remove, reorder, fork, swap])
def test_a_damaged_chain_is_refused(runs, damage, tmp_path):
    folder = runs[2].save(tmp_path / "run")
    damage(folder, runs[3].certificate.to_json())
    verdict = certify.verify(folder)
    assert verdict.exit_code == 1
    assert {check.id for check in verdict.failed} == {"previous"}


@pytest.mark.parametrize("link", [0, 1])
def test_a_forged_total_is_refused_wherever_it_stands(runs, link, tmp_path):
    """In the certificate itself, and in the one before: half of what was spent, every digest made good."""
    folder = runs[2].save(tmp_path / "run")
    forged = runs[2 - link].certificate
    statement = json.loads(forged.envelope.payload)
    spent = forged.predicate.transcript.mu.exact
    statement["predicate"]["transcript"]["mu"] = dict(zip(("value", "approx"), write_number(float(spent) / 2), strict=True))
    (folder / ("certificate.json", "previous.json")[link]).write_bytes(seal(statement).to_json())
    verdict = certify.verify(folder)
    assert verdict.exit_code == 1
    assert verdict.failed


def test_a_branch_of_a_fork_does_not_continue_the_other(runs, tmp_path):
    """Two releases may both continue the first, and each holds by itself; what continues one of them does not continue the other."""
    twin = certify.unlearn(runs[0], [5], epsilon=1, delta="1e-5")
    assert twin.certificate.predicate.request.previous == runs[1].certificate.predicate.request.previous
    assert certify.verify(twin).exit_code == 0
    folder = runs[2].save(tmp_path / "run")
    (folder / "previous.json").write_bytes(twin.certificate.to_json())
    assert {check.id for check in certify.verify(folder).failed} == {"previous"}
