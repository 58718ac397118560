"""Every way to name a checkpoint, and what is said where there is none."""

from __future__ import annotations

import os
import pathlib
import shutil

import pytest

from evergraph import errors
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.checkpoint_path import FoundCheckpoint, find_checkpoint
from evergraph.formats.file_kind import describe
from evergraph.formats.table import TableWriter


def save(prefix: pathlib.Path, value: int = 1) -> None:
    with BundleWriter(prefix, durability="none") as writer:
        writer.add("x", value)


def save_v1(path: pathlib.Path) -> None:
    """A table that begins as a V1 checkpoint does; what is in it does not matter here."""
    pieces: list[bytes] = []
    table = TableWriter(lambda piece: pieces.append(bytes(piece)))
    table.add(b"", b"\x0a\x00")
    table.finish()
    path.write_bytes(b"".join(pieces))


def state(folder: pathlib.Path, newest: str, *others: str) -> pathlib.Path:
    lines = [f'model_checkpoint_path: "{newest}"']
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in (*others, newest)]
    (folder / "checkpoint").write_text("\n".join(lines) + "\n")
    return folder / "checkpoint"


# ---------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize(
    "name", ["m", "m.index", "m.data-00000-of-00001", "m.meta", "m.data-00007-of-00009"]
)
def test_any_file_stands_for_the_checkpoint(tmp_path: pathlib.Path, name: str) -> None:
    save(tmp_path / "m")
    assert find_checkpoint(tmp_path / name) == FoundCheckpoint(str(tmp_path / "m"), 2)
    (tmp_path / "m.meta").write_bytes(b"graph")
    assert find_checkpoint(str(tmp_path / name)).prefix == str(tmp_path / "m")


def test_paths_of_every_form(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "m")
    state(tmp_path, "m")
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint("m").prefix == "m"
    assert find_checkpoint("./m.index").prefix == "./m"
    assert find_checkpoint(b"m").prefix == "m"
    assert find_checkpoint("checkpoint").prefix == "m"
    assert find_checkpoint(".").prefix == "./m"
    assert find_checkpoint(f"file://{tmp_path}/m").prefix == f"file://{tmp_path}/m"


def test_folder_by_its_state_file(tmp_path: pathlib.Path) -> None:
    for name in ("m-1", "m-2", "m-3"):
        save(tmp_path / name)
    path = state(tmp_path, "m-2", "m-1")
    for given in (tmp_path, path, f"{tmp_path}/"):
        found = find_checkpoint(given)
        assert (os.path.normpath(found.prefix), found.notice) == (str(tmp_path / "m-2"), "")


def test_state_file_of_any_name(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "m-2")
    state(tmp_path, "m-2").rename(tmp_path / "best")
    assert find_checkpoint(tmp_path / "best").prefix == str(tmp_path / "m-2")


@pytest.mark.parametrize("missing", ["m-2.index", "m-2.data-00000-of-00001"])
def test_newest_that_is_whole(tmp_path: pathlib.Path, missing: str) -> None:
    for name in ("m-1", "m-2", "m-0"):
        save(tmp_path / name)
    state(tmp_path, "m-2", "m-0", "m-1")
    (tmp_path / missing).unlink()
    found = find_checkpoint(tmp_path)
    assert found.prefix == str(tmp_path / "m-1")
    assert "names 'm-2' as the newest checkpoint, which is not there or not whole" in found.notice


def test_folder_that_was_moved(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "a" / "m-1")
    state(tmp_path / "a", str(tmp_path / "a" / "m-1"))
    assert find_checkpoint(tmp_path / "a").notice == ""
    shutil.move(tmp_path / "a", tmp_path / "b")
    found = find_checkpoint(tmp_path / "b")
    assert found.prefix == str(tmp_path / "b" / "m-1")
    assert "the one beside it is taken" in found.notice
    # A copy means its own files, not those it was copied from.
    shutil.copytree(tmp_path / "b", tmp_path / "a")
    assert find_checkpoint(tmp_path / "b").prefix == str(tmp_path / "b" / "m-1")


def test_checkpoint_below_the_state_file(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "sub" / "m-2")
    state(tmp_path, "sub/m-2")
    assert find_checkpoint(tmp_path).prefix == str(tmp_path / "sub" / "m-2")


def test_a_state_file_does_not_lead_out_of_its_folder(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "secret" / "m")
    for name in ("../secret/m", str(tmp_path / "secret" / "m"), "sub/../../secret/m"):
        (tmp_path / "open").mkdir(exist_ok=True)
        state(tmp_path / "open", name)
        with pytest.raises(errors.NotFoundError, match="names the checkpoint") as caught:
            find_checkpoint(tmp_path / "open")
        if os.path.isabs(name):
            assert f"There is {name}: open it by that name" in str(caught.value)


