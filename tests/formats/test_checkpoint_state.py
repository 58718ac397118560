"""The state file: read as TensorFlow reads it, written byte for byte as it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from evergraph.errors import DataLossError, InvalidValueError
from evergraph.formats import protos
from evergraph.formats.checkpoint_state import (
    CheckpointState,
    format_state,
    make_state,
    parse,
    resolve,
    state_path,
)

FULL = CheckpointState("m-2", ("m-1", "m-2"), (1500000000.0, 1e22), 0.25)
TEXT = """\
model_checkpoint_path: "m-2"
all_model_checkpoint_paths: "m-1"
all_model_checkpoint_paths: "m-2"
all_model_checkpoint_timestamps: 1500000000.0
all_model_checkpoint_timestamps: 1e+22
last_preserved_timestamp: 0.25
"""


def test_both_ways() -> None:
    assert format_state(FULL) == TEXT
    assert parse(TEXT, "checkpoint") == FULL
    assert parse(TEXT.encode(), "checkpoint") == FULL


def test_escapes_as_tensorflow_writes_them() -> None:
    state = CheckpointState("déjà\"q'\\/m\n\t\x01\x7f日\r x")
    text = (
        r'model_checkpoint_path: "d\303\251j\303\240\"q\'\\/m\n\t\001\177\346\227\245\r x"' + "\n"
    )
    assert format_state(state) == text
    assert parse(text, "checkpoint") == state


@pytest.mark.parametrize(
    "text",
    [
        'model_checkpoint_path: "dé"',
        "model_checkpoint_path: 'dé'",
        '# the newest\n  model_checkpoint_path : "d" "\\303\\251"  # so it is\n',
        'model_checkpoint_path: "old" model_checkpoint_path: "dé",',
        'model_checkpoint_path: "old"\nmodel_checkpoint_path: "dé"\n\n',
    ],
)
def test_other_forms_of_the_same(text: str) -> None:
    assert parse(text, "checkpoint") == CheckpointState("dé")


def test_lists_and_numbers_in_other_forms() -> None:
    text = (
        'model_checkpoint_path: "m" all_model_checkpoint_paths: ["l", "m"] '
        "all_model_checkpoint_timestamps: [1, -2.5e-1, inf] last_preserved_timestamp: 3f"
    )
    expected = CheckpointState("m", ("l", "m"), (1.0, -0.25, float("inf")), 3.0)
    assert parse(text, "checkpoint") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not a proto { at all", "1:1"),
        ('model_checkpoint_path: "a"\nunknown_field: 3\n', "unknown_field"),
        ('model_checkpoint_path: "a', "1:24"),
        ("model_checkpoint_path: 3", "1:24"),
        ('last_preserved_timestamp: "a"', "1:27"),
        (b'model_checkpoint_path: "\xff\xfe"', "byte 24 is not UTF-8 text"),
        (b"\x1f\x8b\x08\x00", "byte 1 is not UTF-8 text"),
    ],
)
def test_damage(text: str | bytes, reason: str) -> None:
    with pytest.raises(DataLossError) as caught:
        parse(text, "/models/checkpoint")
    assert str(caught.value).startswith("/models/checkpoint is not a checkpoint state file: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n", 'all_model_checkpoint_paths: "a"', "# nothing"])
def test_no_newest_checkpoint(text: str) -> None:
    with pytest.raises(InvalidValueError, match="Invalid checkpoint state loaded from /models: "):
        parse(text, "/models/checkpoint")
    with pytest.raises(ValueError, match="names no checkpoint"):
        parse(text, "/models/checkpoint")


@given(
    st.builds(
        CheckpointState,
        st.text(min_size=1).filter(lambda text: text.isprintable() or "\n" in text),
        st.lists(st.text(), max_size=3).map(tuple),
        st.lists(st.floats(allow_nan=False), max_size=3).map(tuple),
        st.floats(min_value=1),
    )
)
def test_round_trip(state: CheckpointState) -> None:
    text = format_state(state)
    assert parse(text, "checkpoint") == state
    assert text_format.Parse(text, protos.CheckpointState()) == state.to_proto()
    assert text_format.MessageToString(state.to_proto(), as_utf8=False) == text


def test_resolve() -> None:
    state = CheckpointState("m-2", ("/a/m-1", "sub/m-2", "gs://bucket/m-3", "../m"))
    resolved = resolve(state, "/models")
    assert resolved.model_checkpoint_path == "/models/m-2"
    assert resolved.all_model_checkpoint_paths == (
        "/a/m-1", "/models/sub/m-2", "gs://bucket/m-3", "/models/../m",
    )  # fmt: skip
    assert resolve(CheckpointState("m"), "gs://b/d").model_checkpoint_path == "gs://b/d/m"
    assert resolve(CheckpointState("m"), "").model_checkpoint_path == "m"


@pytest.mark.parametrize(
    ("folder", "newest", "kept", "relative", "expected"),
    [
        ("/d", "/d/m-2", ["/d/m-1", "/d/m-2"], False, ("/d/m-1", "/d/m-2")),
        ("/d", "/d/m-2", ["/d/m-1"], False, ("/d/m-1", "/d/m-2")),
        ("/d", "/d/m-2", None, True, ("m-2",)),
        ("/d", "m-2", None, False, ("m-2",)),
        ("out", "out/m-2", ["out/m-1", "out/m-2"], False, ("m-1", "m-2")),
        ("out", "out/m-2", ["out/m-1", "/e/m", "out/m-2"], True, ("m-1", None, "m-2")),
        (".", "./m-2", None, False, ("m-2",)),
        ("", "m-2", None, False, ("m-2",)),
        ("gs://b/d", "gs://b/d/m-2", None, False, ("m-2",)),
    ],
)
def test_make_state(
    folder: str, newest: str, kept: list[str] | None, relative: bool, expected: tuple[Any, ...]
) -> None:
    state = make_state(folder, newest, kept, relative=relative)
    wanted = tuple(os.path.relpath("/e/m", folder) if p is None else p for p in expected)
    assert state.all_model_checkpoint_paths == wanted
    assert state.model_checkpoint_path == wanted[-1]


def test_timestamps_must_match() -> None:
    assert make_state("/d", "b", ["a"], [1.0, 2.0], 3.0) == CheckpointState(
        "b", ("a", "b"), (1.0, 2.0), 3.0
    )
    with pytest.raises(ValueError, match="there are 1 timestamps for 2 checkpoints"):
        make_state("/d", "b", ["a"], [1.0])


def test_state_path() -> None:
    assert state_path("/d") == "/d/checkpoint"
    assert state_path("/d", "latest") == "/d/latest"


def test_usual_files_need_no_protobuf() -> None:
    code = f"""
