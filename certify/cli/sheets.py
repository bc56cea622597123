"""How the book looks on a terminal: one line a theorem, and one sheet for a theorem in full."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .output import counted, width

if TYPE_CHECKING:
    from rich.console import Group

BOLD = "bold"
_SIDES = {"upper": "an upper bound", "lower": "a lower bound", "exact": "the exact value"}
_KINDS = {
    "theorem": "theorem", "identity": "identity of matrices", "enclosure": "inequality on a box", "foundation": "textbook fact",
}  # fmt: skip
_BRACKETS = (
    "[name] is the larger side of that fact less the smaller (left less right in an equation), goal that of the line above; "
    "denominators are cleared"
)


def listing(payload: Mapping[str, Any]) -> Group:
    """The families, each with one line an entry, cut where the screen ends."""
    from certify.proofs.status import Status

    entries = payload["theorems"]
    lines = []
    for family in payload["families"]:
        rows = [entry for entry in entries if entry["family"] == family["id"]]
        column = max(len(entry["id"]) for entry in rows)
        lines += [(BOLD, cut(f"{family['id']}: {family['title']}", width()))]
        for entry in rows:
            row = f"  {Status.parse(entry['status']).glyph} {entry['id']:{column}}  {entry['statement']}"
            lines.append(("", cut(row, width())))
        lines.append(("", ""))
    found = {entry["status"] for entry in entries}
    legend = ", ".join(f"{status.glyph} {status.label}" for status in reversed(Status) if status.label in found)
    lines.append((BOLD, f"{len(entries)} entries ({legend}) on {counted(payload['foundations'], 'textbook fact')}"))
    lines += [("", "certify theorems ID shows one in full, textbook facts too"), ("", "certify theorems --graph draws them all")]
    return styled(lines)


def sheet(entry: Mapping[str, Any]) -> Group:
    """All that the book says of one entry."""
    from certify.proofs.status import Status

    status = "" if entry["kind"] == "foundation" else f", {Status.parse(entry['status']).glyph} {entry['status']}"
    lines = [(BOLD, f"{entry['id']}: {_KINDS[entry['kind']]}{status}"), ("", "")]
    lines += [("", line) for line in _wrapped(entry["statement"])]
    for title, body in _sections(entry):
        if rows := list(body):
            lines += [("", ""), (BOLD, title), *(("", row) for row in rows)]
    lines += [("", ""), ("", f"certify theorems {entry['id']} --graph draws what is around it")]
    if entry["kind"] == "theorem":
        lines.append(("", f"certify prove {entry['id']} replays the proof"))
    return styled(lines)


def _sections(entry: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[str]]]:
    yield "needs", _hypotheses(entry.get("hypotheses", ()))
    yield "where", _conditions(entry)
    yield "gives", _conclusion(entry)
    if (proof := entry["proof"]) is not None:
        yield "proof: the numbers", _given(proof["given"])
        yield "proof: the facts", (line for fact in proof["facts"] for line in _fact(fact))
        yield "proof: the steps", [*_wrapped(_BRACKETS, 2), *(line for step in proof["steps"] for line in _step(step, 2))]
    yield "rests on", _wrapped(", ".join(entry["rests_on"]), 2)
    yield "used by", _users(entry["used_by"])
    yield "source", _wrapped(entry["source"], 2)
    yield "refused sibling", _sibling(entry.get("false_sibling"))
    yield "digest", [f"  {entry['digest']}"]


def _hypotheses(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    for row in rows:
        yield from _wrapped(f"{row['symbol']}: {_SIDES[row['side']]}, {row['domain']}{_unit(row)}", 2)
        yield from _wrapped(row["meaning"], 6)


def _conditions(entry: Mapping[str, Any]) -> Iterator[str]:
    for row in entry.get("side_conditions", ()):
        yield from _wrapped(row["text"], 2)
        yield from _wrapped(row["words"].removeprefix(row["text"]).removeprefix(": "), 6)
    for row in entry.get("box", ()):
        yield f"  {row['from']} <= {row['symbol']} <= {row['to']}"


def _conclusion(entry: Mapping[str, Any]) -> Iterator[str]:
    if "says" in entry:
        yield from _wrapped(entry["says"]["text"], 2)
    if "conclusion" in entry:
        row = entry["conclusion"]
        yield from _wrapped(f"{row['symbol']}: {_SIDES[row['side']]}{_unit(row)}", 2)
        yield from _wrapped(row["meaning"], 6)


def _given(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        match row["kind"]:
            case "term":
                yield from _wrapped(f"{row['name']} = {row['text']}", 2)
            case "sequence":
                yield from _wrapped(f"{row['text']}: {row['words']}", 2)
            case _:
                yield from _wrapped(f"{row['name']}: {row['words']}", 2)


def _fact(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _wrapped(f"[{row['name']}] {row['text']}", 2)
    reasons = ", ".join(reason.replace("hypothesis:", "hypothesis ") for reason in row.get("because", ()))
    yield from _wrapped(row["words"] + (f" ({reasons})" if reasons else ""), 6)
    yield from _wrapped(row.get("combination", ""), 6)


def _step(row: Mapping[str, Any], indent: int) -> Iterator[str]:
    """A line of the proof with what belongs under it."""
    name, text, words = row.get("name", ""), row.get("text", ""), row.get("words", "")
    line = {
        "lemma": f"[{name}] {text}",
        "use": f"[{name}] may be used: {words}",
        "cases": f"cases by the sign of [{name}] = {text}",
        "case": f"if {text}",
        "induction": f"[{name}] by induction at every step: {text}",
        "base": f"at the start: {text}",
        "step": f"from one step to the next: {text}",
        "end": f"so at the last step: {text}",
    }.get(row["kind"], text)
    yield from _wrapped(line, indent)
    if row["kind"] == "roots":
        yield from _wrapped(words, indent + 4)
    yield from _wrapped(row.get("combination", ""), indent + 4)
    for inner in row.get("inside", ()):
        yield from _step(inner, indent + 2)


def _users(used: Mapping[str, list[str]]) -> Iterator[str]:
    yield from _wrapped(", ".join(used["theorems"]), 2)
    for name in used["code"]:
        yield f"  {name} (code)"


def _sibling(row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is not None:
        dropped = f" (without {', '.join(row['dropped'])})" if row.get("dropped") else ""
        yield from _wrapped(row["description"] + dropped, 2)
        yield from _wrapped(row.get("text", ""), 6)


def _unit(row: Mapping[str, str]) -> str:
    return "" if row["unit"] == "1" else f" [{row['unit']}]"


def _wrapped(text: str, indent: int = 0) -> list[str]:
    """Lines that fit the screen, the later ones indented a little more; nothing for no text."""
    first, rest = " " * indent, " " * (indent + 2 if indent else 0)
    return textwrap.wrap(
        text, width(), initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def cut(text: str, columns: int) -> str:
    """The beginning of the text, to the last whole word that fits.

    >>> cut("one two three", 10)
    'one two …'
    """
    if len(text) <= columns:
        return text
    return text[: columns - 1].rpartition(" ")[0].rstrip(" ,;:") + " …"


def shortened(text: str, columns: int) -> str:
    """The beginning of the text, to the last character that fits.

    >>> shortened("one two three", 10)
    'one two t…'
    """
    return text if len(text) <= columns else text[: columns - 1].rstrip(" ,") + "…"


def styled(lines: Iterable[tuple[str, str]]) -> Group:
    """Lines of a style and a text, none of them wrapped again."""
    from rich.console import Group
    from rich.text import Text

    return Group(*(Text(line, style=style, no_wrap=True, overflow="ignore") for style, line in lines))