def test_only_checkpoint_of_a_folder(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "m-7")
    found = find_checkpoint(tmp_path)
    assert found.prefix == str(tmp_path / "m-7")
    assert "no state file: its only checkpoint is taken, m-7" in found.notice
    state(tmp_path, "gone-1")
    found = find_checkpoint(tmp_path)
    assert found.prefix == str(tmp_path / "m-7")
    assert "names 'gone-1', which is not there: the only other is taken, m-7" in found.notice


def test_saved_model(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "variables" / "variables")
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    found = find_checkpoint(tmp_path)
    assert found.prefix == str(tmp_path / "variables" / "variables")
    assert "is a SavedModel" in found.notice
    assert find_checkpoint(tmp_path / "variables").prefix == found.prefix


def test_v1_files(tmp_path: pathlib.Path) -> None:
    save_v1(tmp_path / "one.ckpt")
    assert find_checkpoint(tmp_path / "one.ckpt") == FoundCheckpoint(str(tmp_path / "one.ckpt"), 1)
    (tmp_path / "one.ckpt.meta").touch()
    assert find_checkpoint(tmp_path / "one.ckpt.meta").version == 1
    state(tmp_path, "one.ckpt")
    assert find_checkpoint(tmp_path) == FoundCheckpoint(str(tmp_path / "one.ckpt"), 1)


def test_v1_shards(tmp_path: pathlib.Path) -> None:
    for number in range(2):
        save_v1(tmp_path / f"s-{number:05d}-of-00002")
    expected = FoundCheckpoint(str(tmp_path / "s-?????-of-00002"), 1)
    for name in ("s", "s-00001-of-00002", "s-?????-of-00002", "s.meta", "."):
        assert find_checkpoint(os.path.normpath(tmp_path / name)) == expected
    state(tmp_path, "s-?????-of-00002")
    assert find_checkpoint(tmp_path) == expected
    (tmp_path / "s-00000-of-00002").unlink()
    for name in ("s", "s-00001-of-00002"):
        with pytest.raises(errors.NotFoundError, match="not whole: there are s-00001-of-00002"):
            find_checkpoint(tmp_path / name)


# ------------------------------------------------------------------------------ what is not found


def test_nothing_of_that_name(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "model.ckpt-500")
    for name in ("model.ckpt-50", "model.ckpt", "model.ckpt-50.index", "model.ckpt-50.meta"):
        with pytest.raises(FileNotFoundError, match="There is no checkpoint") as caught:
            find_checkpoint(tmp_path / name)
        assert "'model.ckpt-500'" in str(caught.value)
    with pytest.raises(errors.NotFoundError, match=r"Checkpoints there: model\.ckpt-500"):
        find_checkpoint(tmp_path / "zzz")
    with pytest.raises(errors.NotFoundError, match=r"There is no folder .*/nowhere"):
        find_checkpoint(tmp_path / "nowhere" / "m")
    with pytest.raises(errors.NotFoundError):
        find_checkpoint("")


def test_parts_without_the_index(tmp_path: pathlib.Path) -> None:
    (tmp_path / "m.meta").touch()
    with pytest.raises(
        errors.NotFoundError, match=r"m.meta is there: the graph, without the values"
    ):
        find_checkpoint(tmp_path / "m.meta")
    (tmp_path / "m.data-00000-of-00001").touch()
    for name in ("m", "m.data-00000-of-00001", "m.index"):
        with pytest.raises(errors.NotFoundError, match="Its data is there, but only the index"):
            find_checkpoint(tmp_path / name)