import sys
from evergraph.formats import checkpoint_state
assert checkpoint_state.parse({TEXT!r}, "checkpoint").last_preserved_timestamp == 0.25
assert "google.protobuf" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.shared
def test_every_shared_state_file_says_what_tensorflow_read(shared: Path) -> None:
    seen = 0
    for name in ("artifacts", "edge"):
        folder = shared / "data" / name
        facts = json.loads((folder / "facts.json").read_text())["facts"]
        listed = json.loads((folder / "manifest.json").read_text())["artifacts"]
        for artifact in listed:
            if artifact["kind"] != "state":
                continue
            fact = facts[artifact["id"]]
            path = folder / artifact["src"] / artifact["main"]
            if not path.exists():
                path = folder / artifact["main"]
            state = parse(path.read_bytes(), str(path))
            assert state.model_checkpoint_path == fact["raw_model_checkpoint_path"]
            assert list(state.all_model_checkpoint_paths) == fact["raw_all"]
            assert len(state.all_model_checkpoint_timestamps) == fact["timestamps"]
            resolved = resolve(state, str(path.parent))
            assert resolved.model_checkpoint_path == str(path.parent / fact["resolved"])
            assert list(resolved.all_model_checkpoint_paths) == [
                str(path.parent / each) for each in fact["resolved_all"]
            ]
            seen += 1
    assert seen > 20


@pytest.mark.shared
def test_the_damaged_shared_state_files(shared: Path) -> None:
    corrupt = shared / "data" / "edge" / "corrupt"
    for name, kind in [
        ("state_garbage", DataLossError),
        ("state_unknown_field", DataLossError),
        ("state_empty", ValueError),
    ]:
        path = corrupt / name / "checkpoint"
        with pytest.raises(kind):
            parse(path.read_bytes(), str(path))
    path = corrupt / "state_missing_ckpt" / "checkpoint"
    assert parse(path.read_bytes(), str(path)).model_checkpoint_path == "gone-1"
