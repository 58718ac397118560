"""Sorted tables: a plain dict is the model; damage is found wherever it is."""

from __future__ import annotations

import pathlib
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergraph import errors
from evergraph.formats import table
from evergraph.formats.block import TRAILER_SIZE, BlockBuilder
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.snappy import compress
from evergraph.formats.table import FOOTER_SIZE, TableReader, TableWriter, separator, successor
from evergraph.formats.wire import decode_varint, encode_varint
from evergraph.storage.filesystem import RandomAccessFile


class MemoryFile(RandomAccessFile):
    """Bytes that are read like a file, counting what is read."""

    def __init__(self, data: bytes) -> None:
        self.path, self.size, self.data = "mem.index", len(data), data
        self.bytes_read = 0

    def read_into(self, offset: int, buffer: memoryview) -> None:
        self.bytes_read += len(buffer)
        buffer[:] = self.data[offset : offset + len(buffer)]

    def close(self) -> None:
        pass


def build(entries: dict[bytes, bytes], **options: int) -> bytes:
    pieces: list[bytes] = []
    writer = TableWriter(lambda piece: pieces.append(bytes(piece)), **options)  # type: ignore[arg-type]
    for key in sorted(entries):
        writer.add(key, entries[key])
    writer.finish()
    return b"".join(pieces)


def read(data: bytes) -> TableReader:
    return TableReader(MemoryFile(data))


KEYS = st.one_of(
    st.binary(max_size=12),
    st.builds(lambda a, b: b"scope/" * a + b, st.integers(0, 5), st.binary(max_size=3)),
    st.integers(1, 3).map(lambda n: b"\xff" * n),
)


@settings(deadline=None)
@given(
    st.dictionaries(KEYS, st.binary(max_size=60), max_size=80),
    st.integers(1, 300),
    st.booleans(),
    st.lists(KEYS, max_size=10),
)
def test_table_is_the_dict_it_was_made_from(
    entries: dict[bytes, bytes], block_size: int, snappy: bool, others: list[bytes]
) -> None:
    reader = read(build(entries, block_size=block_size, compress=snappy))
    assert list(reader) == sorted(entries.items())
    for key in [*entries, *others]:
        assert reader.get(key) == entries.get(key)
    assert reader.first() == min(entries.items(), default=None)


def test_no_entries() -> None:
    data = build({})
    assert len(data) == 2 * (8 + TRAILER_SIZE) + FOOTER_SIZE
    assert list(read(data)) == []
    assert read(data).get(b"") is None
    assert read(data).statistics() == (0, 0)


def test_keys_must_increase() -> None:
    writer = TableWriter(lambda piece: None)
    writer.add(b"b", b"")
    for key in (b"b", b"a", b""):
        with pytest.raises(errors.InvalidArgumentError, match="Keys of a table increase"):
            writer.add(key, b"")


@pytest.mark.parametrize(
    ("key", "following", "short"),
    [
        (b"the quick brown fox", b"the who", b"the r"),
        (b"abc", b"abd", b"abc"),
        (b"abc1zzz", b"abd", b"abc1zzz"),
        (b"abc", b"abcdef", b"abc"),
        (b"a\xff", b"b", b"a\xff"),
        (b"a\xfeq", b"a\xff", b"a\xfeq"),
        (b"aX", b"aZ", b"aY"),
    ],
)
def test_separator(key: bytes, following: bytes, short: bytes) -> None:
    assert separator(key, following) == short
    assert key <= short < following


@pytest.mark.parametrize(
    ("key", "short"), [(b"abc", b"b"), (b"\xff\xffa", b"\xff\xffb"), (b"\xff", b"\xff"), (b"", b"")]
)
def test_successor(key: bytes, short: bytes) -> None:
    assert successor(key) == short


def test_large_values_get_blocks_of_their_own() -> None:
    entries = {b"a": b"1", b"b": bytes(700_000), b"c": b"2"}
    data = build(entries)
    assert read(data).statistics() == (3, 0)
    assert dict(read(data)) == entries
    assert read(build(entries, compress=True)).statistics() == (3, 1)


