"""The code and the book agree: whatever rests on a theorem says so in one fixed line of its docstring, with the right hypotheses.

The line is read by machine and by people::

    Theorem: ``output.residual`` (upper residual; lower strong_convexity).

It names one or more theorems that share their hypotheses, or a family such as ``*.self-concordance``, and in brackets the symbol of
every hypothesis with the side on which the number must lie. It may run over several lines of text, and ends in ``).``.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from certify import links
from certify.certificates import derivation
from certify.certificates.derivation import Item, Step
from certify.proofs import registry
from certify.proofs.sides import Side
from certify.proofs.theorem import Theorem

NAME = r"``[a-z0-9*][a-z0-9.*-]*``"
LINE = re.compile(rf"Theorem: ({NAME}(?:, {NAME})*) \(([^()]*)\)\.(?= |$)")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Modules = Mapping[str, tuple[links.Unit, ...]]

ACCOUNTING = {"certify.gaussian", "certify.calibration"}
"""Modules of which every public function is a rule of privacy accounting."""
_HELD = "hands over the number that it was given"
_ARITHMETIC = "one operation on bounds, rounded outward"
_ATTAINED = "the image of a vector, measured: linalg.operator-norm"
_ROUNDING = "rounding analysis: its derivation and sources stand beside it"
_EXPLICIT = "measured on explicit vectors, with rounding and the stated accuracy of the products"
_PUBLIC = "a public number; that the model is this near is measured before every release"
_OWN_PROOF = "the function that was given says what proves it"
ROUNDED = {
    "certify.accounting.kinds.CurvePrivacy.delta": _OWN_PROOF,
    "certify.accounting.kinds.CurvePrivacy.epsilon": _OWN_PROOF,
    "certify.accounting.kinds.RenyiPrivacy.divergence": _HELD,
    "certify.accounting.privacy.Privacy.delta": "every kind names its own",
    "certify.accounting.privacy.Privacy.epsilon": "every kind names its own",
    "certify.accounting.privacy.added": _ARITHMETIC,
    "certify.accounting.privacy.as_used": _HELD,
    "certify.accounting.privacy.failing": _HELD,
    "certify.accounting.privacy.held": _HELD,
    "certify.accounting.privacy.within": "the bound given, cut where the quantity is known to end",
    "certify.bounds.bound.Bound.ancestors": _HELD,
    "certify.bounds.bound.Bound.rational_or_infinite": _HELD,
    "certify.bounds.bound.Bound.sqrt": _ARITHMETIC,
    "certify.bounds.bound.as_bound": _HELD,
    "certify.bounds.bound.exactly": _HELD,
    "certify.bounds.bound.tightest": "one of the bounds given",
    "certify.bounds.derive.derive": "the theorem is its argument",
    "certify.bounds.enclosed_gradient.enclosed_gradient": "ball arithmetic on the definition",
    "certify.bounds.linear_model.gradient_allowance": _ROUNDING,
    "certify.bounds.linear_model.product_allowance": _ROUNDING,
    "certify.bounds.low_rank.LowRankEdit.merge": _ROUNDING,
    "certify.bounds.low_rank.LowRankEdit.merged_as": _ROUNDING,
    "certify.bounds.networks.intervals.frobenius_distance": _ROUNDING,
    "certify.bounds.networks.layers.layer_constant": "its own rule for each layer, stated beside it; norms by the theorems that spectral_norm names",
    "certify.bounds.networks.search.gradient_at": _ATTAINED,
    "certify.bounds.networks.search.steepest": _ATTAINED,
    "certify.bounds.networks.sensitivity.FeatureSensitivity.ratio": "for people",
    "certify.bounds.networks.slopes.above": _HELD,
    "certify.bounds.networks.slopes.below": _HELD,
    "certify.bounds.parameters.constants.parameter_constants": "the chain rule layer by layer: its derivation stands in the module",
    "certify.bounds.parameters.deep.network_edges": "the chain rule layer by layer: its derivation stands in the modules adjoint and residual",
    "certify.bounds.parameters.stationary.gradient_norm": "measured, by intervals",
    "certify.bounds.rounding.gamma": _ROUNDING,
    "certify.bounds.rounding.norm_upper": _ROUNDING,
    "certify.bounds.spectral.attained.attained": _ATTAINED,
    "certify.bounds.spectral.attained.attained_by": _ATTAINED,
    "certify.bounds.spectral.dense.rescaled": _HELD,
    "certify.bounds.spectral.dense.zero_norm": "zero",
    "certify.bounds.spectral.eigenvalue.largest_of_gram": "an estimate, of which nothing is said",
    "certify.bounds.spectral.modules.fold": _ROUNDING,
    "certify.bounds.spectral.modules.normalisation_factors": _ROUNDING,
    "certify.bounds.spectral.result.nothing_below": "zero",
    "certify.bounds.spectral.result.SpectralNorm.ratio": "for people",
    "certify.bounds.spectral.scaling.frobenius_upper": _ROUNDING,
    "certify.bounds.spectral.scaling.vector_norm_upper": _ROUNDING,
    "certify.bounds.spectral.symbol.Symbols.error": _ROUNDING,
    "certify.bounds.spectral.unrolled.Map.attained": _ATTAINED,
    "certify.bounds.spectral.unrolled.summing_error": _ROUNDING,
    "certify.calibration.GaussianNoise.scale": _HELD,
    "certify.calibration.exact_bound": _HELD,
    "certify.calibration.hold": _HELD,
    "certify.continual.constants.Constants.of_records": _HELD,
    "certify.continual.constants.Constants.shared": _HELD,
    "certify.certificates.derivation.evaluate": "the theorems are those of the steps given",
    **{
        f"certify.estimators.operators.{operator}.lower_bound": "the parts' own bounds, combined; that of the whole holds for a principal block"
        for operator in ("composed.Block", "composed.Damped", "composed.Scaled", "composed.Sum")
    },
    "certify.estimators.operators.matrix.Function.lower_bound": _HELD,
    "certify.estimators.operators.operator.Operator.lower_bound": "zero, where the operator is claimed to be positive semidefinite",
    "certify.estimators.sharding.operator.Sharded.lower_bound": "the ranks' own bounds, each times its share; or zero, where the sum is semidefinite",
    "certify.estimators.solves.solve.known_definiteness": "the bound given or known, with the damping added",
    "certify.estimators.spectrum.ritz.Ritz.coupling": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.dropped": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.dropped_residual": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.form_norm": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.inside": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.rayleigh": "a Rayleigh quotient, measured: linalg.rayleigh",
    "certify.estimators.spectrum.ritz.Ritz.residual_norm": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.residual_squares": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.ritz_squares": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.ritz_sum": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.skewness": _EXPLICIT,
    "certify.estimators.spectrum.ritz.Ritz.top": _EXPLICIT,
    "certify.estimators.traces.interval.sharper": _HELD,
    "certify.estimators.traces.probes.share_above": "the theorem is its argument",
    "certify.estimators.traces.probes.share_below": "the theorem is its argument",
    "certify.estimators.traces.trace.semidefinite_remainder": "the sharper of two routes, which name theirs",
    "certify.fitting.Fitted.residual": "measured, with the allowance for rounding",
    "certify.mechanisms.noise.MechanismNoise.scale": _HELD,
    "certify.objectives.linear.LinearObjective.row_norm": "measured, with the allowance for rounding",
    "certify.policy.budget_of": _PUBLIC,
    "certify.policy.default_distance_budget": _PUBLIC,
}
"""Public functions that return a bound by no theorem of the book, and why."""


# ---------------------------------------------------------------- the line


@dataclass(frozen=True)
class Line:
    """One ``Theorem:`` line: the ids or families, and the symbols with their sides."""

    names: tuple[str, ...]
    hypotheses: frozenset[tuple[str, str]]

    def covers(self, identifier: str) -> bool:
        return any(fnmatchcase(identifier, name) for name in self.names)


def lines_of(documented: str) -> list[Line]:
    """The lines of a docstring; raises ``ValueError`` for one that is not of the fixed form."""
    flat = " ".join(documented.split())
    found = [Line(tuple(re.findall(r"``(.*?)``", names)), read_hypotheses(words)) for names, words in LINE.findall(flat)]
    if len(found) != flat.count("Theorem: "):
        raise ValueError(f"a Theorem line is malformed: {flat}")
    return found


def read_hypotheses(words: str) -> frozenset[tuple[str, str]]:
    """``upper a, b; lower c`` as pairs of side and symbol."""
    pairs = []
    for group in words.split("; "):
        side, _, symbols = group.partition(" ")
        pairs += [(Side(side).value, symbol) for symbol in symbols.split(", ")]
    if len(set(pairs)) != len(pairs):
        raise ValueError(f"a hypothesis is repeated: {words}")
    return frozenset(pairs)


def write_line(theorem: Theorem) -> str:
    """The line that a function that rests on the theorem carries."""
    groups = [
        f"{side.value} {', '.join(hypothesis.symbol for hypothesis in theorem.hypotheses if hypothesis.side is side)}"
        for side in (Side.UPPER, Side.LOWER, Side.EXACT)
        if any(hypothesis.side is side for hypothesis in theorem.hypotheses)
    ]
    return f"Theorem: ``{theorem.id}`` ({'; '.join(groups)})."


# ---------------------------------------------------------------- what is wrong with a program


def functions(modules: Modules) -> Iterator[tuple[str, links.Unit]]:
    """Every function and method with its dotted name."""
    for module, units in modules.items():
        for unit in units:
            if isinstance(unit.node, FUNCTIONS) and not any(
                isinstance(mark, ast.Name) and mark.id == "overload" for mark in unit.node.decorator_list
            ):
                yield f"{module}.{unit.name}", unit


def unnamed(modules: Modules) -> set[str]:
    """Functions whose code names a theorem that no line of their docstring names; of ids put together, one must be named."""
    missing = set()
    for module, units in modules.items():
        documented = {unit.name: lines_of(unit.documented) for unit in units if isinstance(unit.node, FUNCTIONS)}

        def named(function: str, identifier: str, lines: Mapping[str, list[Line]] = documented) -> bool:
            return any(line.covers(identifier) for line in lines.get(function, ()))

        for identifier, theorem in registry.theorems().items():
            for name in links.naming(units, lambda unit, identifier=identifier: identifier in unit.strings):
                if not named(name, identifier):
                    missing.add(f"{module}.{name} names {identifier}: {write_line(theorem)}")
        for unit in units:
            for pattern in unit.patterns:
                family = [identifier for identifier in registry.theorems() if re.fullmatch(pattern, identifier)]
                if family and not any(named(unit.name, identifier) for identifier in family):
                    missing.add(f"{module}.{unit.name} names one of {', '.join(family)}")
    return missing


def carried(modules: Modules) -> set[str]:
    """Constants that hold the id of a theorem and are imported elsewhere, where the readers above lose sight of them."""
    holding = {
        unit.name for units in modules.values() for unit in units if unit.constant and any(map(unit.writes, registry.theorems()))
    }
    return {
        f"{module} imports {alias.name}"
        for module, units in modules.items()
        for node in ast.walk(units[0].node)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in holding
    }


def unknown(modules: Modules) -> set[str]:
    """Lines and calls of ``derive`` that name what is not in the book."""
    wrong = set()
    for name, unit in functions(modules):
        for line in lines_of(unit.documented):
            wrong |= {
                f"{name}: {word}" for word in line.names if not any(fnmatchcase(known, word) for known in registry.theorems())
            }
        for node in ast.walk(unit.node):
            match node:
                case ast.Call(
                    func=ast.Name(id="derive") | ast.Attribute(attr="derive"), args=[ast.Constant(value=str(word)), *_]
                ):
                    wrong |= {f"{name}: {word}"} - {f"{name}: {known}" for known in registry.theorems()}
    return wrong


def misstated(modules: Modules) -> set[str]:
    """Lines whose symbols and sides are not exactly those of the theorem's hypotheses."""
    return {
        f"{name}: {write_line(theorem)}"
        for name, unit in functions(modules)
        for line in lines_of(unit.documented)
        for theorem in registry.theorems().values()
        if line.covers(theorem.id)
        and line.hypotheses != {(hypothesis.side.value, hypothesis.symbol) for hypothesis in theorem.hypotheses}
    }


