"""A certificate for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certify.guarantee import Notion
from certify.printing import printable
from certify.proofs.status import Status

from .terms import IDEAL

if TYPE_CHECKING:
    from rich.console import Group

    from .certificate import Certificate


def rows_of(certificate: Certificate) -> list[tuple[str, str]]:
    """What is claimed, as (label, text) pairs."""
    claim, transcript = certificate.predicate.guarantee, certificate.predicate.transcript
    request, policy, problem = certificate.predicate.request, certificate.predicate.policy, certificate.predicate.problem
    mechanism = certificate.predicate.mechanism
    law = "discrete Gaussian" if mechanism.noise == "discrete-gaussian" else "Gaussian"
    noise = f"{law}, sigma = {mechanism.sigma.approx}, sampler {mechanism.sampler}" if mechanism.sigma else "none"
    rows = [
        ("claim", f"epsilon = {claim.epsilon.approx}, delta = {claim.delta.approx} ({claim.notion}, {claim.direction})"),
        ("means", next((notion.compares for notion in Notion if notion.value == claim.notion), claim.notion)),
        ("about", f"{claim.adjacency} one {claim.unit}; released: {claim.released}; comparator: {claim.comparator} noise"),
        ("forgotten", f"{request.forgotten.count} records, commitment {request.forgotten.root[:16]}…"),
        ("retained", f"{request.retained.count} records, commitment {request.retained.root[:16]}…"),
        ("problem", f"{problem.kind}, l2 = {problem.l2.approx}, {problem.parameters} parameters"),
        ("method", f"{mechanism.method}; noise: {noise}"),
    ]
    if mechanism.sampler == "ideal":
        rows.append(("only declared", IDEAL))
    if mechanism.sigma:
        rows.append(
            (
                "distance budget",
                f"{policy.distance_budget.approx} ({policy.budget_source}), comparator tolerance {policy.tolerance.approx}",
            )
        )
    place = f"release {request.sequence}"
    if request.sequence > 1:
        place += f" of a sequence; whole transcript: epsilon = {transcript.epsilon.approx} at delta = {transcript.delta.approx}"
    rows.append(("sequence", place))
    rows.append(("model", certificate.statement.subject[0].digest.sha256[:16] + "…"))
    signers = [signature.keyid for signature in certificate.envelope.signatures]
    rows.append(("signed", ", ".join(signer[:24] + "…" for signer in signers) if signers else "no"))
    return [(label, printable(text)) for label, text in rows]


def certificate_tables(certificate: Certificate) -> Group:
    """Rich tables: the claim, the derivation, the premises, what is not said."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    predicate = certificate.predicate
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_column(style="bold", no_wrap=True)
    head.add_column(overflow="fold")
    for label, text in rows_of(certificate):
        head.add_row(label, Text(text))
    steps = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("number", "value", "from"):
        steps.add_column(title, overflow="fold")
    mark = {"upper": "≤", "lower": "≥", "exact": "="}
    for node in predicate.derivation:
        origin = node.meaning if node.theorem is None else f"{node.theorem}({', '.join(item.node for item in node.inputs)})"
        steps.add_row(node.id, f"{mark[node.side]} {node.number.approx}", Text(printable(origin)))
    premises = Table(box=None, show_header=False, pad_edge=False)
    for premise in predicate.premises:
        premises.add_row(Status.parse(premise.status).glyph, premise.id, Text(printable(premise.statement)))
    silent = Table(box=None, show_header=False, pad_edge=False)
    for exclusion in predicate.exclusions:
        silent.add_row("–", Text(printable(exclusion)))
    parts = (("Certificate", head), ("Derivation", steps), ("Premises", premises), ("What it does not say", silent))
    return Group(*(item for title, table in parts for item in (Text(f"\n{title}", style="bold underline"), table)))


def as_text(certificate: Certificate) -> str:
    """The claim as plain lines."""
    return "\n".join(f"{label:<16}{text}" for label, text in rows_of(certificate))
