"""Laws of the wire format: one spelling, exact numbers, nothing hidden, and no secret in what is public."""

from __future__ import annotations

import base64
import contextlib
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.certificates import Certificate, Malformed, NotACertificate, read_envelope
from certify.certificates.canonical import NotCanonical, canonical, parse
from certify.certificates.certificate import content_digest, read_statement, seal
from certify.certificates.envelope import Envelope, pre_authentication
from certify.certificates.numbers import read_number, write_number
from certify.certificates.tensors import NotTensors, read_parameters, tensors_digest, write_tensors
from certify.fitting import fit
from certify.keys import PrivateKey
from certify.objectives import Logistic
from certify.unlearning import unlearn

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(0)
    rows = rng.uniform(-0.5, 0.5, (40, 3))
    return unlearn(fit(Logistic(rows, rows[:, 0] > 0, l2=0.1)), [3, 17], epsilon=1, delta="1e-5")


@given(plain)
def test_canonical_text_is_read_back_and_is_its_own_canonical_form(value):
    text = canonical(value)
    assert parse(text) == value and canonical(parse(text)) == text
    assert json.loads(text) == value  # an independent reader agrees


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":[{"c":1,"c":2}]}}', "twice"),
        (b"[NaN]", "no integer"),
        (b"[-Infinity]", "no integer"),
        (b"[1.0]", "no integer"),
        (b"[1e3]", "no integer"),
        (b"[9007199254740992]", "2\\*\\*53"),
        (b"[1" + b"0" * 5000 + b"]", "2\\*\\*53"),
        (b"[" * 40 + b"]" * 40, "deeply"),
        (b"[" * 100_000, "deeply"),
        (b'"\\ud800"', "surrogate"),
        (b"\xff", "UTF-8"),
        (b"", "not JSON"),
        (b"[1] x", "not JSON"),
        (b" " * (5 << 20), "more than"),
    ],
)
def test_json_that_could_hide_something_is_refused(text, words):
    with pytest.raises(NotCanonical, match=words):
        parse(text)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_arbitrary_bytes_are_read_or_refused_in_words(content):
    with contextlib.suppress(NotCanonical):
        parse(content)
    with pytest.raises(NotACertificate):
        read_envelope(content)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.fractions())
def test_numbers_are_exact(number):
    exact, approximate = write_number(number)
    assert read_number(exact) == Fraction(number)
    assert float(approximate) == float(number)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "0.1",
        "inf",
        "nan",
        "0x1p0",
        "0x1.0P+0",
        "2/4",
        "1/2",
        "01/3",
        "1/0",
        "-0/3",
        "--1/3",
        "0x1.0p+9999",
        " 1/3",
        "1/3 ",
        "0x0.8p+0",
    ],
)
def test_a_number_has_one_spelling(text):
    if text == "1/2":  # a double has the hexadecimal spelling only
        assert write_number(0.5)[0] != text
    with pytest.raises(ValueError, match=r"neither|canonical|beyond"):
        read_number(text)


