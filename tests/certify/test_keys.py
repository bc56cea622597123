"""Laws of keys and storage: a signature is for one message, a write is whole."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify import storage
from certify.errors import InputError
from certify.keys import PrivateKey, load_private, load_public, save_keys


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_signature_counts_for_its_key_and_message_only(message, other):
    key, stranger = PrivateKey.generate(), PrivateKey.generate()
    signature = key.sign(message)
    assert key.public.verifies(signature, message)
    assert not stranger.public.verifies(signature, message)
    assert key.public.verifies(signature, other) == (other == message)
    assert not key.public.verifies(signature[:-1], message)


def test_ed25519_agrees_with_the_first_test_vector_of_rfc_8032():
    key = PrivateKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.raw.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac")


def test_keys_are_stored_privately_and_read_back(tmp_path):
    key = PrivateKey.generate()
    private, public = save_keys(key, tmp_path / "signer")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert load_private(private) == key and load_public(public) == key.public == load_public(key)
    assert key.raw.hex() not in repr(key) and repr(key.raw) not in repr(key)
    with pytest.raises(InputError, match="never overwritten"):
        save_keys(key, tmp_path / "signer")


def test_confused_or_foreign_key_files_are_named(tmp_path):
    private, public = save_keys(PrivateKey.generate(), tmp_path / "signer")
    with pytest.raises(InputError, match=r"name the \.pub file"):
        load_public(private)
    with pytest.raises(InputError, match="not a certify private key"):
        load_private(public)
    (tmp_path / "foreign").write_bytes(os.urandom(80))
    with pytest.raises(InputError, match="not a certify public key"):
        load_public(tmp_path / "foreign")
    with pytest.raises(InputError, match="there is no public key"):
        load_public(tmp_path / "missing")


def test_an_interrupted_write_leaves_the_old_files_and_no_litter(tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    storage.write_file(first, b"old")
    storage.write_file(second, b"old")
    flush = os.fsync
    calls = []

    def failing(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        flush(handle)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(InputError, match="No space left"):
        storage.write_files({first: (b"new", 0o644), second: (b"new", 0o600)})
    assert first.read_bytes() == second.read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["first", "second"]


def test_the_folder_is_flushed_after_the_names_are_in_it(tmp_path, monkeypatch):
    seen = []

    def recording(handle):
        mode = os.fstat(handle).st_mode
        seen.append(
            ("folder" if stat.S_ISDIR(mode) else "file", sorted(entry.name for entry in tmp_path.iterdir() if entry.suffix == ""))
        )

    monkeypatch.setattr(os, "fsync", recording)
    storage.write_files({tmp_path / "first": (b"a", 0o644), tmp_path / "second": (b"b", 0o600)})
    assert [kind for kind, _ in seen] == ["file", "file", "folder"]
    assert seen[-1][1] == ["first", "second"] and seen[0][1] == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_cannot_flush_folders_is_no_error_and_a_broken_one_is(tmp_path, monkeypatch, number):
    def failing(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    if number == errno.EIO:
        with pytest.raises(InputError, match="cannot write"):
            storage.write_file(tmp_path / "file", b"new")
    else:
        storage.write_file(tmp_path / "file", b"new")
        assert (tmp_path / "file").read_bytes() == b"new"


def test_secret_files_are_secret_from_the_start(tmp_path):
    storage.make_folder(tmp_path / "secret", secret=True)
    storage.write_file(tmp_path / "secret" / "seed", b"s", mode=storage.SECRET_MODE)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secret" / "seed").stat().st_mode) == 0o600


def test_files_that_cannot_be_read_or_written_are_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="a folder where a thing"):
        storage.read_file(tmp_path, limit=9, what="thing")
    with pytest.raises(InputError, match="at most 0"):
        storage.read_file(tmp_path / "file", limit=0, what="thing")
    with pytest.raises(InputError, match=r"is a file where a folder|cannot create"):
        storage.make_folder(tmp_path / "file")
    with pytest.raises(InputError, match="cannot create the folder"):
        storage.make_folder(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="cannot write"):
        storage.write_file(tmp_path / "missing" / "file", b"")
