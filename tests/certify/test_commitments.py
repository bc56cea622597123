"""Laws of commitments: an independent tree gives the same root, and any change of a record changes it."""

from __future__ import annotations

import hashlib
import hmac
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from certify.commitments import commit
from certify.errors import InputError

MASTER = bytes(range(32))


def oracle_root(rows, labels, ids, master):
    """RFC 6962, section 2.1, written recursively and one record at a time."""

    def leaf(row, label, name):
        name = struct.pack("<q", name)
        salt = hmac.new(master, name, hashlib.sha256).digest()
        return hashlib.sha256(b"\0" + salt + name + struct.pack(f"<{len(row)}d", *row) + struct.pack("<d", label)).digest()

    def tree(leaves):
        if not leaves:
            return hashlib.sha256(b"").digest()
        if len(leaves) == 1:
            return leaves[0]
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        return hashlib.sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:])).digest()

    order = sorted(range(len(ids)), key=lambda index: ids[index])
    return tree([leaf(rows[i], labels[i], ids[i]) for i in order]).hex()


@given(st.integers(0, 40), st.integers(1, 5), st.randoms(use_true_random=False))
def test_roots_agree_with_the_tree_written_out(count, width, random):
    rows = [[random.uniform(-9, 9) for _ in range(width)] for _ in range(count)]
    labels = [random.choice([0.0, 1.0, 2.5]) for _ in range(count)]
    ids = random.sample(range(1000), count)
    features = np.array(rows).reshape(count, width)
    assert commit(features, np.array(labels), ids, MASTER).root() == oracle_root(rows, labels, ids, MASTER)


@given(st.integers(2, 30), st.data())
def test_taking_records_out_is_committing_to_the_rest(count, data):
    rng = np.random.default_rng(count)
    rows, labels = rng.normal(size=(count, 3)), rng.normal(size=count)
    removed = data.draw(st.lists(st.integers(0, count - 1), unique=True, max_size=count - 1))
    kept = [index for index in range(count) if index not in removed]
    whole = commit(rows, labels, master=MASTER)
    assert whole.without(removed).root() == commit(rows[kept], labels[kept], kept, MASTER).root() == whole.root(kept)
    assert whole.without(removed).root(removed) == whole.root(removed)
    assert whole.without(removed).count == len(kept)


def test_every_part_of_a_record_and_the_salt_matter():
    rows, labels = np.arange(12.0).reshape(4, 3), np.array([0.0, 1.0, 0.0, 1.0])
    root = commit(rows, labels, master=MASTER).root()
    changed = rows.copy()
    changed[2, 1] = np.nextafter(changed[2, 1], 9)
    other = labels.copy()
    other[0] = 1
    assert root != commit(changed, labels, master=MASTER).root()
    assert root != commit(rows, other, master=MASTER).root()
    assert root != commit(rows, labels, [0, 1, 2, 4], MASTER).root()
    assert root != commit(rows, labels, master=bytes(32)).root()
    assert commit(rows, labels).root() != commit(rows, labels).root()  # a fresh salt each time


def test_the_container_does_not_matter_only_the_numbers_do():
    rows, labels = np.float32([[0.1, 2.5], [-3.0, 0.7]]), np.array([1, 0])
    roots = {
        commit(rows, labels, master=MASTER).root(),
        commit(rows.astype(np.float64), labels.astype(float), master=MASTER).root(),
        commit(torch.from_numpy(rows), torch.from_numpy(labels), master=MASTER).root(),
        commit(np.asfortranarray(rows), labels, master=MASTER).root(),
    }
    assert len(roots) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.eye(2), np.zeros(3)), "rows"),
        ((np.eye(2), np.zeros(2), [1, 1]), "repeat"),
        ((np.eye(2), np.zeros(2), [1]), "one id for each"),
        ((np.eye(2), np.array(["a", "b"])), "encode text"),
        ((np.eye(2), np.zeros(2), None, b"short"), "32 bytes"),
    ],
)
def test_what_cannot_be_committed_to_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        commit(*arguments)


def test_unknown_and_repeated_ids_are_refused():
    made = commit(np.eye(3), np.zeros(3))
    for ids, words in (([7], "no record has the id 7"), ([1, 1], "repeat")):
        with pytest.raises(InputError, match=words):
            made.root(ids)
        with pytest.raises(InputError, match=words):
            made.without(ids)


def test_printing_commitments_shows_no_salt():
    made = commit(np.eye(3), np.zeros(3), master=MASTER)
    assert MASTER.hex() not in repr(made) and repr(MASTER) not in repr(made) and "leaves" not in repr(made)