def test_the_envelope_is_dsse():
    assert pre_authentication(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"
    key = PrivateKey.generate()
    envelope = read_envelope(Envelope(b"hello").signed(key).to_json())
    assert envelope.signed_by(key.public) and not envelope.signed_by(PrivateKey.generate().public)
    outer = json.loads(envelope.to_json())
    assert set(outer) == {"payloadType", "payload", "signatures"}
    assert key.public.verifies(
        base64.b64decode(outer["signatures"][0]["sig"]), pre_authentication(base64.b64decode(outer["payload"]))
    )


@pytest.mark.parametrize(
    "change",
    [
        {"payloadType": "text/plain"},
        {"payload": "e30"},
        {"payload": "e31="},
        {"payload": 3},
        {"signatures": {}},
        {"signatures": [{"keyid": "k"}]},
        {"signatures": [{"keyid": 1, "sig": ""}]},
        {"further": 1},
    ],
)
def test_an_envelope_of_another_form_is_refused(change):
    outer = json.loads(Envelope(b"{}").to_json()) | change
    with pytest.raises(NotACertificate):
        read_envelope(json.dumps(outer).encode())


def test_a_certificate_survives_its_file_and_signing_changes_no_word(run):
    certificate = run.certificate
    again = Certificate(read_envelope(certificate.to_json()))
    assert again == certificate and again.statement == certificate.statement
    signed = certificate.signed(PrivateKey.generate())
    assert signed.envelope.payload == certificate.envelope.payload
    assert run.certificate is certificate  # built once


def test_the_statement_is_in_toto_with_the_model_as_its_subject(run):
    statement = json.loads(run.certificate.envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
    assert [subject["name"] for subject in statement["subject"]] == ["model.safetensors"]


def test_the_content_digest_is_over_everything_but_itself(run):
    statement = parse(run.certificate.envelope.payload)
    assert content_digest(statement) == run.certificate.digest
    statement["predicate"]["contentDigest"] = "0" * 64
    assert content_digest(statement) == run.certificate.digest
    assert seal(statement).digest == run.certificate.digest


def test_nothing_secret_is_in_the_certificate(run):
    """No un-noised number, seed, salt, id, measured bound or count of the work done: DESIGN, 'What may be public'."""
    text = run.certificate.envelope.payload.decode()
    names = set()

    def walk(value):
        if isinstance(value, dict):
            names.update(value)
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(json.loads(text))
    assert not names & {"residual", "distance", "iterations", "passes", "seed", "master", "forget", "ids", "noiseless"}
    secrets = [run.seed.hex(), run.fitted.commitments.master.hex(), tensors_digest({"parameters": run.noiseless})]
    secrets += [
        number.hex()
        for number in (run.distance.value, run.residual.value, *run.noiseless.tolist(), *run.fitted.parameters.tolist())
    ]
    secrets += [repr(number) for number in (run.distance.value, run.residual.value)]
    assert not [secret for secret in secrets if secret in text]


def test_the_same_request_certifies_the_same_whatever_the_deleted_rows_were(run):
    """Two worlds with the same retained rows: every public field but commitments and model agrees."""

    def public(flip):
        rng = np.random.default_rng(0)
        rows = rng.uniform(-0.5, 0.5, (40, 3))
        rows[[3, 17]] *= -3 if flip else 1
        made = unlearn(fit(Logistic(rows, np.where(np.arange(40) < 20, 0, 1), l2=0.1)), [3, 17], epsilon=1, delta="1e-5")
        found = json.loads(made.certificate.envelope.payload)
        for committed in ("forgotten", "retained"):
            found["predicate"]["request"][committed].pop("root")
        found["predicate"].pop("contentDigest")
        found.pop("subject")
        return found

    assert public(flip=False) == public(flip=True)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("predicate", "guarantee", "epsilon", "approx"), "0.5", "approx"),
        (("predicate", "guarantee", "epsilon", "value"), "1.0", "hexadecimal"),
        (("predicate", "surplus"), 1, "surplus"),
        (("predicate", "request", "sequence"), True, "sequence"),
        (("predicate", "request", "sequence"), "1", "sequence"),
        (("predicate", "lemmas"), {}, "lemmas"),
        (("predicateType",), "urn:other", "predicateType"),
    ],
)
def test_a_payload_of_another_form_is_refused_by_place(run, path, value, words):
    statement = json.loads(run.certificate.envelope.payload)
    place = statement
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Malformed, match=words) as caught:
        read_statement(canonical(statement))
    assert "\n" not in str(caught.value)


def test_a_payload_in_another_spelling_is_refused(run):
    spaced = json.dumps(json.loads(run.certificate.envelope.payload), indent=1).encode()
    with pytest.raises(Malformed, match="canonical"):
        read_statement(spaced)


def test_model_files_are_read_back_and_foreign_ones_refused():
    parameters = np.array([1.0, math.pi])
    content = write_tensors({"parameters": parameters})
    assert np.array_equal(read_parameters(content), parameters)
    assert tensors_digest({"parameters": parameters}) != tensors_digest({"parameters": parameters[::-1]})
    for damaged in (
        b"",
        content[:-1],
        content[:20],
        b"\xff" * 100,
        content.replace(b"F64", b"F32"),
        content.replace(b"parameters", b"parameterz"),
    ):
        with pytest.raises(NotTensors):
            read_parameters(damaged)
    for foreign in (
        {"parameters": parameters.astype(np.float32)},
        {"parameters": parameters.reshape(1, 2)},
        {"weights": parameters},
    ):
        with pytest.raises(NotTensors):
            read_parameters(write_tensors(foreign))


def test_the_tables_of_a_certificate_show_the_claim_and_what_it_does_not_say(run):
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=120)
    console.print(run.certificate)
    shown = console.file.getvalue()
    assert "SEKHARI" in shown and "sampler.seed" in shown and "What it does not say" in shown and "post-deletion only" in shown
    assert "epsilon = 1.0" in str(run.certificate)
