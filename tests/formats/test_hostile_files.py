"""Damage that fuzzing has found to be told by the wrong class, or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph.cli.facts import facts_of
from evergraph.formats import checkpoint_state, graph_file
from evergraph.formats.block import Block
from evergraph.formats.bundle_entry import BundleHeader
from evergraph.formats.protos import TensorProto
from evergraph.formats.table import TableReader
from evergraph.formats.tensor_proto import fill_bytes
from evergraph.formats.tensor_slices import TensorSliceReader
from evergraph.formats.tensor_slices_writer import TensorSliceWriter
from evergraph.formats.wire import WireError, encode_varint
from evergraph.storage import leftovers
from evergraph.storage.filesystem import filesystem
from fuzz.repair import write_table


def entries_of(path: Path) -> dict[bytes, bytes]:
    with filesystem("").open_random_access(str(path)) as file:
        return dict(TableReader(file))


def test_slice_that_is_no_message(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with TensorSliceWriter(path) as writer:
        writer.add("a", np.zeros(3, np.float32))
    entries = entries_of(path)
    key = max(entries)
    entries[key] = b"\x07"
    path.write_bytes(write_table(entries))
    with TensorSliceReader(path) as reader, pytest.raises(errors.DataLossError, match="slice"):
        reader.read("a")


def test_zero_byte_in_a_state_file(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b'model_checkpoint_path: "m\0"\n')
    assert checkpoint_state.parse((tmp_path / "checkpoint").read_bytes(), "x")
    with pytest.raises(errors.DataLossError, match="zero byte"):
        evergraph.open_checkpoint(tmp_path)


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pb")
    (tmp_path / "zero.pb").symlink_to("/dev/zero")
    for name in ("pipe.pb", "zero.pb"):
        with pytest.raises(errors.FailedPreconditionError):
            graph_file.read_graph_def(tmp_path / name)


def test_a_save_that_never_ends_is_not_waited_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_WAIT_SECONDS", 0.01)
    prefix = tmp_path / "m"
    evergraph.save_checkpoint(prefix, {"a": np.zeros(1, np.float32)})
    seal = tmp_path / "m.index.evergraph-new-1-00000000-00000000-0"
    seal.write_bytes(b"")
    later = time.time() + 1e6
    os.utime(seal, (later, later))
    with evergraph.open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == ["a"]
    assert seal.exists()


def test_inspecting_any_number_of_data_files(tmp_path: Path) -> None:
    prefix = tmp_path / "m"
    evergraph.save_checkpoint(prefix, {"a": np.zeros(1, np.float32)})
    index = tmp_path / "m.index"
    entries = entries_of(index)
    entries[b""] = BundleHeader(num_shards=(1 << 31) - 1).encode()
    index.write_bytes(write_table(entries))
    assert len(facts_of(str(prefix))["shards"]) == 1000


def test_keys_are_counted_against_stored_bytes() -> None:
    """A block that was compressed may not spell more keys than its bytes in the file allow."""
    shared = 3000
    block = b"\0" + encode_varint(shared) + b"\0" + b"a" * shared
    block += b"".join(encode_varint(shared + i) + b"\1\0b" for i in range(50))
    block += (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    assert len(list(Block(block))) == 51
    with pytest.raises(WireError, match="proportion"):
        list(Block(block, stored=200))


def test_what_a_short_list_takes() -> None:
    def proto(count: int, *values: float, content: bytes = b"") -> TensorProto:
        made = TensorProto(dtype=1, float_val=values, tensor_content=content)
        made.tensor_shape.dim.add(size=count)
        return made

    assert fill_bytes(proto(10, 1, 2)) == 32
    assert fill_bytes(proto(1 << 40, 1)) == 0  # a view
    assert fill_bytes(proto(1 << 40)) == 0
    assert fill_bytes(proto(2, 1, 2)) == 0
    assert fill_bytes(proto(2, content=bytes(8))) == 0