def test_only_the_blocks_needed_are_read() -> None:
    entries = {f"{i:06}".encode(): random.Random(i).randbytes(40) for i in range(20_000)}
    file = MemoryFile(build(entries))
    reader = TableReader(file)
    assert file.bytes_read < 1000
    assert reader.get(b"010000") == entries[b"010000"]
    assert reader.get(b"010001") == entries[b"010001"]
    assert file.bytes_read < 300_000 < file.size


def test_blocks_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {f"{i:06}".encode(): bytes(100) for i in range(2_000)}
    monkeypatch.setattr(table, "_MOST_KEPT", 20_000)
    reader = read(build(entries, block_size=4096))
    assert dict(reader) == entries
    assert 0 < reader._kept_bytes <= 20_000
    assert reader._kept_bytes == sum(block.size for block in reader._kept.values())


def test_threads_share_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {f"{i:06}".encode(): bytes([i % 256]) * 50 for i in range(3_000)}
    monkeypatch.setattr(table, "_MOST_KEPT", 20_000)
    reader = read(build(entries, block_size=4096))
    results: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda n=n: results.append(
                all(reader.get(key) == entries[key] for key in list(entries)[n::4])
            )
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


# ------------------------------------------------------------------------------------------ damage

SMALL = {f"key/{i:03}".encode(): bytes([i]) * 20 for i in range(100)}


@pytest.mark.parametrize("snappy", [False, True])
def test_every_flipped_bit_is_found(snappy: bool) -> None:
    """In all bytes but the metaindex and the rest of the footer, which are never used."""
    data = build(SMALL, block_size=500, compress=snappy)
    footer = len(data) - FOOTER_SIZE
    metaindex, at = decode_varint(data, footer)
    size, at = decode_varint(data, at)
    index = metaindex + size + TRAILER_SIZE
    assert decode_varint(data, at)[0] == index
    for position in [*range(0, footer, 3), at, *range(len(data) - 8, len(data))]:
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        if metaindex <= position < index:
            assert dict(read(bytes(damaged))) == SMALL  # empty, and never read
        else:
            with pytest.raises(errors.DataLossError, match=r"mem\.index"):
                dict(read(bytes(damaged)))


@pytest.mark.parametrize("length", [0, 1, 47, 48, 100, -1, -8, -48, -60])
def test_cut_short(length: int) -> None:
    with pytest.raises(errors.DataLossError, match=r"too short|bad magic number|damaged"):
        dict(read(build(SMALL)[:length]))


@given(st.binary(max_size=400), st.data())
@settings(deadline=None, max_examples=200)
def test_random_damage_never_escapes(noise: bytes, data: st.DataObject) -> None:
    whole = build(SMALL, block_size=300)
    at = data.draw(st.integers(0, len(whole)))
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        reader = read(damaged)
        list(reader)
        reader.get(b"key/050")
    except errors.DataLossError:
        pass


def raw_table(blocks: list[tuple[bytes, bytes]], kind: int = 0) -> bytes:
    """A table with correct checksums around whatever blocks, each with its index key."""
    out = b""
    index = BlockBuilder(1)

    def put(block: bytes, kind: int) -> bytes:
        nonlocal out
        handle = encode_varint(len(out)) + encode_varint(len(block))
        crc = mask(crc32c(block + bytes([kind])))
        out += block + bytes([kind]) + crc.to_bytes(4, "little")
        return handle

    for key, block in blocks:
        index.add(key, put(block, kind))
    handles = put(BlockBuilder(1).finish(), 0) + put(index.finish(), 0)
    return out + handles.ljust(40, b"\0") + table.MAGIC.to_bytes(8, "little")


def entry(shared: int, unshared: bytes, value: bytes = b"") -> bytes:
    return (
        encode_varint(shared)
        + encode_varint(len(unshared))
        + encode_varint(len(value))
        + unshared
        + value
    )


