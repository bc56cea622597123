"""The commands verify and keygen: exit codes, JSON alone on standard output, one-line errors, a light start."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from certify.cli import main
from certify.tables import write_table


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A run made from a CSV file and signed, with the file and the public key."""
    place = tmp_path_factory.mktemp("command")
    rng = np.random.default_rng(2)
    rows = rng.uniform(-3, 3, (50, 3))
    write_table(place / "d.csv", rows, np.where(rows[:, 0] > 0, "yes", "no"), label="y")
    assert main(["keygen", str(place / "signer"), "--json"]) == 0
    arguments = ["--data", f"{place}/d.csv", "--label", "y", "--forget", "3,17", "--model", "logistic", "--l2", "0.1"]
    arguments += ["--epsilon", "1", "--delta", "1e-5", "--normalise-rows", "--sign", f"{place}/signer", "--out", f"{place}/run"]
    assert main(["unlearn", *arguments]) == 0
    return place


def verdict(capsys, *arguments):
    capsys.readouterr()
    code = main(["verify", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_run_from_a_table_is_verified_with_the_table(signed, capsys):
    code, found = verdict(capsys, signed / "run", "--data", signed / "d.csv", "--key", f"{signed}/signer.pub")
    assert (code, found["holds"], found["level"], found["schema"]) == (0, True, "data", "certify.verify/1")
    assert all(check["status"] == "passed" for check in found["checks"])


def test_exit_codes_say_what_happened(signed, capsys, tmp_path):
    certificate = signed / "run" / "certificate.json"
    assert verdict(capsys, certificate)[0] == 0
    assert verdict(capsys, certificate, "--data", signed / "d.csv")[0] == 4
    assert verdict(capsys, certificate, "--data", signed / "d.csv", "--witness", signed / "run" / "secret")[0] == 4  # no model
    assert verdict(capsys, signed / "run", "--require", "enclosed")[0] == 3
    assert verdict(capsys, signed / "run", "--require", "data")[0] == 4
    assert main(["keygen", f"{tmp_path}/other"]) == 0
    assert verdict(capsys, signed / "run", "--key", f"{tmp_path}/other.pub")[0] == 1
    allowed = [
        item for name in ("sampler.seed", "policy.independent", "comparator.tolerance") for item in ("--allow", f"assumed:{name}")
    ]
    assert verdict(capsys, signed / "run", "--data", signed / "d.csv", "--require", "enclosed", *allowed)[0] == 0
    (tmp_path / "foreign.json").write_text("{}")
    assert verdict(capsys, tmp_path / "foreign.json")[0] == 2


def test_a_changed_table_does_not_hold(signed, capsys, tmp_path):
    text = (signed / "d.csv").read_text().splitlines()
    text[5] = text[5].replace("yes", "xx").replace("no", "yes").replace("xx", "no")
    (tmp_path / "d.csv").write_text("\n".join(text) + "\n")
    code, found = verdict(capsys, signed / "run", "--data", tmp_path / "d.csv")
    assert code == 1
    assert "data.commitment-retained" in {check["id"] for check in found["checks"] if check["status"] == "failed"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "missing"],
        ["verify", ".", "--require", "perfect"],
        ["verify", "RUN", "--data", "missing.csv"],
        ["verify", "RUN", "--witness", "missing"],
        ["verify", "RUN", "--key", "missing"],
        ["keygen", "RUN/manifest.json"],
        ["keygen", "RUN/manifest.json/key"],
    ],
)
def test_bad_input_is_one_line_on_standard_error(signed, capsys, arguments):
    capsys.readouterr()
    assert main([argument.replace("RUN", f"{signed}/run") for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_the_private_key_is_not_printed(tmp_path, capsys):
    assert main(["keygen", f"{tmp_path}/k", "--json"]) == 0
    shown = capsys.readouterr().out
    assert (tmp_path / "k").read_text().split()[1] not in shown
    assert json.loads(shown)["id"].startswith("ed25519:")


def test_verifying_a_certificate_loads_no_heavy_library(signed, tmp_path):
    shutil.copy(signed / "run" / "certificate.json", tmp_path / "certificate.json")
    code = (
        "import sys; from certify.cli import main; code = main(['verify', sys.argv[1]]); "
        "print([name for name in ('torch', 'scipy', 'sympy', 'sklearn') if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "certificate.json")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "[]"), done.stderr
