"""``certify lipschitz``: the library's bounds of a stored model, no number rounded on the way in, and one line for what cannot be bounded."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from certify.bounds import lipschitz
from certify.cli import main
from certify.cli.lipschitz import _above, _below, _box
from certify.plots.gradients import gradients_figure

Capture = pytest.CaptureFixture[str]

NETS = """
import torch
from torch import nn

def dense():
    print("a factory may print")
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))

def vision():
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))

def scalar():
    return nn.Linear(1, 1, bias=False)

class Doubled(nn.Linear):
    def forward(self, inputs):
        return 2 * super().forward(inputs)

class Skip(nn.Sequential):
    def forward(self, inputs):
        return inputs + super().forward(inputs)

def doubled():
    return nn.Sequential(Doubled(1, 1, bias=False))

def skip():
    return Skip(nn.Linear(1, 1, bias=False))

def hooked():
    layer = nn.Linear(1, 1, bias=False)
    layer.register_forward_hook(lambda module, given, value: 7 * value)
    return nn.Sequential(layer)

def attention():
    return nn.Sequential(nn.Linear(4, 4), nn.MultiheadAttention(4, 1))

def lazy():
    return nn.Sequential(nn.LazyLinear(3))

def fails():
    raise RuntimeError("two\\nlines")

def nothing():
    return 3

made = nn.Linear(1, 1, bias=False)
number = 4
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with nets.py and a stored dense model in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    torch.manual_seed(0)
    save_file(dense().state_dict(), tmp_path / "dense.safetensors")
    return tmp_path