def block(*entries: bytes, restarts: tuple[int, ...] = (0,), count: int | None = None) -> bytes:
    numbers = [*restarts, len(restarts) if count is None else count]
    return b"".join(entries) + b"".join(n.to_bytes(4, "little") for n in numbers)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "too short"),
        (block(entry(0, b"a"), count=1000), "cannot have 1000 restarts"),
        (block(entry(0, b"a"), restarts=()), "cannot have 0 restarts"),
        (block(entry(0, b"a"), restarts=(0, 999)), "restart lies outside"),
        (block(entry(1, b"a")), "goes on from one that is shorter"),
        (block(entry(0, b"a"), entry(5, b"a")), "goes on from one that is shorter"),
        (block(entry(0, b"a"), entry(0, b"a")), "out of order or double"),
        (block(entry(0, b"b"), entry(0, b"a")), "out of order or double"),
        (block(entry(0, b"a")[:-1] + b""), "reaches beyond"),
        (block(entry(0, b"a")[:2]), "varint is cut off"),
        (block(b"\xff" * 11), "longer than 64 bits"),
        (
            block(entry(0, b"k" * 60_000), *[entry(60_000 + i, b"k") for i in range(3_000)]),
            "out of all proportion",
        ),
    ],
)
def test_blocks_that_are_none(bad: bytes, words: str) -> None:
    with pytest.raises(errors.DataLossError, match=rf"mem.index is damaged.*{words}"):
        list(read(raw_table([(b"z", bad)])))


def test_order_across_blocks() -> None:
    data = raw_table([(b"m", block(entry(0, b"m"))), (b"z", block(entry(0, b"c")))])
    with pytest.raises(errors.DataLossError, match="out of order"):
        list(read(data))


def test_blocks_that_overlap_are_refused() -> None:
    shape = block(entry(0, b"a", bytes(100)))
    index = BlockBuilder(1)
    for i in range(100):
        index.add(b"%03d" % i, encode_varint(0) + encode_varint(len(shape)))
    data = raw_table([(b"z", shape)])
    start = len(shape) + TRAILER_SIZE
    index_block = index.finish()
    out = (
        data[:start] + index_block + b"\0" + mask(crc32c(index_block + b"\0")).to_bytes(4, "little")
    )
    handles = encode_varint(0) + encode_varint(0) + encode_varint(start)
    handles += encode_varint(len(index_block))
    out += handles.ljust(40, b"\0") + table.MAGIC.to_bytes(8, "little")
    with pytest.raises(errors.DataLossError, match="begins before"):
        read(out)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (encode_varint(1 << 60) + b"abc", "cannot be 1152921504606846976 bytes expanded"),
        (compress(bytes(1000))[:-1], "Snappy cannot be expanded"),
        (encode_varint(900) + compress(bytes(1000))[2:], "Snappy"),
        (b"", "varint is cut off"),
    ],
)
def test_snappy_that_is_none(bad: bytes, words: str) -> None:
    with pytest.raises(errors.DataLossError, match=words):
        list(read(raw_table([(b"z", bad)], kind=1)))


def test_unknown_compression() -> None:
    with pytest.raises(errors.DataLossError, match="compression type 7 is not known"):
        list(read(raw_table([(b"z", block(entry(0, b"a")))], kind=7)))


@pytest.mark.shared
def test_tables_of_tensorflow_come_out_as_they_were(shared: pathlib.Path) -> None:
    """Read and written again, stock TensorFlow's index files are the same, byte for byte."""
    paths = sorted(
        path
        for folder in ("artifacts", "edge")
        for path in (shared / "data" / folder).rglob("*.index")
        if "corrupt" not in path.parts and "big_endian" not in path.parts
    )
    assert len(paths) > 40
    for path in paths:
        data = path.read_bytes()
        reader = read(data)
        snappy = reader.statistics()[1] > 0
        assert build(dict(reader), compress=snappy) == data, path
