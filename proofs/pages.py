"""The pages of ``docs/theorems``, generated from the book: one a family, one of textbook facts, an index with the drawing.

``python -m certify.proofs.pages`` writes them, ``--check`` compares them with what the code says, ``--out FOLDER`` goes
elsewhere than ``docs/theorems`` of this checkout. Formulas are GitHub's mathematics: ``$`..`$`` in a line, a block apart.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from . import catalogue, graph, registry
from .catalogue import Family
from .expression import Expression, symbol
from .identity import Identity, Words
from .outline import Line, Outline, outline
from .readers import as_latex
from .relations import Printed, conclusion, condition, matrix_relation, relation
from .theorem import Enclosure, FalseSibling, Theorem

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "theorems"
_SIDES = {"upper": "upper bound", "lower": "lower bound", "exact": "exact value"}
_KINDS = {"theorem": "theorem", "identity": "identity of matrices", "enclosure": "inequality on a box"}
_BRACKETS = (
    "In the steps of a proof `[name]` is the larger side of that fact less the smaller (left less right in an equation), and "
    "`goal` that of the line itself; denominators are cleared. Every bracket is known not to be negative (to be zero for an "
    "equation), and what multiplies the goal to be positive: so the goal is not negative."
)
_GIVEN = (
    "Textbook facts, used as given: nobody proves them again here, and they are pinned, so that none can change unseen. "
    "They do not lower a status."
)
_INTRODUCTION = (
    "Every number that a certificate shows rests on these theorems. The pages are generated from the data that "
    "`certify prove` checks; [proofs](../proofs.md) says what a proof is here and how to write one. "
    "`certify theorems ID` shows one of them on a terminal, with the functions that use it."
)
_DRAWING = (
    "A line goes from what is used to what uses it; lines that follow from others are left out. Open "
    "[the drawing](graph.svg) itself to follow its links and to read the statements."
)
MARKER = "<!-- generated from the book by python -m certify.proofs.pages; do not edit -->"


def pages() -> dict[str, str]:
    """The content of every file of ``docs/theorems`` by its name."""
    made = {f"{family.name}.md": _family(family) for family in catalogue.families()}
    return {
        "index.md": _index(),
        "graph.svg": graph.svg(pages=""),
        "foundations.md": _foundations(),
        **made,
    }


def differences(folder: Path = FOLDER) -> list[str]:
    """What a folder lacks, has otherwise, or has too much; empty where it is as the code says."""
    made = pages()
    there = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    missing = [f"{name} is missing" for name in made if name not in there]
    other = [f"{name} differs" for name, text in made.items() if name in there and there[name].read_text("utf-8") != text]
    return [*missing, *other, *(f"{name} belongs to nothing in the book" for name in there if name not in made)]


def write(folder: Path = FOLDER) -> None:
    """Write the pages, and remove generated ones that the book no longer has."""
    made = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in made and path.read_text("utf-8").startswith(MARKER):
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


# pages --------------------------------------------------------------------------------------------------


def _page(title: str, parts: Iterable[str]) -> str:
    text = "\n\n".join((MARKER, f"# {title}", *(part for part in parts if part)))
    return text + "\n"


def _index() -> str:
    families = catalogue.families()
    rows = [f"| [{family.name}]({family.name}.md) | {_cell(family.title)} | {len(family.entries)} |" for family in families]
    facts = len(registry.foundations())
    rows.append(f"| [foundations](foundations.md) | Textbook facts, used as given, with their sources | {facts} |")
    return _page(
        "The book of theorems",
        (
            _INTRODUCTION,
            "\n".join(("| family | about | entries |", "|---|---|---|", *rows)),
            "## What rests on what",
            _DRAWING,
            "[![What rests on what](graph.svg)](graph.svg)",
        ),
    )


def _foundations() -> str:
    parts = [_GIVEN]
    subject = ""
    for fact in registry.foundations().values():
        if (own := fact.id.partition(".")[0]) != subject:
            subject = own
            parts.append(f"## {subject}")
        parts += [_heading(fact.id, "###"), prose(fact.statement), f"*Source.* {prose(fact.source)}", _used_by(fact.id)]
    return _page("Foundations", parts)


def _family(family: Family) -> str:
    rows = [f"| [{entry.id}](#{entry.id}) | {_cell(entry.statement)} |" for entry in family.entries]
    parts = ["\n".join(("| entry | says |", "|---|---|", *rows)), _BRACKETS]
    for entry in family.entries:
        parts += _entry(entry)
    return _page(family.title, parts)


# entries ------------------------------------------------------------------------------------------------


def _entry(entry: Theorem | Identity | Enclosure) -> Iterator[str]:
    status = registry.status(entry.id)
    yield _heading(entry.id, "##")
    yield f"{_KINDS[registry.kind(entry.id)]}, {status.glyph} {status.label}"
    yield prose(entry.statement)
    if isinstance(entry, Theorem):
        yield _block(conclusion(entry))
        yield from _statement(entry)
    elif isinstance(entry, Identity):
        yield _block(matrix_relation(entry.goal))
    else:
        yield _block(relation(">=0", entry.slack))
        box = (rf"{low} \le {as_latex(symbol(name))} \le {high}" for name, low, high in entry.box)
        yield f"*On the box* {', '.join(map(_math, box))}, by ball arithmetic."
    if not isinstance(entry, Enclosure) and (found := outline(entry)) is not None:
        yield from _proof(found)
    yield f"*Source.* {prose(entry.source)}"
    yield _sibling(entry)
    if below := registry.rests_on(entry.id):
        yield f"*Rests on* {_links(below)}."
    yield _used_by(entry.id)


def _statement(theorem: Theorem) -> Iterator[str]:
    conclusion = theorem.conclusion
    rows = [
        f"| {_name(row.symbol)} | {_SIDES[row.side.value]} | {row.domain.value} | {_unit(row.unit)} | {_cell(row.meaning)} |"
        for row in theorem.hypotheses
    ]
    rows.append(
        f"| **{_name(conclusion.symbol)}** | **{_SIDES[conclusion.side.value]}** | | {_unit(conclusion.unit)} "
        f"| **the conclusion:** {_cell(conclusion.meaning)} |"
    )
    yield "\n".join(("| symbol | side | domain | unit | meaning |", "|---|---|---|---|---|", *rows))
    for side in theorem.side_conditions:
        yield f"*Where* {_math(condition(side).latex)} ({prose(side.words)})."


def _proof(found: Outline) -> Iterator[str]:
    yield "*Proof.* The numbers:"
    yield "\n".join(f"- {_given(line)}" for line in found.given)
    if found.facts:
        yield "The facts:"
        yield "\n".join(f"- {_fact(line)}" for line in found.facts)
    yield "The steps:"
    yield "\n".join(line for step in found.steps for line in _step(step, ""))


def _given(line: Line) -> str:
    formula = "" if line.formula is None else _math(line.formula.latex)
    if line.kind == "term":
        return f"`{line.name}` = {formula}"
    return f"{formula if line.kind == 'sequence' else _name(line.name)}: {prose(line.words)}"


def _fact(line: Line) -> str:
    formula = "" if line.formula is None else _math(line.formula.latex)
    reasons = ", ".join(
        f"hypothesis `{reason.removeprefix('hypothesis:')}`" if reason.startswith("hypothesis:") else _link(reason)
        for reason in line.because
    )
    because = f" ({reasons})" if reasons else ""
    return f"`[{line.name}]` {formula}: {prose(line.words)}{because}{_combination(line)}"


def _step(line: Line, indent: str) -> Iterator[str]:
    """A line of the proof, and as a list below it what belongs under it."""
    formula = "" if line.formula is None else _math(line.formula.latex)
    text = {
        "lemma": f"`[{line.name}]` {formula}",
        "use": f"`[{line.name}]` may be used: {line.words}",
        "cases": f"cases by the sign of `[{line.name}]` = {formula}",
        "case": f"if {formula}",
        "induction": f"`[{line.name}]` by induction: {formula} at every step",
        "base": f"at the start: {formula}",
        "step": f"from one step to the next: {formula}",
        "end": f"so at the last step: {formula}",
        "roots": f"{formula}, by {prose(line.words)}",
    }.get(line.kind, formula)
    yield f"{indent}- {text}{_combination(line)}"
    for inner in line.inside:
        yield from _step(inner, indent + "  ")


def _combination(line: Line) -> str:
    return f", since `{line.combination}`" if line.combination else ""


def _sibling(entry: Theorem | Identity | Enclosure) -> str:
    """The false neighbour that the checker refuses."""
    match entry.false_sibling:
        case FalseSibling() as false if isinstance(entry, Theorem):
            formula = "" if false.formula is None else f": {_math(conclusion(replace(entry, formula=false.formula)).latex)}"
            dropped = f" (without {', '.join(f'`[{name}]`' for name in false.dropped)})" if false.dropped else ""
            return f"*Refused sibling.* {prose(false.description)}{dropped}{formula}"
        case Words() as goal:
            return f"*Refused sibling.* {_math(matrix_relation(goal).latex)}"
        case Expression() as slack:
            return f"*Refused sibling.* {_math(relation('>=0', slack).latex)}"
    return ""


def _used_by(identifier: str) -> str:
    users = catalogue.used_by(identifier)
    return f"*Used by* {_links(users)}." if users else ""


# marks --------------------------------------------------------------------------------------------------


def _heading(identifier: str, level: str) -> str:
    """A heading under an anchor of its own, because GitHub drops the dot from those that it makes."""
    return f'<a id="{identifier}"></a>\n\n{level} {identifier}'


def _link(identifier: str) -> str:
    return f"[{identifier}]({graph.page(identifier)})"


def _links(identifiers: Iterable[str]) -> str:
    return ", ".join(map(_link, identifiers))


def _math(latex: str) -> str:
    return f"$`{latex}`$"


def _block(formula: Printed) -> str:
    return f"```math\n{formula.latex}\n```"


def _name(symbol_name: str) -> str:
    """A symbol as it is typeset, with its name where that is not the same to the eye."""
    latex = as_latex(symbol(symbol_name))
    return _math(latex) if latex == symbol_name else f"{_math(latex)} `{symbol_name}`"


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def prose(text: str) -> str:
    """Words of the book with what Markdown would read as marks made plain."""
    return re.sub(r"([\\`*_<>|\[\]~$])", r"\\\1", text)


_cell = prose


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` only compare them."""
    folder = Path(arguments[arguments.index("--out") + 1]) if "--out" in arguments else FOLDER
    if not folder.parent.is_dir():
        print(f"there is no folder {folder.parent}: this is no checkout, say --out FOLDER")
        return 2
    if "--check" not in arguments:
        write(folder)
    found = differences(folder)
    for line in found:
        print(f"{folder.name}/{line}: run python -m certify.proofs.pages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
