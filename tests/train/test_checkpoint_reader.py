"""Checkpoints without a graph, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.train import checkpoint_reader, inspect_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    values = {
        "layer/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "step": np.int64(7),
        "word": np.array(b"one", object),
        "layer/kernel/Adam": np.ones((2, 3), np.float32),
    }
    save_checkpoint(tmp_path / "model-7", values, update_state=True)
    return tmp_path


def test_a_folder_a_prefix_and_a_file_are_read(folder: Path) -> None:
    for path in (folder, folder / "model-7", folder / "model-7.index"):
        reader = checkpoint_reader.load_checkpoint(path)
        assert reader.get_variable_to_shape_map()["layer/kernel"] == [2, 3]
        assert reader.get_variable_to_dtype_map()["step"].name == "int64"
        assert reader.has_tensor("step")
        assert reader.has_tensor(b"step")
        assert not reader.has_tensor("layer")


def test_a_scalar_is_a_number_or_bytes(folder: Path) -> None:
    reader = checkpoint_reader.new_checkpoint_reader(folder)
    assert isinstance(reader.get_tensor("step"), np.int64)
    assert reader.get_tensor(b"word") == b"one"
    assert checkpoint_reader.load_variable(folder, "step:0") == 7
    np.testing.assert_array_equal(reader.get_tensor("layer/kernel")[1], [3, 4, 5])


def test_the_text_of_a_checkpoint(folder: Path) -> None:
    assert checkpoint_reader.load_checkpoint(folder).debug_string() == (
        b"layer/kernel (DT_FLOAT) [2,3]\nlayer/kernel/Adam (DT_FLOAT) [2,3]\nstep (DT_INT64) []\n"
        b"word (DT_STRING) []\n"
    )


@pytest.mark.shared
def test_the_text_of_format_v1(shared: Path) -> None:
    """In the order of TensorFlow 2.15's, which is that of a hash table."""
    reader = checkpoint_reader.new_checkpoint_reader(shared / "data/edge/part_v1/model.ckpt-5")
    assert reader.debug_string().decode().splitlines() == [
        "whole (DT_FLOAT) [3]",
        "vas0 (DT_FLOAT) [100,3], 5 slices",
        "scope/fixed0_int (DT_INT64) [6], 6 slices",
        "res0 (DT_FLOAT) [9,2], 2 slices",
        "fixed1 (DT_FLOAT) [4,10], 4 slices",
        "vas1 (DT_FLOAT) [3,100], 5 slices",
        "fixed0 (DT_FLOAT) [10,4], 3 slices",
    ]


def test_a_folder_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no state file") as raised:
        checkpoint_reader.list_variables(tmp_path)
    assert isinstance(raised.value, errors.NotFoundError)


def test_none_says_where_it_comes_from() -> None:
    with pytest.raises(TypeError, match="latest_checkpoint gives None"):
        checkpoint_reader.load_checkpoint(None)


def test_the_nearest_names(folder: Path) -> None:
    with pytest.raises(errors.NotFoundError, match="layer/kernel"):
        checkpoint_reader.load_variable(folder, "layr/kernel")


def test_every_byte_damaged(folder: Path) -> None:
    path = folder / "model-7.index"
    data = path.read_bytes()
    for position in range(len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        try:
            text = checkpoint_reader.new_checkpoint_reader(folder / "model-7").debug_string()
        except errors.OpError:
            continue
        assert text.count(b"\n") == 4


def test_what_inspect_checkpoint_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = inspect_checkpoint.print_tensors_in_checkpoint_file
    show(folder, "step", False)
    assert capsys.readouterr().out == "tensor: step (int64) []\n7\n# Total number of params: 14\n"
    show(folder, None, False, True, "Adam")
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "# Excluding 1 tensors (6 params) that match Adam when counting.",
        "# Total number of params: 8",
    ]
    show(folder / "none", None, True)
    assert "There is no checkpoint" in capsys.readouterr().out
