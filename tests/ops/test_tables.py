"""Lookup tables: what they hold, against a dictionary; errors that help; files; both forms of the ops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.ops.constant import constant
from evergraph.ops.string_hashes import fingerprint64, murmur64, siphash
from evergraph.ops.table_dense import DenseTable
from evergraph.ops.table_lookups import (
    InitializeTableFromTextFileV2,
    InitializeTableV2,
    LookupTableExportV2,
    LookupTableFind,
    LookupTableFindV2,
    LookupTableInsert,
    LookupTableInsertV2,
    LookupTableSize,
    LookupTableSizeV2,
)
from evergraph.ops.table_order import KeyOrder
from evergraph.ops.table_state import LookupTable, MutableTable
from evergraph.ops.tables import (
    AnonymousMutableHashTable,
    HashTable,
    HashTableV2,
    MutableDenseHashTable,
    MutableHashTable,
    MutableHashTableV2,
)
from evergraph.runtime.session import Session

INT64, STRING, FLOAT = dtypes.int64, dtypes.string, dtypes.float32


@pytest.fixture
def session() -> Iterator[Any]:
    with Graph().as_default(), Session() as opened:
        yield opened


# ------------------------------------------------------------------------------------- what is held

steps = st.lists(st.tuples(st.booleans(), st.lists(st.integers(-30, 30), max_size=40)), max_size=12)


def mutable(kind: Any) -> MutableTable:
    return MutableTable("t", kind, INT64)


def dense(kind: Any) -> DenseTable:
    ends = (1000, 1001) if kind == INT64 else (b"", b"$")
    return DenseTable("t", kind, INT64, (), *ends, buckets=4, max_load_factor=0.8)


@pytest.mark.parametrize("make", [mutable, dense])
@pytest.mark.parametrize("kind", [INT64, STRING])
@settings(deadline=None)
@given(history=steps)
def test_a_table_is_a_dictionary(make: Any, kind: Any, history: list[Any]) -> None:
    table, wanted = make(kind), {}
    for number, (inserts, given_keys) in enumerate(history):
        keys = [key if kind == INT64 else b"%d" % key for key in given_keys]
        array = np.array(keys, kind.as_numpy_dtype)
        if inserts:
            values = np.arange(len(keys)) + 100 * number
            table.insert(array, values)
            wanted.update(zip(keys, values.tolist(), strict=True))
        else:
            table.remove(array)
            for key in keys:
                wanted.pop(key, None)
        check_contents(table, wanted)
    copy = make(kind)
    copy.import_(*table.export())
    check_contents(copy, wanted)


def check_contents(table: LookupTable, wanted: dict[Any, int]) -> None:
    assert len(table) == len(wanted)
    if wanted:
        keys = np.array(list(wanted), table.key_dtype.as_numpy_dtype)
        np.testing.assert_array_equal(table.find(keys, -1), list(wanted.values()))
    keys, values = table.export()
    pairs = list(zip(keys.ravel().tolist(), values.ravel().tolist(), strict=True))
    if isinstance(table, DenseTable):
        pairs = [pair for pair in pairs if pair[0] not in (1000, 1001, b"", b"$")]
    assert len(pairs) == len(wanted)
    assert dict(pairs) == wanted


@settings(deadline=None)
@given(batches=st.lists(st.integers(1, 60), max_size=8))
def test_order_does_not_depend_on_batches(batches: list[int]) -> None:
    """Keys that come one at a time, or many at once, end in the same order."""
    slowly, at_once = KeyOrder(), KeyOrder()
    for number, key in enumerate(range(0, 7 * sum(batches), 7)):
        slowly.add(key)
        at_once.add(key)
        if number in batches:
            slowly.keys()
    assert slowly.keys() == at_once.keys()


def test_order_with_few_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is never listed does not keep all that was ever done to it."""
    from evergraph.ops import table_order

    plain, bounded = KeyOrder(), KeyOrder()
    for order, most in ((plain, 1 << 20), (bounded, 7)):
        monkeypatch.setattr(table_order, "_MOST_NOTED", most)
        for key in range(100):
            order.add(key)
            if key % 3 == 2:
                order.remove(key - 1)
    assert len(bounded._noted) < 7
    assert bounded.keys() == plain.keys()


def test_order_is_that_of_the_library() -> None:
    """What a std::unordered_map of GNU's library lists, worked out by hand: 13 buckets, 1, 14 and 27 in one."""
    order = KeyOrder()
    for key in (1, 2, 3, 100, 14, 27, -1, -5):
        order.add(key)
    assert order.keys() == [-5, 100, 3, -1, 2, 27, 14, 1]