def bounding_classes(modules: Modules) -> set[str]:
    """``Bound``, and the dataclasses of ``certify.bounds`` that hold one."""
    return {"Bound"} | {
        unit.name
        for module, units in modules.items()
        for unit in units
        if isinstance(unit.node, ast.ClassDef) and module.startswith("certify.bounds.")
        if any(isinstance(node, ast.AnnAssign) and "Bound" in names_in(node.annotation) for node in unit.node.body)
    }


def names_in(annotation: ast.AST | None) -> set[str]:
    """The names in an annotation (a string in it is a literal: the sources quote none)."""
    if annotation is None:
        return set()
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(annotation)
        if isinstance(node, (ast.Name, ast.Attribute))
    }


def undocumented(modules: Modules) -> set[str]:
    """Public functions that name no theorem though they return a bound (in ``certify.bounds`` also as a float) or account for privacy."""
    bounding = bounding_classes(modules)
    missing = set()
    for name, unit in functions(modules):
        assert isinstance(unit.node, FUNCTIONS)
        kinds = bounding | ({"float"} if name.startswith("certify.bounds.") else set())
        asked = bool(names_in(unit.node.returns) & kinds) or name.rpartition(".")[0] in ACCOUNTING
        public = not any(part.startswith("_") for part in name.split("."))
        if public and asked and not lines_of(unit.documented):
            missing.add(name)
    return missing