def dense() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def asked(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["lipschitz", *words, "--json"]) == 0, capsys.readouterr().err
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def refused(capsys: Capture, *words: str) -> str:
    assert main(["lipschitz", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [line for line in captured.err.splitlines() if line != "a factory may print"]
    assert line.startswith("certify: ")
    return line


def test_it_says_what_the_library_says_of_the_stored_weights(folder: Path, capsys: Capture) -> None:
    torch.manual_seed(0)
    model = dense()
    answer = asked(capsys, "dense.safetensors", "--module", "nets.py:dense", "--method", "semidefinite")
    assert answer["schema"] == "certify.lipschitz/1"
    assert answer["upper"] == lipschitz(model, "semidefinite").upper.value
    assert 0 < answer["lower"] <= answer["upper"]
    assert [layer["kind"] for layer in answer["layers"]] == ["Linear", "Tanh", "Linear"]
    assert math.prod(layer["constant"] for layer in answer["layers"]) > answer["upper"]
    assert answer["observed"]["greatest"] == max(answer["observed"]["norms"]) <= answer["upper"]
    assert answer["file"] is None and answer["domain"] == "all inputs"


def test_the_table_has_a_row_a_layer_and_rounds_outward(folder: Path, capsys: Capture) -> None:
    assert main(["lipschitz", "dense.safetensors", "--module", "nets.py:dense"]) == 0
    shown = capsys.readouterr().out
    assert "Tanh" in shown and "Cholesky" in shown
    assert "a factory may print" not in shown
    answer = asked(capsys, "dense.safetensors", "--module", "nets.py:dense")
    most, least = (float(shown.split(words)[1].split()[0]) for words in ("at most", "at least"))
    assert answer["upper"] <= most <= answer["upper"] * (1 + 1e-7)
    assert answer["lower"] * (1 - 1e-7) <= least <= answer["lower"]


@pytest.mark.parametrize("value", [1 / 3, 0.1, 2.0, 12345678.9, 1e-300])
def test_shown_numbers_are_on_their_side(value: float) -> None:
    assert float(_below(value)) <= value <= float(_above(value))
    assert float(_above(value)) <= value * (1 + 1e-5)


def test_a_module_of_the_current_folder_is_found_by_name(folder: Path, capsys: Capture) -> None:
    (folder / "nets_named_here.py").write_text(NETS)
    assert asked(capsys, "dense.safetensors", "--module", "nets_named_here:dense")["layers"]


def test_stored_numbers_are_not_rounded_to_the_types_of_the_module(folder: Path, capsys: Capture) -> None:
    """A float32 module that copies a float64 weight makes it 1, whose bound is below the truth."""
    weight = torch.tensor([[1 + 2.0**-40]], dtype=torch.float64)
    plain = nn.Linear(1, 1, bias=False)
    plain.load_state_dict({"weight": weight})
    assert lipschitz(plain).upper.value < float(weight), "negative control: copied, the weight is rounded"
    save_file({"weight": weight}, "model.safetensors")
    assert asked(capsys, "model.safetensors", "--module", "nets.py:scalar")["upper"] >= float(weight)
    for kind in (torch.bfloat16, torch.float16):
        held = torch.tensor([[1.37]], dtype=kind)
        save_file({"weight": held}, "model.safetensors")
        found = asked(capsys, "model.safetensors", "--module", "nets.py:made")
        assert found["lower"] <= float(held) <= found["upper"] <= float(held) * (1 + 1e-9)


def test_a_box_makes_the_bound_local(folder: Path, capsys: Capture) -> None:
    local = asked(capsys, "dense.safetensors", "--module", "nets.py:dense", "--input-box", "0:0.2")
    everywhere = asked(capsys, "dense.safetensors", "--module", "nets.py:dense", "--method", "semidefinite")
    assert local["method"] == "local" and local["domain"] == "inputs in the box"
    assert local["observed"]["greatest"] <= local["upper"] < everywhere["upper"]
    assert len(local["layers"]) == 3


@pytest.mark.parametrize("text", ["0:0.1", "-0.1:0.3", "1/3:2/3", "0.7:0.7"])
def test_a_box_is_rounded_outward(text: str) -> None:
    low, high = map(Fraction, text.split(":"))
    found = _box(text)
    assert found is not None and Fraction(found[0]) <= low and high <= Fraction(found[1])
    assert found[1] - found[0] <= float(high - low) + 1e-15


def test_a_convolution_with_its_shape(folder: Path, capsys: Capture) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    save_file(model.state_dict(), "vision.safetensors", metadata={"format": "pt"})
    shaped = asked(capsys, "vision.safetensors", "--module", "nets.py:vision", "--input-shape", "1,4,4")
    assert shaped["layers"][0]["kind"] == "Conv2d + BatchNorm2d"
    assert 0 < shaped["observed"]["greatest"] <= shaped["upper"]
    anywhere = asked(capsys, "vision.safetensors", "--module", "nets.py:vision")
    assert anywhere["observed"] is None and anywhere["upper"] >= shaped["upper"]
    assert "0 (Conv2d)" in refused(capsys, "vision.safetensors", "--module", "nets.py:vision", "--input-shape", "2,4,4")
    assert "5 (Linear)" in refused(capsys, "vision.safetensors", "--module", "nets.py:vision", "--input-shape", "1,6,6")
    assert "--input-shape" in refused(capsys, "vision.safetensors", "--module", "nets.py:vision", "--method", "eclipse")
    assert "--input-shape" in refused(capsys, "vision.safetensors", "--module", "nets.py:vision", "--plot", "a.svg")
    assert not Path("a.svg").exists()


@pytest.mark.parametrize("name", ["doubled", "skip", "hooked"])
def test_a_layer_that_computes_something_else_is_refused_by_name(name: str, folder: Path, capsys: Capture) -> None:
    """Negative control: the bound by the class, 1, is below the gradient of what these compute."""
    save_file({"0.weight": torch.ones(1, 1)}, "model.safetensors")
    line = refused(capsys, "model.safetensors", "--module", f"nets.py:{name}")
    assert {"doubled": "0 (Doubled)", "skip": "the model (Skip)", "hooked": "0 (Linear) has hooks"}[name] in line
    names: dict[str, Any] = {}
    exec(compile(NETS, "nets", "exec"), names)
    model = names[name]()
    model.load_state_dict({"0.weight": torch.ones(1, 1)})
    by_class = nn.Linear(1, 1, bias=False)
    by_class.load_state_dict({"weight": torch.ones(1, 1)})
    gradient = float(model(torch.ones(1, 1)).detach())
    assert gradient >= 2 > lipschitz(by_class).upper.value


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.safetensors", "--module", "nets.py:dense"], "no model file at none.safetensors"),
        (["nets.py", "--module", "nets.py:dense"], "pickles are never opened"),
        ([".", "--module", "nets.py:dense"], "is a folder"),
        (["dense.safetensors"], "lipschitz needs --module"),
        (["dense.safetensors", "--module", "nets.py"], "names no module"),
        (["dense.safetensors", "--module", "other.py:dense"], "no file other.py"),
        (["dense.safetensors", "--module", "no_such_package:dense"], "could not be imported"),
        (["dense.safetensors", "--module", "nets.py:deep"], "nets.py has no deep"),
        (["dense.safetensors", "--module", "nets.py:fails"], "RuntimeError: two lines"),
        (["dense.safetensors", "--module", "nets.py:nothing"], "returned a int"),
        (["dense.safetensors", "--module", "nets.py:number"], "is a int"),
        (["dense.safetensors", "--module", "nets.py:scalar"], "it lacks weight"),
        (["dense.safetensors", "--module", "nets.py:dense", "--input-box", "1:0"], "--input-box"),
        (["dense.safetensors", "--module", "nets.py:dense", "--input-box", "nan:1"], "--input-box"),
        (["dense.safetensors", "--module", "nets.py:dense", "--input-box", "3"], "--input-box"),
        (["dense.safetensors", "--module", "nets.py:dense", "--method", "local"], "add --input-box"),
        (["dense.safetensors", "--module", "nets.py:dense", "--method", "eclipse", "--input-box", "0:1"], "leave out"),
        (["dense.safetensors", "--module", "nets.py:dense", "--method", "power"], "power"),
        (["dense.safetensors", "--module", "nets.py:dense", "--input-shape", "4,x"], "--input-shape"),
        (["dense.safetensors", "--module", "nets.py:dense", "--input-shape", "5"], "0 (Linear) takes no input of shape (5,)"),
        (["dense.safetensors", "--module", "nets.py:dense", "--seed", "-1"], "--seed"),
        (["dense.safetensors", "--module", "nets.py:dense", "--plot", "a.png"], ".svg"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(words: list[str], says: str, folder: Path, capsys: Capture) -> None:
    assert says in refused(capsys, *words)


def test_bad_tensors_are_one_line(folder: Path, capsys: Capture) -> None:
    good = dense().state_dict()
    for name, tensor, says in (
        ("2.weight", torch.full((3, 8), math.nan), "2.weight has entries that are not finite"),
        ("2.weight", torch.zeros(3, 7), "2.weight has shape (3, 7), and the module wants (3, 8)"),
        ("2.weight", torch.zeros(3, 8, dtype=torch.int32), "2.weight holds int32 numbers"),
    ):
        save_file({**good, name: tensor}, "model.safetensors")
        assert says in refused(capsys, "model.safetensors", "--module", "nets.py:dense")
    save_file({**good, "9.bias": torch.zeros(1)}, "model.safetensors")
    assert "the module has no 9.bias" in refused(capsys, "model.safetensors", "--module", "nets.py:dense")
    save_file({"0.weight": torch.zeros(3, 2), "0.bias": torch.zeros(3)}, "model.safetensors")
    assert "0.bias has no shape yet" in refused(capsys, "model.safetensors", "--module", "nets.py:lazy")
    attention = nn.Sequential(nn.Linear(4, 4), nn.MultiheadAttention(4, 1))
    save_file(attention.state_dict(), "model.safetensors")
    assert "MultiheadAttention" in refused(capsys, "model.safetensors", "--module", "nets.py:attention")


def test_a_pickle_is_never_opened(folder: Path, capsys: Capture) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str, str]]:
            return open, ("sprung", "w")

    for content in (Trap(), dense().state_dict()):
        torch.save(content, "model.safetensors")
        assert "pickles are never opened" in refused(capsys, "model.safetensors", "--module", "nets.py:dense")
    assert not Path("sprung").exists()


def test_the_plot_holds_the_bounds(folder: Path, capsys: Capture) -> None:
    answer = asked(capsys, "dense.safetensors", "--module", "nets.py:dense", "--plot", "a.svg", "--seed", "3")
    drawing = Path("a.svg").read_text()
    ElementTree.fromstring(drawing)
    for words in ("proved bound", "longest found by search", "Product of the layers", "128 inputs drawn"):
        assert words in drawing
    assert answer["file"] == "a.svg"
    again = asked(capsys, "dense.safetensors", "--module", "nets.py:dense", "--seed", "3")
    other = asked(capsys, "dense.safetensors", "--module", "nets.py:dense", "--seed", "4")
    assert again["observed"] == answer["observed"] != other["observed"]


def test_the_figure_places_what_it_is_given() -> None:
    figure = gradients_figure([1.0, 3.0, 2.0, 2.0], upper=5.0, lower=4.0, constants=[2.0, 3.0], drawn="drawn")
    shares, layers = figure.panels
    drawn, found, proved = shares.lines
    assert dict(zip(drawn.x, drawn.y, strict=True))[2.0] == 0.75 and list(drawn.x) == sorted(drawn.x)
    assert (found.x, proved.x) == ((4.0, 4.0), (5.0, 5.0))
    assert list(layers.lines[0].y) == [1.0, 2.0, 6.0]
    assert len(gradients_figure([0.0], upper=0.0, lower=0.0, constants=[], drawn="drawn").panels) == 1
    wide = gradients_figure([1e-3, 1.0], upper=1e9, lower=0.0, constants=[0.0, 1e300], drawn="drawn")
    assert wide.panels[0].x.logarithmic and len(wide.panels[0].lines) == 2
    for norms in ([], [math.nan], [-1.0], [math.inf]):
        with pytest.raises(ValueError, match="finite"):
            gradients_figure(norms, upper=1.0, lower=0.0, constants=[], drawn="drawn")


def test_help_needs_no_torch() -> None:
    command = "import sys; from certify.cli import main; main(['lipschitz', '--help']); print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[]"
