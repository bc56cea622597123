"""``certify continual``: a sequence of releases from a table, a report without secrets, and one line for whatever is wrong."""

from __future__ import annotations

import json
import stat
from fractions import Fraction
from pathlib import Path

import numpy
import pytest

import certify
from certify.certificates.tensors import read_parameters
from certify.cli import main
from certify.cli.continual import read_batches
from certify.errors import InputError
from certify.guarantee import Comparator, Guarantee, Notion
from certify.storage import sha256

COUNT = 60


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = numpy.random.default_rng(2)
    rows = rng.uniform(-0.5, 0.5, (COUNT, 2))
    lines = [f"p{number},{a!r},{b!r},{int(a + b > 0)}" for number, (a, b) in enumerate(rows.tolist())]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["name,a,b,y", *lines]) + "\n")
    return path


def words(*more: str) -> list[str]:
    """A command line that works, with options replaced or added; ``--name=`` leaves one out."""
    usual = {
        "--requests": "p3;p17,p20;p40", "--out": "seq", "--label": "y", "--l2": "0.1", "--epsilon": "1", "--delta": "1e-5",
        "--id-column": "name",
    }  # fmt: skip
    usual |= dict(zip(more[::2], more[1::2], strict=True))
    return ["continual", "data.csv", *(word for name, value in usual.items() if value for word in (name, value))]


