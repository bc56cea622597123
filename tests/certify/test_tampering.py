"""The law of tampering: change anything, anywhere, and the answer is never "holds" and never a traceback.

Two adversaries: one who changes the file only, and a forger who repairs every digest, re-encodes and signs
again. The forger is met with the data; what nobody can check then is listed in ``FREE`` below, and nothing else.
"""

from __future__ import annotations

import base64
import copy
import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify.certificates import Certificate, Malformed
from certify.certificates.canonical import canonical
from certify.certificates.certificate import seal
from certify.certificates.envelope import Envelope
from certify.certificates.tensors import read_parameters
from certify.fitting import fit
from certify.keys import PrivateKey
from certify.objectives import Logistic
from certify.unlearning import unlearn
from certify.verification import verify

COUNT = 40
FREE = {
    "environment",  # which versions the producer says it used
    "provenance",  # how a table is to be prepared: used to read one, and then the commitments decide
    "book",  # which edition of the book; the theorems used are compared one by one
}
"""Top-level fields of the predicate that a forger may change and still hold: they carry no part of the claim."""


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    rows = rng.uniform(-0.5, 0.5, (COUNT, 3))
    return rows, (rows[:, 0] > 0).astype(int)


@pytest.fixture(scope="module", params=["rounded-normal", pytest.param("discrete", marks=pytest.mark.slow)])
def run(data, request):
    first = unlearn(fit(Logistic(*data, l2=0.1)), [3, 17], epsilon=1, delta="1e-5", table={"label": "y"})
    return unlearn(first, [5], epsilon="0.5", delta="1e-6", table={"label": "y"}, sampler=request.param)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return run.save(tmp_path_factory.mktemp("runs") / "run", sign=PrivateKey.generate())


@pytest.fixture(scope="module")
def statement(run):
    return json.loads(run.certificate.envelope.payload)


def paths(value, prefix=()):
    """The path of every leaf and of every container."""
    yield prefix
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*prefix, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*prefix, index))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def replaced(value, path, new):
    made = copy.deepcopy(value)
    if not path:
        return new
    at(made, path[:-1])[path[-1]] = new
    return made


def dropped(value, path):
    made = copy.deepcopy(value)
    del at(made, path[:-1])[path[-1]]
    return made


def changes(old):
    """Other values for a leaf or container: some of another type, some of the same form."""
    match old:
        case bool():
            return [not old, None]
        case int():
            return [old + 1, old - 1, 0, str(old)]
        case None:
            return ["0" * 64, 0, {}]
        case str():
            found = [old + "x", old[:-1], "", 1, None]
            if len(old) == 64 and all(character in "0123456789abcdef" for character in old):
                found.append(old[:-1] + ("0" if old[-1] != "0" else "1"))
            return found
        case list():
            return [[], old[:-1], [*old, *old[-1:]], old[::-1], {}]
        case _:
            return [{}, {**old, "surplus": 1}, [old]]


def number_changes(old):
    """Another number in proper form, for a number node."""
    if not (isinstance(old, dict) and set(old) == {"value", "approx"}):
        return []
    from certify.certificates.numbers import read_number, write_number

    exact = read_number(old["value"])
    others = {exact * 2, exact / 2, exact + 1, exact * (1 + 2**-20)} - {exact}
    return [dict(zip(("value", "approx"), write_number(float(other)), strict=True)) for other in others]


def envelope_of(statement) -> Certificate:
    return Certificate(Envelope(canonical(statement)))


def assert_refused(verdict):
    assert not verdict.holds, str(verdict)
    assert verdict.exit_code in (1, 2), str(verdict)
    assert verdict.failed, "a refusal names its check"


def test_the_untouched_folder_holds(folder, data):
    assert verify(folder, data=data).exit_code == 0


def test_changing_any_leaf_or_container_is_refused(statement):
    tried = 0
    for path in paths(statement):
        old = at(statement, path)
        for new in [*changes(old), *number_changes(old)]:
            if new == old and type(new) is type(old):
                continue
            assert_refused(verify(envelope_of(replaced(statement, path, new))))
            tried += 1
    assert tried > 1000


def test_dropping_any_field_or_item_is_refused(statement):
    for path in paths(statement):
        if path:
            assert_refused(verify(envelope_of(dropped(statement, path))))


def test_duplicating_any_field_is_refused(statement):
    text = canonical(statement).decode()
    for path in paths(statement):
        if path and isinstance(path[-1], str):
            twice = json.dumps({path[-1]: at(statement, path)}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)[1:-1]
            found = text.find(twice)
            if found < 0:
                continue
            doubled = f"{text[:found]}{twice},{text[found:]}"
            assert_refused(verify(Certificate(Envelope(doubled.encode()))))


def reforged(statement) -> Certificate | None:
    """What a forger makes of a changed statement: digest repaired, signed again. None if it has no form at all."""
    try:
        return seal(statement).signed(PrivateKey.generate())
    except (Malformed, KeyError, TypeError, ValueError, AttributeError):
        return None