def test_a_table_of_vectors_and_of_keys_that_are() -> None:
    table = DenseTable("t", INT64, FLOAT, (2,), [0, 0], [-1, -1], 4, 0.8)
    table.insert([[1, 2], [3, 4]], [[1, 2], [3, 4]])
    assert table.find([[3, 4], [4, 3]], [0, 9]).tolist() == [[3, 4], [0, 9]]
    assert table.find(np.empty((0, 2), np.int64), [0, 9]).shape == (0, 2)
    table.remove([[1, 2]])
    assert len(table) == 1


def test_zeros_at_the_end_of_a_string_count(session: Any) -> None:
    words = np.array([b"a", b"a\0", b"a\0\0", b""], object)
    for table in (mutable(STRING), DenseTable("t", STRING, INT64, (), b"\0", b"$", 4, 0.8)):
        table.insert(words, [1, 2, 3, 4])
        assert table.find(words, -1).tolist() == [1, 2, 3, 4]
        assert set(words) <= set(table.export()[0].ravel())
        table.remove(np.array([b"a\0"], object))
        assert table.find(words, -1).tolist() == [1, -1, 3, 4]


def test_twice_in_a_file_counts_where_it_is_found() -> None:
    """Stock TensorFlow can leave a key in two buckets; it then finds the first of them."""
    table = DenseTable("t", INT64, INT64, (), 0, -1, 8, 0.8)
    table.import_([[0], [1], [17], [0], [17], [0], [0], [0]], np.arange(8)[:, None])
    assert table.find([17, 1], -1).tolist() == [2, 1]


@pytest.mark.parametrize("keys", [[[1]], [[1]] * 6, [1, 2, 3, 4], [[1, 2]] * 4])
def test_buckets_that_are_none(keys: list[Any]) -> None:
    table = DenseTable("t", INT64, INT64, (), 0, -1, 8, 0.8)
    with pytest.raises(errors.InvalidArgumentError, match="power of 2"):
        table.import_(keys, np.ones((len(keys), 1)))
    assert len(table) == 0


# ------------------------------------------------------------------------------------------- errors


def static(session: Any) -> Any:
    handle = HashTableV2(key_dtype=STRING, value_dtype=INT64, shared_name="words")
    fill = InitializeTableV2(handle, ["a", "b"], constant([1, 2], INT64))
    return handle, fill


def test_not_initialized(session: Any) -> None:
    handle, fill = static(session)
    found = LookupTableFindV2(handle, ["b", "z"], constant(-1, INT64))
    assert session.run(LookupTableSizeV2(handle)) == 0
    with pytest.raises(
        errors.FailedPreconditionError, match=r"'HashTableV2'.*tf\.tables_initializer\(\)"
    ):
        session.run(found)
    with pytest.raises(errors.AbortedError, match="not initialized"):
        session.run(LookupTableExportV2(handle, Tkeys=STRING, Tvalues=INT64))
    session.run(fill)
    session.run(fill)
    assert session.run(found).tolist() == [2, -1]
    with pytest.raises(errors.FailedPreconditionError, match="has 2 entries"):
        session.run(InitializeTableV2(handle, ["c"], constant([1], INT64)))


def test_what_a_static_table_refuses(session: Any) -> None:
    handle, fill = static(session)
    session.run(fill)
    with pytest.raises(errors.UnimplementedError, match="MutableHashTable"):
        session.run(LookupTableInsertV2(handle, ["c"], constant([1], INT64)))
    twice = HashTableV2(key_dtype=STRING, value_dtype=INT64)
    with pytest.raises(errors.FailedPreconditionError, match=r"Key a has 1 and .* value 2"):
        session.run(InitializeTableV2(twice, ["a", "a"], constant([1, 2], INT64)))
    with pytest.raises(errors.InvalidArgumentError, match=r"int64->int64 with string->int64"):
        session.run(LookupTableFindV2(handle, constant([1], INT64), constant(-1, INT64)))
    other = HashTableV2(key_dtype=INT64, value_dtype=INT64, shared_name="words")
    with pytest.raises(errors.InvalidArgumentError, match="Conflicting key/value dtypes"):
        session.run(LookupTableSizeV2(other))
    with pytest.raises(errors.InvalidArgumentError, match=r"There are: .*string->int64"):
        session.run(LookupTableSizeV2(MutableHashTableV2(key_dtype=FLOAT, value_dtype=INT64)))


def test_tables_are_shared_by_name_and_live_as_long_as_the_session() -> None:
    with Graph().as_default():
        one, other = (
            MutableHashTableV2(key_dtype=INT64, value_dtype=INT64, shared_name="s") for _ in "ab"
        )
        insert = LookupTableInsertV2(one, constant([1], INT64), constant([2], INT64))
        size = LookupTableSizeV2(other)
        with Session() as first, Session() as second:
            first.run(insert)
            assert first.run(size) == 1
            assert second.run(size) == 0


def test_an_anonymous_table_is_a_new_one_in_every_run(session: Any) -> None:
    handle = AnonymousMutableHashTable(key_dtype=INT64, value_dtype=INT64)
    insert = LookupTableInsertV2(handle, constant([1], INT64), constant([2], INT64))
    session.run(insert)
    assert session.run(LookupTableSizeV2(handle)) == 0


