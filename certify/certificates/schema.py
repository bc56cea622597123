"""The wire format of a certificate: an in-toto Statement v1 whose predicate says everything that is claimed.

Models are frozen and strict and forbid unknown fields. Numbers are :class:`Number` s: exact text, and a
decimal for people that is never parsed but must match.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from .numbers import read_number, write_number

STATEMENT_TYPE: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Literal["urn:certify-unlearning:deletion:v1"] = "urn:certify-unlearning:deletion:v1"

Digest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+/-]{0,99}$")]
Words: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Count: TypeAlias = Annotated[int, Field(ge=0, lt=1 << 53)]
StatusLabel: TypeAlias = Literal["proved", "enclosed", "solver", "cited", "tested", "assumed"]


class Record(BaseModel):
    """Base of everything in a certificate."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel, populate_by_name=True)


class Number(Record):
    """An exact number: ``value`` counts, ``approx`` is for people."""

    value: Annotated[str, StringConstraints(max_length=5000)]
    approx: Annotated[str, StringConstraints(max_length=40)]

    @model_validator(mode="after")
    def _matches(self) -> Number:
        if write_number(self.exact)[1] != self.approx:
            raise ValueError(f"approx {self.approx!r} does not match {self.value[:40]}")
        return self

    @property
    def exact(self) -> Fraction:
        """The exact value."""
        return read_number(self.value)

    def __float__(self) -> float:
        return float(self.exact)


class Claim(Record):
    """The guarantee; its fields are those of :class:`certify.guarantee.Guarantee`."""

    notion: Name
    epsilon: Number
    delta: Number
    mu: Number | None
    direction: Literal["two-way", "one-way"]
    adjacency: Literal["remove", "replace"]
    unit: Words
    released: Words
    comparator: Literal["fixed", "retain-sensitivity", "matched"]


class CommittedSet(Record):
    """How many records, and the salted Merkle root over them."""

    count: Count
    root: Digest


class Request(Record):
    """What was forgotten and what was retained, and the place of this release in its sequence."""

    forgotten: CommittedSet
    retained: CommittedSet
    sequence: Annotated[int, Field(ge=1, lt=1 << 53)]
    previous: Digest | None


class Problem(Record):
    """The public description of the training problem."""

    kind: Name
    l2: Number
    intercept: bool
    columns: Count
    classes: list[Annotated[str, StringConstraints(max_length=200)]]
    parameters: Count


class Policy(Record):
    """The public numbers from which the noise scale was computed before the request."""

    distance_budget: Number
    budget_source: Literal["default", "caller"]
    chosen: Literal["fit", "request"]
    tolerance: Number
    row_bound: Number
    label_bound: Number


class Mechanism(Record):
    """How the release was made."""

    method: Literal["newton", "exact", "retrain"]
    theorem: Name
    noise: Literal["gaussian", "discrete-gaussian", "none"]
    sampler: Literal["ideal", "rounded-normal", "discrete", "none"]
    entropy: Literal["operating-system", "caller", "none"]
    sigma: Number | None
    grid: Number | None


class Input(Record):
    """Which node stands where a symbol of the theorem stands."""

    symbol: Name
    node: Name


class Node(Record):
    """One number of the derivation: a leaf, or the conclusion of a theorem at other nodes."""

    id: Name
    kind: Literal["declared", "measured", "enclosed", "derived"]
    side: Literal["upper", "lower", "exact"]
    number: Number
    meaning: Words
    theorem: Name | None
    digest: Digest | None
    inputs: list[Input]


class Premise(Record):
    """What has to be true besides the theorems, where it comes from and how well it is supported."""

    id: Name
    statement: Words
    provenance: Literal["declared", "measured", "computed"]
    status: StatusLabel


class Obligation(Record):
    """An inequality between numbers of this run that the verifier proves again: ``node`` is at most ``limit``."""

    id: Name
    theorem: Name
    node: Name
    limit: Number


class Lemma(Record):
    """One entry of the book on which the derivation rests. A foundation is a textbook fact: listed, not proved here."""

    id: Name
    kind: Literal["theorem", "identity", "enclosure", "foundation"]
    digest: Digest
    status: StatusLabel


class Book(Record):
    """The book of proofs that the producer used."""

    version: Words
    digest: Digest


class Weakest(Record):
    """The least supported entry of its kind."""

    id: Name
    status: StatusLabel


class Transcript(Record):
    """The guarantee for the whole sequence of releases so far: Gaussian (notion GDP-TRANSCRIPT), or zCDP once a release was discrete.

    Of ``mu`` and ``rho`` the one that counts is there and the other is not.
    """

    releases: Annotated[int, Field(ge=1, lt=1 << 53)]
    mu: Number | None
    rho: Number | None
    epsilon: Number
    delta: Number


class Predicate(Record):
    """Everything that a certificate says about the deletion."""

    guarantee: Claim
    transcript: Transcript
    request: Request
    problem: Problem
    mechanism: Mechanism
    policy: Policy
    derivation: list[Node]
    obligations: list[Obligation]
    premises: list[Premise]
    lemmas: list[Lemma]
    book: Book
    weakest_theorem: Weakest
    weakest_premise: Weakest
    exclusions: list[Words]
    provenance: dict[Name, Annotated[str, StringConstraints(max_length=1 << 20)]]
    environment: dict[Name, Words]
    content_digest: Digest


class SubjectDigest(Record):
    """The digest of the released file, and of what it holds whatever its layout."""

    sha256: Digest
    tensors: Digest


class Subject(Record):
    """The released model."""

    name: Literal["model.safetensors"]
    digest: SubjectDigest


class Statement(Record):
    """An in-toto Statement v1 with one subject."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: Annotated[list[Subject], Field(min_length=1, max_length=1)]
    predicate_type: Literal["urn:certify-unlearning:deletion:v1"]
    predicate: Predicate