def test_a_forger_who_repairs_every_digest_is_refused_with_the_data(statement, folder, data, tmp_path):
    copied = tmp_path / "forged"
    shutil.copytree(folder, copied)
    survivors, tried = set(), 0
    for path in paths(statement):
        if path[:1] == ("predicate",) and len(path) > 1 and path[1] == "contentDigest":
            continue
        old = at(statement, path)
        for new in [*changes(old), *number_changes(old)]:
            if new == old and type(new) is type(old):
                continue
            forged = reforged(replaced(statement, path, new))
            if forged is None:
                continue
            if forged.statement.model_dump(mode="json", by_alias=True) == statement:
                continue
            tried += 1
            alone = verify(forged)
            if not alone.holds:  # refused already without the data, so with them as well
                assert_refused(alone)
                continue
            (copied / "certificate.json").write_bytes(forged.to_json())
            verdict = verify(copied, data=data)
            if verdict.exit_code == 0:
                survivors.add(path[1])
            else:
                assert_refused(verdict)
    assert tried > 200
    assert survivors <= FREE, survivors


def test_numbers_of_a_forger_are_recomputed_from_the_certificate_alone(statement):
    """No data is needed to refuse a changed number of the claim, of the noise or of the derivation."""
    for path in paths(statement):
        for new in number_changes(at(statement, path)):
            forged = reforged(replaced(statement, path, new))
            if forged is not None:
                assert_refused(verify(forged))


@settings(max_examples=150)
@given(st.data())
def test_truncated_and_flipped_files_are_refused(folder, tmp_path_factory, data):
    content = (folder / "certificate.json").read_bytes()
    place = tmp_path_factory.mktemp("damaged") / "certificate.json"
    if data.draw(st.booleans()):
        place.write_bytes(content[: data.draw(st.integers(0, len(content) - 2))])
    else:
        position = data.draw(st.integers(0, len(content) - 2))
        byte = data.draw(st.integers(0, 255))
        place.write_bytes(content[:position] + bytes([byte]) + content[position + 1 :])
        if json_equal(place.read_bytes(), content):
            return
    assert_refused(verify(place))


def json_equal(left, right):
    """Whether a change left the meaning alone (a blank for a blank, a letter of a key id or signature, which counts only with a key)."""
    try:
        first, second = json.loads(left), json.loads(right)
        return (
            first["payload"] == second["payload"]
            and first["payloadType"] == second["payloadType"]
            and len(first) == 3
            and all(set(item) == {"keyid", "sig"} for item in first["signatures"])
        )
    except Exception:
        return False


def test_truncating_the_payload_itself_is_refused(run):
    payload = run.certificate.envelope.payload
    for length in range(0, len(payload), max(1, len(payload) // 100)):
        assert_refused(verify(Certificate(Envelope(payload[:length]))))


def test_swapped_certificates_models_and_data_are_refused(run, folder, data, tmp_path):
    other = unlearn(fit(Logistic(*data, l2=0.1)), [3, 17], epsilon=1, delta="1e-5").save(tmp_path / "other")
    for name, check in (("certificate.json", "artefacts.model"), ("model.safetensors", "artefacts.model")):
        swapped = tmp_path / f"swapped-{name}"
        shutil.copytree(folder, swapped)
        shutil.copy(other / name, swapped / name)
        verdict = verify(swapped, data=data)
        assert_refused(verdict)
        assert check in {item.id for item in verdict.failed}
    with_other_witness = verify(folder, data=data, witness=other / "secret")
    assert_refused(with_other_witness)
    rows, labels = data
    assert_refused(verify(folder, data=(rows + 1e-9, labels)))


def test_every_damage_to_the_model_file_is_refused(folder, tmp_path):
    content = (folder / "model.safetensors").read_bytes()
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    for position in range(len(content)):
        (copied / "model.safetensors").write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert_refused(verify(copied))
    for length in range(0, len(content), 7):
        (copied / "model.safetensors").write_bytes(content[:length])
        assert_refused(verify(copied))


def test_every_damage_to_the_witness_is_no_yes(run, folder, data, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    for place in (copied / "secret").iterdir():
        content = place.read_bytes()
        for position in range(0, len(content), 11):
            place.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
            verdict = verify(copied, data=data)
            if verdict.exit_code == 0 and place.name == "noiseless.safetensors":
                # un-noised parameters so near that the same bits of noise round to the same release are as good a witness
                moved = np.abs(read_parameters(place.read_bytes()) - read_parameters(content)).max()
                assert moved < float(run.certificate.predicate.mechanism.grid)
            elif verdict.exit_code == 0:  # what the witness says of the producer's own measurements is not believed or used
                assert place.name == "witness.json"
                text = json.loads(place.read_bytes())
                kept = json.loads(content)
                assert (text["master"], text["seed"]) == (kept["master"], kept["seed"])
        place.write_bytes(content)


def test_a_stripped_or_foreign_signature_is_seen_when_a_key_is_given(run, folder):
    key = PrivateKey.generate()
    signed = run.certificate.signed(key)
    assert verify(signed, key=key.public).holds
    assert_refused(verify(Certificate(Envelope(signed.envelope.payload)), key=key.public))
    outer = json.loads(signed.to_json())
    signature = bytearray(base64.b64decode(outer["signatures"][0]["sig"]))
    signature[5] ^= 1
    outer["signatures"][0]["sig"] = base64.b64encode(bytes(signature)).decode()
    place = folder.parent / "resigned.json"
    place.write_text(json.dumps(outer))
    assert_refused(verify(place, key=key.public))
