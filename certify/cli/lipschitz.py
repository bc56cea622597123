"""``certify lipschitz``: how far the output of a stored model can move with its input."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from certify.errors import CannotDecide, InputError

from .models import load_model
from .output import ExitCode, emit, labelled, schema
from .progress import progress

if TYPE_CHECKING:
    from torch import Tensor, nn

    from certify.bounds import LipschitzConstant
    from certify.bounds.networks.result import LayerConstant

_DRAWS = 128
_REMEDIES = (
    ("pass input_shape=(channels, height, width)", "add --input-shape channels,height,width"),
    ("use method='product'", "use --method product"),
    ("register one that you can vouch for with declared={Class: constant}, or write", "write"),
)
"""What the library's errors advise, for those who are at a command line."""


def lipschitz(
    model: Path,
    /,
    *,
    module: Annotated[str, Parameter(metavar="PACKAGE.MODULE:FACTORY")],
    method: Literal["product", "eclipse", "semidefinite", "local"] | None = None,
    input_shape: Annotated[str | None, Parameter(metavar="SIZES")] = None,
    input_box: Annotated[str | None, Parameter(metavar="LOW:HIGH")] = None,
    plot: Annotated[Path | None, Parameter(metavar="FILE.svg")] = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Bound the Lipschitz constant of a model from above, proved, and from below, by a gradient that a search found; layer by layer.

    In Euclidean norms, for the model in evaluation mode, as the real function with the stored weights: a forward pass in floating point adds its own
    rounding. Layers without a rule are refused by name.

    Parameters
    ----------
    model
        A safetensors file of the model's state dictionary. Pickles are never opened.
    module
        What makes the torch module, called without arguments: package.module:factory or path/to/file.py:factory. This runs that code.
    method
        product: layer by layer, for all known layers. eclipse, semidefinite: layers together, for chains of affine layers and
        activations; sharper. local: the same for inputs in --input-box. By default product, or local with a box.
    input_shape
        The sizes of one input without the batch, such as 1,8,8; needed for convolutions.
    input_box
        All inputs lie between these two numbers, such as 0:1; rounded outward to doubles.
    plot
        An SVG file to write: the bounds beside the lengths of gradients at drawn inputs.
    seed
        The seed of the search and of the inputs drawn.
    json
        Print JSON alone on standard output.
    """
    from . import drawing

    drawing.check_file(plot, asked=True)
    shape, box = _shape(input_shape), _box(input_box)
    chosen = method or ("product" if box is None else "local")
    if (chosen == "local") != (box is not None):
        raise InputError(
            "--method local bounds the inputs of a box: add --input-box LOW:HIGH"
            if box is None
            else f"--method {chosen} bounds all inputs: leave out --input-box, or the method"
        )
    if not 0 <= seed < 1 << 63:
        raise InputError("--seed is a whole number from 0 to 9223372036854775807")
    with contextlib.redirect_stdout(sys.stderr), progress() as shown:  # what the factory prints is no part of the result
        shown.stage("loading the model")
        network = load_model(model, module)
        with _in_one_line():
            sizes = _checked(network, shape)
        if plot is not None and sizes is None:
            raise InputError("the plot draws inputs: add --input-shape, the sizes of one input such as 1,8,8")
        shown.stage("bounding")
        found, layers = _bounded(network, chosen, shape, box, seed)
        shown.stage("drawing inputs")
        norms = None if sizes is None else _norms(network, sizes, box, seed)
    drawn = "drawn from the box" if box else "drawn from the standard normal law"
    result = Result(str(model), module, found, layers, norms, drawn, plot)
    if plot is not None and norms is not None:
        from certify.plots.gradients import gradients_figure

        constants = [layer.constant.value for layer in layers]
        figure = gradients_figure(
            norms,
            upper=found.upper.value,
            lower=found.lower.value,
            constants=constants,
            drawn=drawn,
            title=f"Lipschitz constant: {module}",
        )
        drawing.save(figure, plot)
    emit(result.data(), json, result.table)
    return int(ExitCode.HOLDS)


@dataclass(frozen=True)
class Result:
    """What was found of one model; ``norms`` (estimates) of gradients at drawn inputs are None where no input could be drawn."""

    model: str
    module: str
    found: LipschitzConstant
    layers: tuple[LayerConstant, ...]
    norms: list[float] | None
    drawn: str
    file: Path | None

    def data(self) -> dict[str, Any]:
        """The result as plain JSON data."""
        observed = None
        if self.norms is not None:
            observed = {"inputs": self.drawn, "median": self.median, "greatest": max(self.norms), "norms": self.norms}
        return {
            "schema": schema("lipschitz"),
            "model": self.model,
            "module": self.module,
            "method": self.found.method,
            "domain": self.found.domain,
            "upper": self.found.upper.value,
            "lower": self.found.lower.value,
            "proof": self.found.proof,
            "layers": [
                {"name": layer.name, "kind": layer.kind, "constant": layer.constant.value, "proof": layer.proof}
                for layer in self.layers
            ],
            "observed": observed,
            "file": None if self.file is None else str(self.file),
        }

    @property
    def median(self) -> float:
        """The middle one of the norms."""
        ordered = sorted(self.norms or [0.0])
        return ordered[len(ordered) // 2]

    def table(self) -> object:
        """A row a layer, then the bounds."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("layer", "module", "constant", "proved by"):
            table.add_column(heading, no_wrap=heading != "proved by", justify="right" if heading == "constant" else "left")
        for layer in self.layers:
            table.add_row(Text(layer.name or "–"), Text(layer.kind), Text(_above(layer.constant.value)), Text(layer.proof))
        lower = self.found.lower.value
        rows = [
            (
                "at most",
                f"{_above(self.found.upper.value, 8)}   proved for {self.found.domain} ({self.found.method}: {self.found.proof})",
            ),
            (
                "at least",
                f"{_below(lower, 8)}   the longest gradient that a search found, enclosed"
                if lower > 0
                else "0   nothing was searched",
            ),
        ]
        if self.norms is not None:
            words = f"{max(self.norms):.6g} at most and {self.median:.6g} in the middle, at {len(self.norms)} inputs {self.drawn} (estimates)"
            rows.append(("observed", words))
        rows.append(
            ("speaks of", "the real function with the stored weights; a forward pass in floating point adds its own rounding")
        )
        if self.file is not None:
            rows.append(("plot", f"drawn in {self.file}"))
        return Group(table, Text(), Text(labelled(rows)))


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """What has no rule is an error of one line, with the remedies of the command."""
    from certify.bounds import NotALinearMap, UnknownModule

    try:
        yield
    except (UnknownModule, NotALinearMap) as error:
        words = str(error)
        for library, command in _REMEDIES:
            words = words.replace(library, command)
        raise InputError(words) from None


def _bounded(
    network: nn.Module, method: Any, shape: tuple[int, ...] | None, box: tuple[float, float] | None, seed: int
) -> tuple[LipschitzConstant, tuple[LayerConstant, ...]]:
    """The constant and its layers; whatever has no rule is an error of one line.

    Theorem: ``lipschitz.product`` (upper outer, inner).
    """
    import torch

    from certify.bounds import lipschitz
    from certify.bounds.networks.plain import check_plain
    from certify.bounds.networks.product import product_bound

    sides = None if box is None else (torch.tensor(box[0], dtype=torch.float64), torch.tensor(box[1], dtype=torch.float64))
    with _in_one_line():
        check_plain(network)
        found = lipschitz(network, method, sides, input_shape=shape, generator=torch.Generator().manual_seed(seed))
        layers = found.layers or product_bound(network, shape).layers
    if not found.upper.value < float("inf"):
        raise CannotDecide("the product of the layers' constants exceeds the doubles: nothing finite is proved")
    return found, layers


def _checked(network: nn.Module, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The sizes of an input, as given or as the first layer says, after sending one through; None where they are not known."""
    import torch
    from torch import nn

    from certify.bounds.networks.chain import leaves
    from certify.bounds.networks.plain import place

    members = leaves(network)
    if shape is None:
        first = next((layer for _, layer in members if not isinstance(layer, (nn.Flatten, nn.Identity))), None)
        if not isinstance(first, nn.Linear):
            return None
        shape = (first.in_features,)
    values = torch.zeros((1, *shape), dtype=torch.float64)
    for name, layer in members:
        try:
            with torch.no_grad():
                values = layer(values)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise InputError(
                f"{place(layer, name)} takes no input of shape {tuple(values.shape[1:])}, without the batch: {' '.join(str(error).split())[:200]}"
            ) from None
        if not isinstance(values, torch.Tensor):
            raise InputError(f"{place(layer, name)} returns no tensor: its output has no norm here")
    return shape


def _norms(network: nn.Module, sizes: tuple[int, ...], box: tuple[float, float] | None, seed: int) -> list[float]:
    """How long gradients are at inputs drawn evenly from the box, or from the standard normal law."""
    import torch

    from certify.bounds.networks.gradients import gradient_norms

    generator = torch.Generator().manual_seed(seed)
    points: Tensor
    if box is None:
        points = torch.randn(_DRAWS, *sizes, generator=generator, dtype=torch.float64)
    else:
        points = box[0] + (box[1] - box[0]) * torch.rand(_DRAWS, *sizes, generator=generator, dtype=torch.float64)
    return [float(norm) for norm in gradient_norms(network, points, generator=generator)]


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    sizes = text.split(",")
    if not all(size.strip().isdecimal() and len(size) < 10 and int(size) > 0 for size in sizes):
        raise InputError(f"--input-shape is the sizes of one input, such as 1,8,8, not {text[:80]!r}")
    return tuple(int(size) for size in sizes)


def _box(text: str | None) -> tuple[float, float] | None:
    """Both ends as doubles, rounded outward."""
    import math

    from certify.numbers import exact

    if text is None:
        return None
    low, colon, high = text.partition(":")
    if not colon:
        raise InputError(f"--input-box is two numbers, such as 0:1, not {text[:80]!r}")
    ends = exact(low, "the lower end of --input-box"), exact(high, "the upper end of --input-box")
    if not ends[0] <= ends[1] or max(abs(end) for end in ends) > 2**500:
        raise InputError(f"--input-box is a number and one that is not less, of at most 2^500 in size, not {text[:80]!r}")
    least, most = float(ends[0]), float(ends[1])
    return (
        least if least <= ends[0] else math.nextafter(least, -math.inf),
        most if most >= ends[1] else math.nextafter(most, math.inf),
    )


def _above(value: float, digits: int = 6) -> str:
    return f"{Context(prec=digits, rounding=ROUND_CEILING).create_decimal_from_float(value):g}"


def _below(value: float, digits: int = 6) -> str:
    return f"{Context(prec=digits, rounding=ROUND_FLOOR).create_decimal_from_float(value):g}"