def test_a_sequence_is_written_whole_with_its_guarantees(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words(), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads(Path("seq/report.json").read_text())
    assert report["schema"] == "certify.continual/1"
    whole = Guarantee.of(report["transcript"])
    assert (whole.notion, whole.comparator) == (Notion.GDP_TRANSCRIPT, Comparator.MATCHED)
    assert (whole.epsilon.rational, whole.delta.rational) == (1, Fraction(1, 10**5))
    assert [release["deleted"] for release in report["releases"]] == [1, 3, 4]
    assert (report["deleted"], report["planned_deletions"], report["records"]) == (4, 4, COUNT)
    epsilons = []
    for release in report["releases"]:
        content = Path("seq", release["file"]).read_bytes()
        assert sha256(content) == release["sha256"]
        assert read_parameters(content).shape == (2,)
        alone = Guarantee.of(release["per_release"])
        assert alone.notion is Notion.GUO
        assert any("without a look" in line for line in alone.exclusions)
        epsilons.append(alone.epsilon.value)
    assert epsilons == sorted(epsilons) and epsilons[-1] <= 1 + 1e-12
    assert main(words("--out", "other")) == 0
    sheet = capsys.readouterr().out
    assert "GDP-TRANSCRIPT" in sheet and "1 alone" in sheet and "no certificate is written" in sheet


def test_what_is_written_is_what_the_sequence_promises(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The guarantees of the same plan made in Python; the models are near the retrained ones, within the noise of the secret file."""
    assert main([*words("--mechanism", "independent", "--deletions", "6"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = numpy.genfromtxt(table, delimiter=",", skip_header=1, usecols=(1, 2, 3))
    fitted = certify.fit(certify.objectives.Logistic(rows[:, :2], rows[:, 2], l2=0.1))
    sequence = certify.continual.releases(fitted, 6, epsilon=1, delta="1e-5", mechanism="independent")
    secret = json.loads(Path("seq/secret/sequence.json").read_text())
    gone: list[int] = []
    for number, batch in enumerate(([3], [17, 20], [40])):
        made = sequence.release(batch)
        gone += batch
        assert made.per_release.to_mapping() == report["releases"][number]["per_release"]
        assert made.sigma == secret["sigma"][number]
        kept = numpy.setdiff1d(numpy.arange(COUNT), gone)
        again = certify.fit(certify.objectives.Logistic(rows[kept, :2], rows[kept, 2], l2=0.1))
        released = read_parameters(Path("seq", f"release-{number + 1}.safetensors").read_bytes())
        assert numpy.abs(released - again.parameters.numpy()).max() < 12 * made.sigma
    assert secret["requests"] == [[3], [17, 20], [40]]


def test_two_calls_draw_different_noise(table: Path) -> None:
    assert main(words()) == main(words("--out", "again")) == 0
    assert Path("seq/release-1.safetensors").read_bytes() != Path("again/release-1.safetensors").read_bytes()


def test_secrets_lie_apart_and_nowhere_else(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words(), "--json"]) == 0
    printed = capsys.readouterr()
    assert stat.S_IMODE(Path("seq/secret").stat().st_mode) == 0o700
    assert stat.S_IMODE(Path("seq/secret/sequence.json").stat().st_mode) == 0o600
    secret = json.loads(Path("seq/secret/sequence.json").read_text())
    assert repr(secret["sigma"][0]) in Path("seq/secret/sequence.json").read_text()  # the search below would find it
    public = Path("seq/report.json").read_text() + printed.out + printed.err
    for value in [*(float.fromhex(text) for text in secret["fitted"]), *secret["sigma"]]:
        assert repr(value) not in public and value.hex() not in public
        assert str(Fraction(value)) not in public
    for name in ("p3", "p17", "p20", "p40"):
        assert f'"{name}"' not in public
    assert not {"requests", "sigma", "fitted", "forgotten"} & set(json.loads(Path("seq/report.json").read_text()))
    assert sorted(entry.name for entry in Path("seq").iterdir()) == [
        *(f"release-{n}.safetensors" for n in (1, 2, 3)),
        "report.json",
        "secret",
    ]


def test_batches_come_from_a_file_or_from_the_command_line(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("batches.txt").write_text("# first week\np3\n\np17, p20  # two\np40\n")
    assert read_batches("batches.txt") == read_batches("p3;p17,p20; p40") == (("p3",), ("p17", "p20"), ("p40",))
    assert main([*words("--requests", "batches.txt"), "--json"]) == 0
    assert [release["deleted"] for release in json.loads(capsys.readouterr().out)["releases"]] == [1, 3, 4]
    assert (
        main([*words("--requests", "3;17", "--id-column", "", "--out", "b"), "--json"]) == 2
    )  # the column of names is no feature
    assert "p0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [("3;;4", "batch 2 has an empty id"), ("3,,4", "batch 1 has an empty id"), ("nothing.txt", "no such file"), (".", "folder")],
)
def test_a_list_of_batches_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_batches(text)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--requests", "p3;p99"), "id 'p99' is not in data.csv"),
        (("--requests", "p3;p17,p3"), "id 'p3' of batch 2 has left with batch 1"),
        (("--requests", "p3,p3"), "twice"),
        (("--deletions", "3"), "--deletions plans for 3"),
        (("--deletions", "60"), "leave a record"),
        (("--deletions", "0"), "--deletions plans for 0"),
        (("--mu", "1"), "not both"),
        (("--epsilon", ""), "--epsilon 1, or --mu"),
        (("--epsilon", "-1"), "epsilon must be at least 0"),
        (("--epsilon", "1e999999999"), "out of range"),
        (("--epsilon", "", "--mu", "0"), "mu must be greater than 0"),
        (("--delta", "1"), "delta must lie strictly between 0 and 1"),
        (("--delta", ""), "--delta"),
        (("--basis", "set", "--mechanism", "independent"), "basis 'set'"),
        (("--mechanism", "walk"), "mechanism"),
        (("--label", "z"), "z"),
        (("--l2", "0"), "l2"),
        (("--out", "data.csv"), "a file where the run folder goes"),
        (("--out", "."), "not empty"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    table: Path, more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path.cwd().iterdir())
    assert main(words(*more)) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1 and "Traceback" not in captured.err
    assert captured.out == ""
    assert sorted(Path.cwd().iterdir()) == before


@pytest.mark.parametrize("option", [("--basis", "set"), ("--penalty", "sum"), ("--epsilon", "", "--mu", "0.5")])
def test_other_plans_are_made_too(table: Path, option: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words(*option), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    whole = Guarantee.of(report["transcript"])
    assert whole.mu is not None
    if "--mu" in option:
        assert Fraction(1, 2) * (1 - Fraction(1, 10**12)) < whole.mu.rational <= Fraction(1, 2)
    assert any("very records" in line for line in whole.exclusions) is ("set" in option)
    assert any("sum of the retained" in line for line in whole.exclusions) is ("sum" in option)
