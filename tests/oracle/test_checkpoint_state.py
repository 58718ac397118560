"""The state file: the same bytes as TensorFlow's for the same call, and read back alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from evergraph.formats.checkpoint_state import format_state, make_state, parse, resolve
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

WRITE = """
import os
from tensorflow.python.checkpoint import checkpoint_management

def main(tf, np, cwd, arguments):
    before = os.getcwd()
    os.chdir(cwd)
    try:
        return write(tf, arguments)
    finally:
        os.chdir(before)

def write(tf, arguments):
    checkpoint_management.update_checkpoint_state_internal(**arguments)
    state = tf.train.get_checkpoint_state(arguments["save_dir"])
    with open(os.path.join(arguments["save_dir"], "checkpoint"), "rb") as file:
        return file.read(), state.model_checkpoint_path, list(state.all_model_checkpoint_paths)
"""

READ = """
def main(tf, np, folder):
    state = tf.train.get_checkpoint_state(folder)
    return (state.model_checkpoint_path, list(state.all_model_checkpoint_paths),
            list(state.all_model_checkpoint_timestamps), state.last_preserved_timestamp)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        {"newest": "{}/m-1"},
        {"newest": "{}/m-2", "kept": ["{}/m-1", "{}/m-2"], "timestamps": [1500000000.25, 1.6e9]},
        {"newest": "{}/m-2", "kept": ["{}/m-1"], "last_preserved_timestamp": 1e9},
        {"newest": "{}/m-2", "kept": ["{}/m-1"], "relative": True},
        {"newest": "m-2", "kept": ["m-1"]},
        {"newest": "{}/dé 'j'\\\"à\"-2"},
        {"newest": "out/m-2", "kept": ["out/m-1"], "folder": "out"},
        {"newest": "out/m-2", "kept": ["out/m-1"], "folder": "out", "relative": True},
    ],
    ids=str,
)
def test_written_alike(oracle: Oracle, tmp_path: Path, arguments: dict[str, Any]) -> None:
    (tmp_path / "out").mkdir()
    home = str(tmp_path / "out")
    ours = {"folder": home, **arguments, "newest": arguments["newest"].format(home)}
    if "kept" in ours:
        ours["kept"] = [path.format(home) for path in ours["kept"]]
    names = {
        "folder": "save_dir",
        "newest": "model_checkpoint_path",
        "kept": "all_model_checkpoint_paths",
        "timestamps": "all_model_checkpoint_timestamps",
        "relative": "save_relative_paths",
    }
    theirs = {names.get(key, key): value for key, value in ours.items()}
    data, newest, kept = oracle.execute(WRITE, cwd=str(tmp_path), arguments=theirs)
    state = make_state(**ours)
    if oracle.version == "2.15" or ours["newest"].isascii():
        assert format_state(state).encode() == data
    read = parse(data, os.path.join(home, "checkpoint"))
    assert read == state
    resolved = resolve(read, ours["folder"])
    assert (resolved.model_checkpoint_path, [*resolved.all_model_checkpoint_paths]) == (
        newest,
        kept,
    )


def test_ours_is_read(oracle: Oracle, tmp_path: Path) -> None:
    state = make_state(str(tmp_path), "dé\n\"'\\-2", ["/a/m-1", "dé\n\"'\\-2"], [0.1, 1e22], 1.25)
    (tmp_path / "checkpoint").write_text(format_state(state))
    resolved = resolve(state, str(tmp_path))
    assert oracle.execute(READ, folder=str(tmp_path)) == (
        resolved.model_checkpoint_path,
        list(resolved.all_model_checkpoint_paths),
        [0.1, 1e22],
        1.25,
    )
