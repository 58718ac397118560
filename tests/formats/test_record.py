"""Files of records: round trips, every byte damaged, lengths that are not true."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.record import TFRecordWriter, tf_record_iterator

RECORDS = [b"", b"one", b"\0" * 1000, "text \u00e9".encode()]
# `echo -n` of one record "one", by hand: length, its checksum, data, its checksum.
ONE = bytes.fromhex("0300000000000000") + mask(crc32c(b"\3" + bytes(7))).to_bytes(4, "little")
ONE += b"one" + mask(crc32c(b"one")).to_bytes(4, "little")


def write(path: Path, records: list[bytes], compression: str = "") -> None:
    with TFRecordWriter(path, compression) as writer:
        for record in records:
            writer.write(record)


def test_layout(tmp_path: Path) -> None:
    write(tmp_path / "r", [b"one"])
    assert (tmp_path / "r").read_bytes() == ONE


@given(st.lists(st.binary(max_size=3000)), st.sampled_from(["", "ZLIB", "GZIP"]))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], kind: str
) -> None:
    path = tmp_path_factory.mktemp("records") / "r"
    write(path, records, kind)
    assert list(tf_record_iterator(path, kind)) == records


def test_what_a_record_may_be(tmp_path: Path) -> None:
    path = tmp_path / "r"
    writer = tf.python_io.TFRecordWriter(str(path))
    for record in ("\u00e9", b"b", bytearray(b"c"), memoryview(b"d")):
        writer.write(record)
    with pytest.raises(TypeError, match="SerializeToString"):
        writer.write(tf.train.Example())  # type: ignore[arg-type]
    writer.flush()
    assert list(tf.python_io.tf_record_iterator(str(path))) == ["\u00e9".encode(), b"b", b"c", b"d"]
    writer.close()
    writer.close()
    for call in (writer.flush, lambda: writer.write(b"x")):
        with pytest.raises(errors.FailedPreconditionError, match="closed"):
            call()


@pytest.mark.parametrize("kind", ["ZLIB", "GZIP"])
def test_what_was_flushed_can_be_read(tmp_path: Path, kind: str) -> None:
    writer = TFRecordWriter(tmp_path / "r", kind)
    writer.write(b"first")
    writer.flush()
    assert list(tf_record_iterator(tmp_path / "r", kind)) == [b"first"]
    writer.write(b"second")
    del writer  # never closed
    assert list(tf_record_iterator(tmp_path / "r", kind)) == [b"first", b"second"]


def test_streams_one_behind_the_other(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(gzip.compress(ONE) + gzip.compress(ONE + ONE))
    assert list(tf_record_iterator(tmp_path / "r", "GZIP")) == [b"one"] * 3


def test_options() -> None:
    options = tf.python_io.TFRecordOptions(tf.python_io.TFRecordCompressionType.GZIP)
    for given_, expected in ((options, "GZIP"), (1, "ZLIB"), ("ZLIB", "ZLIB"), (None, ""), (0, "")):
        assert options.get_compression_type_string(given_) == expected
    with pytest.raises(ValueError, match="BZIP"):
        tf.io.TFRecordOptions("BZIP")


def test_every_byte_damaged(tmp_path: Path) -> None:
    write(tmp_path / "good", RECORDS)
    good = (tmp_path / "good").read_bytes()
    for position in [*range(60), len(good) - 1]:
        data = bytearray(good)
        data[position] ^= 1 << position % 8
        (tmp_path / "bad").write_bytes(data)
        found = []
        with pytest.raises(
            errors.DataLossError, match=r"(corrupted|truncated) record at \d+"
        ) as caught:
            found.extend(tf_record_iterator(tmp_path / "bad"))
        assert str(tmp_path / "bad") in caught.value.message
    starts = [sum(16 + len(record) for record in RECORDS[:i]) for i in range(len(RECORDS))]
    for length in range(len(good)):
        (tmp_path / "bad").write_bytes(good[:length])
        records = tf_record_iterator(tmp_path / "bad")
        found = []
        if length in starts:
            found.extend(records)
        else:
            with pytest.raises(errors.DataLossError, match="truncated record at") as caught:
                found.extend(records)
            assert f"record at {max(start for start in starts if start < length)}" in str(caught)
        assert found == RECORDS[: len(found)]


@given(st.binary(max_size=200), st.sampled_from(["", "ZLIB", "GZIP"]))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str) -> None:
    path = tmp_path_factory.mktemp("any") / "r"
    packed = {"": bytes, "ZLIB": zlib.compress, "GZIP": gzip.compress}[kind](data)
    for content in (data, packed, packed[:-3]):
        path.write_bytes(content)
        with contextlib.suppress(errors.DataLossError):
            assert list(tf_record_iterator(path, kind)) == []


@pytest.mark.parametrize("kind", ["", "GZIP"])
def test_a_length_that_is_not_true(tmp_path: Path, kind: str) -> None:
    length = (1 << 62).to_bytes(8, "little")
    data = length + mask(crc32c(length)).to_bytes(4, "little") + b"few"
    (tmp_path / "r").write_bytes(gzip.compress(data) if kind else data)
    tracemalloc.start()
    with pytest.raises(errors.DataLossError, match="after 3 of its"):
        next(tf_record_iterator(tmp_path / "r", kind))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(ONE), r"TFRecordOptions\('GZIP'\)"),
        (zlib.compress(ONE), r"TFRecordOptions\('ZLIB'\)"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"PK\3\4" + bytes(20), "archive"),
    ],
    ids=["gzip", "zlib", "html", "zip"],
)
def test_another_kind_of_file(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "r").write_bytes(content)
    with pytest.raises(errors.DataLossError, match=said):
        next(tf_record_iterator(tmp_path / "r"))


def test_compressed_as_was_not_said(tmp_path: Path) -> None:
    write(tmp_path / "r", RECORDS)
    for kind in ("GZIP", "ZLIB"):
        with pytest.raises(errors.DataLossError, match="not compressed as was said"):
            next(tf_record_iterator(tmp_path / "r", kind))


def test_no_such_file(tmp_path: Path) -> None:
    for call in (tf_record_iterator, TFRecordWriter, tf.train.summary_iterator):
        with pytest.raises(errors.NotFoundError):
            call(tmp_path / "no" / "r")


def test_events(tmp_path: Path) -> None:
    events = [tf.Event(wall_time=1.0, file_version="brain.Event:2"), tf.Event(step=3)]
    events[1].summary.value.add(tag="loss", simple_value=0.5)
    write(tmp_path / "events", [event.SerializeToString() for event in events])
    assert list(tf.train.summary_iterator(str(tmp_path / "events"))) == events
    write(tmp_path / "events", [events[0].SerializeToString(), b"\xff\xff"])
    iterator = tf.train.summary_iterator(str(tmp_path / "events"))
    assert next(iterator) == events[0]
    with pytest.raises(errors.DataLossError, match="record at 40 is no Event"):
        next(iterator)