def test_the_first_form(session: Any) -> None:
    handle = MutableHashTable(key_dtype=STRING, value_dtype=INT64, name="old")
    session.run(LookupTableInsert(handle, ["a", "b"], constant([1, 2], INT64)))
    found = LookupTableFind(handle, ["b", "z"], constant(-1, INT64))
    assert session.run(found).tolist() == [2, -1]
    assert session.run(LookupTableSize(handle)) == 2
    assert session.run(handle).tolist() == [b"localhost", b"old"]
    # TensorFlow 2.15 cannot run this one any more.
    bare = MutableDenseHashTable(constant(0, INT64), value_dtype=INT64, initial_num_buckets=4)
    session.run(LookupTableInsert(bare, constant([5], INT64), constant([6], INT64)))
    assert session.run(LookupTableSize(bare)) == 1
    unfilled = HashTable(key_dtype=STRING, value_dtype=INT64)
    with pytest.raises(errors.FailedPreconditionError, match="not initialized"):
        session.run(LookupTableFind(unfilled, ["a"], constant(-1, INT64)))


# ------------------------------------------------------------------------------------------- files


def from_file(session: Any, path: Path, **attrs: Any) -> dict[Any, Any]:
    types = {"key_dtype": STRING, "value_dtype": INT64, "key_index": -2, "value_index": -1} | attrs
    kinds = {key: types.pop(key) for key in ("key_dtype", "value_dtype")}
    handle = HashTableV2(**kinds)
    session.run(InitializeTableFromTextFileV2(handle, str(path), **types))
    keys, values = session.run(
        LookupTableExportV2(handle, Tkeys=kinds["key_dtype"], Tvalues=kinds["value_dtype"])
    )
    return dict(zip(keys.tolist(), values.tolist(), strict=True))


def test_text_files(session: Any, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(b"a,5\r\nb,7\n")
    assert from_file(session, path) == {b"a,5": 0, b"b,7": 1}
    assert from_file(session, path, key_index=0, value_index=1, delimiter=",") == {b"a": 5, b"b": 7}
    numbered = {"key_dtype": INT64, "value_dtype": STRING, "key_index": -1, "value_index": -2}
    assert from_file(session, path, offset=3, **numbered) == {3: b"a,5", 4: b"b,7"}
    assert from_file(session, path, vocab_size=1) == {b"a,5": 0}


@pytest.mark.parametrize(
    ("content", "attrs", "error", "says"),
    [
        (b"a\n\nb\n", {}, errors.InvalidArgumentError, "empty line found, line 2"),
        (b"a\n", {"vocab_size": 3}, errors.InvalidArgumentError, "expected 3 but got 1"),
        (b"a\n", {"value_index": 1}, errors.InvalidArgumentError, r"parted by '\\t'"),
        (b"a\tx\n", {"key_index": 0, "value_index": 1}, errors.InvalidArgumentError, "Field x in line 0"),
        (b"a\n", {"delimiter": "ab"}, errors.InvalidArgumentError, "only 1 char"),
        (b"a\na\n", {}, errors.FailedPreconditionError, "Key a has 0"),
        (b"", {}, errors.OutOfRangeError, "is empty"),
        (b"", {"vocab_size": 3}, errors.InvalidArgumentError, "expected 3 but got 0"),
        (b"a\n", {"vocab_size": 0}, errors.OutOfRangeError, "No line"),
        (None, {}, errors.NotFoundError, "words.txt"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit(
    session: Any, tmp_path: Path, content: Any, attrs: dict[str, Any], error: Any, says: str
) -> None:
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=says):
        from_file(session, path, **attrs)


def test_reading_a_file_needs_leave(session: Any, tmp_path: Path) -> None:
    session.limit(capabilities=frozenset(), seconds=None)
    with pytest.raises(errors.PermissionDeniedError, match="'files'"):
        from_file(session, tmp_path / "words.txt")


# ------------------------------------------------------------------------------------------ hashes


def test_published_values_of_the_hashes() -> None:
    """The values that the papers and the reference programs print."""
    message = bytes(range(15))
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    assert siphash([message], key).tolist() == [0xA129CA6149BE45E5]
    assert siphash([b""], key).tolist() == [0x726FDB47DD0E0E31]
    assert fingerprint64([b""]).tolist() == [0x9AE16A3B2F90404F]
    assert len(set(murmur64([b"a", b"b", b""]).tolist())) == 3


@settings(deadline=None)
@given(texts=st.lists(st.binary(max_size=200), max_size=20))
def test_hashes_do_not_depend_on_their_company(texts: list[bytes]) -> None:
    for function in (murmur64, fingerprint64, lambda given_texts: siphash(given_texts, (1, 2))):
        alone = [function([text])[0] for text in texts]
        assert function(texts).tolist() == alone
