"""Tables: every bad cell is named by line and column; preparation is public, per record, and the same on every machine."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from certify.errors import InputError
from certify.tables import Preprocessing, normalised_rows, read_ids, read_scale, read_table, write_table

GOOD = "who,height,weight,y\nann,1.5,60,no\nbob,2,70.25,yes\n"


def write(folder: Path, text: str, name: str = "d.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_table_is_read_in_file_order(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, GOOD), label="y", id_column="who")
    assert table.features.tolist() == [[1.5, 60.0], [2.0, 70.25]]
    assert table.labels.tolist() == [0, 1]
    assert table.names == ("ann", "bob")
    assert table.preprocessing.label_values == ("no", "yes")
    assert table.preprocessing.features == ("height", "weight")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,y\n", "a header and no record"),
        ("1.5,2\n3,1\n", "line 1: numbers where column names are expected"),
        ("a,,y\n1,2,0\n", "line 1: column 2 has no name"),
        ("a,a,y\n1,2,0\n", "two columns are called 'a'"),
        ("a,z\n1,0\n", "no label column 'y'"),
        ("a,yy\n1,0\n", "did you mean 'yy'"),
        ("y\n1\n", "no feature column"),
        ("a,b,y\n1,2,0\n1,0\n", "line 3: 2 cells where the header has 3"),
        ("a,b,y\n1,2,0\n1,2,3,0\n", "line 3: 4 cells where the header has 3"),
        ("a,b,y\n1,nan,0\n", "line 2, column 'b': 'nan' is not finite"),
        ("a,b,y\n1,2,0\n-inf,2,0\n", "line 3, column 'a': '-inf' is not finite"),
        ("a,b,y\n1,1e999,0\n", "line 2, column 'b': '1e999' is not finite"),
        ("a,b,y\n1,red,0\n", "line 2, column 'b': 'red' is not a number"),
        ("a,b,y\n1,1_000,0\n", "line 2, column 'b': '1_000' is not a number"),
        ("a,b,y\n1, ,0\n", "line 2, column 'b': the cell is empty"),
        ("a,b,y\n1,2,\n", "line 2, column 'y': the label is empty"),
        ("a,b,y\n1,2,0\n1,2,red\n", "line 3, column 'y': the label 'red' is not a finite number"),
        ("a,b,y\n1,2,inf\n", "column 'y': the label 'inf' is not a finite number"),
        ('a,b,y\n1,"2,0\n', "not CSV"),
    ],
)
def test_a_bad_table_is_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_table(path, label="y")
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("who,a,y\nann,1,0\nann,2,1\n", "line 3, column 'who': id 'ann' was used on line 2"),
        ("who,a,y\n,1,0\n", "line 2, column 'who': the id is empty"),
        ("a,y\n1,0\n", "no id column 'who'"),
    ],
)
def test_bad_ids_are_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_table(write(tmp_path, text), label="y", id_column="who")


def test_missing_folder_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv", label="y")
    with pytest.raises(InputError, match="a folder"):
        read_table(tmp_path, label="y")
    (tmp_path / "b.csv").write_bytes(b"a,y\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_table(tmp_path / "b.csv", label="y")


def test_line_separators_inside_a_cell_do_not_split_it(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,y\n1,x\u2028z\n2,w\n"), label="y")
    assert table.preprocessing.label_values == ("w", "x\u2028z")


@given(
    numpy_strategies.arrays(
        np.float64,
        numpy_strategies.array_shapes(min_dims=2, max_dims=2, max_side=5),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_a_written_table_is_read_back_to_the_same_doubles(tmp_path_factory: pytest.TempPathFactory, rows: np.ndarray) -> None:
    path = write_table(tmp_path_factory.mktemp("table") / "d.csv", rows, list(range(len(rows))), label="y")
    table = read_table(path, label="y")
    assert table.features.tobytes() == rows.tobytes()
    assert table.labels.tolist() == list(range(len(rows)))


@given(
    numpy_strategies.arrays(
        np.float64, (3, 4), elements=st.floats(-1e300, 1e300, allow_subnormal=False) | st.just(0.0) | st.floats(1e-300, 1e-290)
    )
)
def test_normalised_rows_have_norm_one_to_rounding(rows: np.ndarray) -> None:
    before = rows.copy()
    normalised = normalised_rows(rows)
    assert (rows == before).all()
    for row, original in zip(normalised, rows, strict=True):
        squared = sum((Fraction(value) ** 2 for value in row.tolist()), Fraction(0))
        assert (original == 0).all() or abs(squared - 1) < Fraction(1, 10**14)


def test_normalisation_of_a_row_does_not_depend_on_the_others() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 30))
    assert all((normalised_rows(rows[[index]])[0] == normalised_rows(rows)[index]).all() for index in range(5))


def test_scale_divides_by_public_numbers_and_is_recorded_exactly(tmp_path: Path) -> None:
    scale = write(tmp_path, "column,divisor\nheight,0.1\nweight,100\n", "scale.csv")
    table = read_table(write(tmp_path, GOOD), label="y", id_column="who", scale=scale, normalise_rows=True)
    assert table.preprocessing.scale == (0.1, 100.0)
    raw = read_table(write(tmp_path, GOOD), label="y", id_column="who").features
    assert table.features.tolist() == normalised_rows(raw / np.array([0.1, 100.0])).tolist()
    again = read_table(write(tmp_path, GOOD), like=Preprocessing.of(table.preprocessing.to_mapping()))
    assert again.features.tobytes() == table.features.tobytes()
    assert again.preprocessing == table.preprocessing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("height,0\nweight,1\n", "positive finite"),
        ("height,nan\nweight,1\n", "positive finite"),
        ("height,tall\nweight,1\n", "positive finite"),
        ("height,1\n", "no divisor for the column 'weight'"),
        ("height,1\nweight,1\nage,2\n", "'age' is no feature column"),
        ("height,1\nheight,2\nweight,1\n", "two divisors"),
        ("height,1,2\n", "3 cells"),
    ],
)
def test_a_bad_scale_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_table(write(tmp_path, GOOD), label="y", id_column="who", scale=write(tmp_path, text, "scale.csv"))


def test_scale_may_be_json(tmp_path: Path) -> None:
    assert read_scale(write(tmp_path, '{"a": 2}', "s.json")) == {"a": 2.0}
    for bad in ("[1]", "{", '{"a": true}', '{"a": null}'):
        with pytest.raises(InputError):
            read_scale(write(tmp_path, bad, "s.json"))


def test_a_foreign_table_is_refused_for_replay(tmp_path: Path) -> None:
    like = read_table(write(tmp_path, GOOD), label="y", id_column="who").preprocessing
    with pytest.raises(InputError, match="feature columns are not those"):
        read_table(write(tmp_path, "who,height,y\nann,1,no\n"), like=like)
    with pytest.raises(InputError, match="the label 'maybe' is none of no, yes"):
        read_table(write(tmp_path, GOOD.replace("yes", "maybe")), like=like)
    with pytest.raises(InputError, match="no further options"):
        read_table(write(tmp_path, GOOD), like=like, normalise_rows=True)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"label": "y"},
        {"label": "y", "features": "3", "normalise-rows": "no"},
        {"label": "y", "features": "[", "normalise-rows": "no"},
        {"label": "y", "features": '["a"]', "normalise-rows": "perhaps"},
        {"label": "y", "features": '["a"]', "normalise-rows": "no", "scale": '["-0x1p0"]'},
        {"label": "y", "features": '["a"]', "normalise-rows": "no", "scale": "[]"},
    ],
)
def test_broken_provenance_is_refused(broken: dict[str, str]) -> None:
    with pytest.raises(InputError, match="provenance"):
        Preprocessing.of(broken)


def test_ids_come_from_a_file_or_from_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "# asked on Monday\n3\n17, 18\n\n", "ids.txt")
    assert read_ids(str(path)) == ("3", "17", "18")
    assert read_ids("3,17") == ("3", "17")
    assert read_ids("") == ()
    assert read_ids(",".join(map(str, range(2000)))) == tuple(map(str, range(2000)))
    with pytest.raises(InputError, match="no such file of ids"):
        read_ids(str(tmp_path / "none.txt"))


def test_ids_become_row_positions_and_unknown_or_repeated_ones_are_refused(tmp_path: Path) -> None:
    named = read_table(write(tmp_path, GOOD), label="y", id_column="who")
    assert named.positions(["bob"]) == (1,)
    with pytest.raises(InputError, match="id 'eve' is not in"):
        named.positions(["eve"])
    with pytest.raises(InputError, match="twice"):
        named.positions(["bob", "bob"])
    plain = read_table(write(tmp_path, "a,y\n1,0\n2,1\n"), label="y")
    assert plain.positions(["01", "0"]) == (1, 0)
    with pytest.raises(InputError, match="0 to 1"):
        plain.positions(["2"])


def test_labels_keep_their_kind(tmp_path: Path) -> None:
    whole = read_table(write(tmp_path, "a,y\n1,3\n2,-1\n"), label="y").labels
    real = read_table(write(tmp_path, "a,y\n1,3.5\n2,-1\n"), label="y").labels
    assert whole.dtype == np.int64
    assert real.dtype == np.float64
    assert math.isclose(real[0], 3.5)