# ---------------------------------------------------------------- this package

HERE: Modules = dict(links.modules())


def test_every_function_that_uses_a_theorem_names_it() -> None:
    assert unnamed(HERE) == set()


def test_no_theorem_is_carried_to_another_module_in_a_constant() -> None:
    assert carried(HERE) == set()


def test_every_theorem_that_is_named_is_in_the_book() -> None:
    assert unknown(HERE) == set()


def test_every_line_states_the_hypotheses_and_their_sides() -> None:
    assert misstated(HERE) == set()


def test_every_public_bound_names_its_theorem_or_says_why_not() -> None:
    assert undocumented(HERE) == set(ROUNDED)
    assert all(ROUNDED.values())


def steps() -> Iterator[Step]:
    """The steps of every form of derivation that a certificate can have."""
    forms: set[Item] = set()
    for noise in ("gaussian", "discrete-gaussian", "none"):
        for alone in (True, False):
            for before in (None, "mu", "rho"):
                for unspent in (True, False):
                    forms |= set(derivation.items_of(derivation.Form(noise, alone, before, unspent)))
    yield from (item for item in forms if isinstance(item, Step))


def misapplied(applied: Step) -> str:
    """What is wrong with a step: a theorem that is not in the book, or inputs that are not its hypotheses."""
    if applied.theorem not in registry.theorems():
        return f"{applied.theorem} is not in the book"
    given = {symbol for symbol, _ in applied.inputs}
    return "" if given == set(registry.theorem(applied.theorem).symbols) else f"{applied.theorem} does not take {sorted(given)}"