def test_folders_that_do_not_tell(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.NotFoundError, match=r"no checkpoint in the folder .*no files"):
        find_checkpoint(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(errors.NotFoundError, match=r"It has notes.txt"):
        find_checkpoint(tmp_path)
    for number in range(12):
        save(tmp_path / f"m-{number:02d}")
    with pytest.raises(errors.InvalidArgumentError, match=r"has 12 .*m-00, m-01.* and 4 more"):
        find_checkpoint(tmp_path)


def test_state_that_names_nothing_there(tmp_path: pathlib.Path) -> None:
    state(tmp_path, "gone-2", "gone-1")
    with pytest.raises(
        errors.NotFoundError, match=r"names the checkpoint 'gone-2'.*No checkpoint is"
    ):
        find_checkpoint(tmp_path)
    save(tmp_path / "a")
    save(tmp_path / "b")
    with pytest.raises(errors.NotFoundError, match="Checkpoints there: a, b"):
        find_checkpoint(tmp_path)


def test_state_that_is_none(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "m")
    (tmp_path / "checkpoint").write_bytes(b"\x00\xff garbage")
    with pytest.raises(errors.DataLossError, match="is not a checkpoint state file"):
        find_checkpoint(tmp_path)
    (tmp_path / "checkpoint").write_bytes(b"")
    with pytest.raises(errors.InvalidArgumentError, match="names no checkpoint"):
        find_checkpoint(tmp_path)


def test_state_that_names_itself(tmp_path: pathlib.Path) -> None:
    for name in ("checkpoint", ".", "..", ""):
        path = state(tmp_path, name)
        with pytest.raises((errors.NotFoundError, errors.InvalidArgumentError)):
            find_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is an empty file. A checkpoint was expected"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html><body>not found, and some more text</body></html>", "web page"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b'node {\n  name: "x"\n  op: "Placeholder"\n}\nversions { producer: 22 }\n', "pbtxt"),
        (b"just some words of text that go on for longer than the footer is", "a text file"),
        (bytes(257) + b"ustar" + bytes(300), "tar archive"),
        (b"\x00\x01\x02" * 40, "bad magic number, its last 8 bytes should be 0xdb47"),
    ],
)
def test_other_files_are_named(tmp_path: pathlib.Path, content: bytes, words: str) -> None:
    for name in ("model.ckpt", "m.index"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.DataLossError, match=rf"(?s)model.ckpt .*{words}"):
        find_checkpoint(tmp_path / "model.ckpt")


def test_index_under_another_name(tmp_path: pathlib.Path) -> None:
    save(tmp_path / "m")
    (tmp_path / "m.index").rename(tmp_path / "index_of_m")
    with pytest.raises(errors.InvalidArgumentError, match=r"its name has to end in .index"):
        find_checkpoint(tmp_path / "index_of_m")


def test_unknown_bytes_are_not_guessed() -> None:
    assert describe(b"\x0a\x05hello\x12\x00\x00") is None
    assert describe("é text".encode()) == "a text file"


# ------------------------------------------------------------------------------------- real files


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "cls", "words"),
    [
        ("state_missing_ckpt", errors.NotFoundError, "names the checkpoint 'gone-1'"),
        ("state_garbage", errors.DataLossError, "not a checkpoint state file"),
        ("state_empty", errors.InvalidArgumentError, "names no checkpoint"),
        ("state_unknown_field", errors.DataLossError, "not a checkpoint state file"),
        ("index_missing/m", errors.NotFoundError, "Its data is there, but only the index"),
        ("v1_truncated/m.ckpt", errors.DataLossError, "m.ckpt is not a sorted table"),
        ("v1_wrong_magic/m.ckpt", errors.DataLossError, "m.ckpt is not a sorted table"),
        ("v1_zero_length/m.ckpt", errors.DataLossError, "m.ckpt is an empty file"),
        ("v1_flip/m.ckpt", errors.DataLossError, "m.ckpt is damaged: block checksum mismatch"),
        ("meta_garbage/m.meta", errors.NotFoundError, "m.meta is there: the graph"),
        ("graph_garbage/g.pb", errors.DataLossError, "g.pb is"),
    ],
)
def test_damaged_files(
    shared: pathlib.Path, case: str, cls: type[errors.OpError], words: str
) -> None:
    with pytest.raises(cls, match=words):
        find_checkpoint(shared / "data" / "edge" / "corrupt" / case)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "prefix", "version"),
    [
        ("edge/adam_ref", "model.ckpt-8", 2),
        ("edge/sharded_v2", "model.ckpt", 2),
        ("edge/sharded_v1", "model.ckpt-?????-of-00003", 1),
        ("edge/part_v1", "model.ckpt-5", 1),
        ("edge/adam_ref/saved_model", "variables/variables", 2),
        ("edge/object_based", "ckpt-1", 2),
        (
            "artifacts/tf15/tensorflow/contrib/session_bundle/testdata/half_plus_two/00000123",
            "export-?????-of-00001",
            1,
        ),
        ("artifacts/t2t/tensor2tensor/test_data/transformer_test_ckpt", "model.ckpt-1", 2),
    ],
)
def test_real_folders(shared: pathlib.Path, folder: str, prefix: str, version: int) -> None:
    found = find_checkpoint(shared / "data" / folder)
    assert (found.prefix, found.version) == (str(shared / "data" / folder / prefix), version)