def test_every_step_of_a_certificate_applies_a_theorem_of_the_book() -> None:
    assert {applied.id for applied in steps()} >= {
        "strong-convexity",
        "sensitivity",
        "delta",
        "mu",
        "rho",
        "transcript-mu",
        "transcript-delta",
        "transcript-rho",
        "transcript-epsilon",
    }
    assert [misapplied(applied) for applied in steps() if misapplied(applied)] == []


def test_every_theorem_under_a_check_of_the_suite_is_in_the_book() -> None:
    from certify.testing.suite import checks

    assert {name for check in checks() for name in check.rests_on} <= set(registry.theorems())


# ---------------------------------------------------------------- negative controls: each fault is noticed


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Modules]:
    """A program of one module, read as this package is."""

    def read(source: str) -> Modules:
        path = tmp_path / "sample.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        links.units.cache_clear()
        links._source.cache_clear()
        return {"certify.bounds.sample": links.units(path)}

    return read


RESIDUAL = "Theorem: ``output.residual`` (upper residual; lower strong_convexity)."


@pytest.mark.parametrize(
    "code",
    [
        'def f():\n    """Words."""\n    return derive("output.residual", residual=1, strong_convexity=1)',
        'def f():\n    return {"theorem": "output.residual"}',
        'NAME = "output.residual"\ndef f():\n    """Words."""\n    return derive(NAME)',
        'def f(end):\n    """Words."""\n    return derive(f"output.{end}")',
        '@check(rests_on=("output.residual",))\ndef f():\n    """Words."""',
        'class C:\n    def f(self):\n        """Theorem: ``gaussian.mu`` (upper sensitivity; lower sigma)."""\n        return "output.residual"',
    ],
)
def test_a_theorem_that_is_used_and_not_named_is_noticed(sample: Callable[[str], Modules], code: str) -> None:
    assert unnamed(sample(code))


def test_an_imported_theorem_is_noticed(sample: Callable[[str], Modules]) -> None:
    (units,) = sample('NAME = "output.residual"').values()
    (others,) = sample("from .first import NAME").values()
    assert carried({"certify.first": units, "certify.second": others})


@pytest.mark.parametrize("code", ['derive("output.residual")', 'f"output.{self}"', 'NAME\nNAME = "output.residual"'])
def test_a_theorem_that_is_named_is_found(sample: Callable[[str], Modules], code: str) -> None:
    modules = sample(f'def f():\n    """Words.\n\n    {RESIDUAL}\n    """\n    return {code}')
    assert not unnamed(modules) | unknown(modules) | misstated(modules)


@pytest.mark.parametrize(
    "code",
    [
        'def f():\n    """Theorem: ``output.residue`` (upper residual)."""',
        'def f():\n    """Theorem: ``*.residue`` (upper residual)."""',
        'def f():\n    return derive("output.residue", residual=1)',
    ],
)
def test_a_theorem_that_is_not_in_the_book_is_noticed(sample: Callable[[str], Modules], code: str) -> None:
    assert unknown(sample(code))


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("upper residual; lower strong_convexity", True),
        ("lower strong_convexity; upper residual", True),
        ("upper residual", False),
        ("upper residual, strong_convexity", False),
        ("upper residual; lower strong_convexity, n", False),
        ("upper residual; exact strong_convexity", False),
        ("upper residual; lower convexity", False),
    ],
)
def test_symbols_and_sides_are_compared(sample: Callable[[str], Modules], words: str, right: bool) -> None:
    assert bool(misstated(sample(f'def f():\n    """Theorem: ``output.residual`` ({words})."""'))) is not right


def test_every_member_of_a_family_has_the_hypotheses_that_are_stated(sample: Callable[[str], Modules]) -> None:
    family = 'def f():\n    """Theorem: ``*.{}`` (upper row_norm)."""'
    assert not misstated(sample(family.format("self-concordance")))
    assert misstated(sample(family.format("smoothness")))  # that of Poisson regression takes a bound on the predictors besides


@pytest.mark.parametrize(
    "words",
    [
        "Theorem: output.residual (upper residual).",
        "Theorem: ``output.residual``.",
        "Theorem: ``output.residual`` (upper residual)",
        "Theorem: ``output.residual`` (above residual).",
        "Theorem: ``output.residual`` (upper residual, residual).",
        "Theorem: ``output.residual``; ``gaussian.mu`` (upper residual).",
    ],
)
def test_a_malformed_line_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"malformed|repeated|is not a valid Side"):
        lines_of(words)


@pytest.mark.parametrize(
    ("code", "noticed"),
    [
        ("def f() -> Bound: ...", True),
        ("def f() -> tuple[Bound | None, int]: ...", True),
        ("def f() -> float: ...", True),
        ("class C:\n    value: Bound\ndef f() -> C: ...", True),
        ("class C:\n    @property\n    def f(self) -> Bound: ...", True),
        ("def _f() -> Bound: ...", False),
        ("class _C:\n    def f(self) -> Bound: ...", False),
        ("def f() -> str: ...", False),
        (f'def f() -> Bound:\n    """{RESIDUAL}"""', False),
    ],
)
def test_a_public_bound_without_a_theorem_is_noticed(sample: Callable[[str], Modules], code: str, noticed: bool) -> None:
    assert bool(undocumented(sample(code))) is noticed


@pytest.mark.parametrize(
    ("theorem", "inputs"),
    [("ridge.convexity", (("l2", "l2"),)), ("ridge.strong-convexity", (("weight", "l2"),)), ("ridge.strong-convexity", ())],
)
def test_a_step_outside_the_book_is_noticed(theorem: str, inputs: tuple[tuple[str, str], ...]) -> None:
    assert misapplied(Step("strong-convexity", theorem, inputs))


def test_a_line_is_written_as_it_is_read() -> None:
    for theorem in registry.theorems().values():
        (line,) = lines_of(write_line(theorem))
        assert line.names == (theorem.id,)
        assert line.hypotheses == {(hypothesis.side.value, hypothesis.symbol) for hypothesis in theorem.hypotheses}
