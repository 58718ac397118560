"""Publication: all files or none, also when the process dies at the worst moment."""

from __future__ import annotations

import os
import pathlib

import pytest

from evergraph import errors
from evergraph.storage import publish
from evergraph.storage.local_publication import LocalPublication
from evergraph.storage.publish import one_set, publication, publish_bytes


def names(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_files_appear_with_their_content(
    tmp_path: pathlib.Path, durability: publish.Durability
) -> None:
    with LocalPublication(durability) as files:
        data = files.create(tmp_path / "m.data")
        data.write(b"a" * 10)
        data.write(memoryview(bytearray(b"b" * 1_000_000)))
        data.write(b"c")
        index = files.create(tmp_path / "m.index", expected_bytes=1)
        index.write(b"i")
        assert data.position == 1_000_011
        assert not (tmp_path / "m.data").exists()
    assert names(tmp_path) == ["m.data", "m.index"]
    assert (tmp_path / "m.data").read_bytes() == b"a" * 10 + b"b" * 1_000_000 + b"c"


def test_an_error_in_the_block_leaves_nothing_and_the_old_file(tmp_path: pathlib.Path) -> None:
    publish_bytes(tmp_path / "m", b"old")

    def fail() -> None:
        with LocalPublication() as files:
            files.create(tmp_path / "m").write(b"new")
            files.create(tmp_path / "n").write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"old"


def test_old_file_is_replaced_and_open_readers_keep_it(tmp_path: pathlib.Path) -> None:
    publish_bytes(tmp_path / "m", b"old")
    with open(tmp_path / "m", "rb") as reader:
        publish_bytes(tmp_path / "m", b"new")
        assert reader.read() == b"old"
    assert (tmp_path / "m").read_bytes() == b"new"


def test_folders_are_made(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_bytes(tmp_path / "a/b/c", b"x")
    assert (tmp_path / "a/b/c").read_bytes() == b"x"
    monkeypatch.chdir(tmp_path)
    publish_bytes("d/e", b"x")
    publish_bytes("bare", b"x")
    assert names(tmp_path) == ["a", "bare", "d"]
    with pytest.raises(errors.NotFoundError), LocalPublication(make_folders=False) as files:
        files.create(tmp_path / "no/file")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="names open files by /proc")
def test_everything_is_synced_in_order(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def name_of(descriptor: int) -> str:
        path = os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))
        return path.split(".evergraph-tmp")[0]

    def fsync(descriptor: int) -> None:
        events.append("sync " + name_of(descriptor))
        real_sync(descriptor)

    def replace(old: str, new: str) -> None:
        events.append("rename " + os.path.basename(new).split(".evergraph-new")[0])
        real_replace(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    for durability, expected in {
        "full": f"sync d; sync i; sync {tmp_path.name}; sync new; rename i; sync new; rename d; sync new; "
        "rename i; sync new",
        "file": "sync d; sync i; rename i; rename d; rename i",
        "none": "rename i; rename d; rename i",
    }.items():
        events.clear()
        with LocalPublication(durability) as files:  # type: ignore[arg-type]
            files.create(tmp_path / "new" / "d").write(b"d")
            files.create(tmp_path / "new" / "i").write(b"i")
        assert "; ".join(events) == expected


def test_refusals(tmp_path: pathlib.Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), LocalPublication() as files:
        files.create(tmp_path / "folder")
    with pytest.raises(errors.InvalidArgumentError, match="'full', 'file' or 'none'"):
        LocalPublication("fast")  # type: ignore[arg-type]
    with LocalPublication() as files:
        files.create(tmp_path / "a")
        with pytest.raises(errors.InvalidArgumentError, match="one folder"):
            files.create(tmp_path / "folder" / "b")
        with pytest.raises(errors.ResourceExhaustedError, match=r"needs 1,\d.*left. Nothing"):
            files.create(tmp_path / "b", expected_bytes=1 << 60)
    with pytest.raises(errors.InvalidArgumentError, match=r"too long: .* has 2\d\d bytes"):
        publish_bytes(tmp_path / ("n" * 250), b"")
    with pytest.raises(errors.UnimplementedError):
        LocalPublication().create("gs://bucket/file")
    assert names(tmp_path) == ["a", "folder"]


def test_what_is_no_file_is_not_replaced(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(errors.FailedPreconditionError, match="is a device, pipe or socket"):
            publish_bytes(tmp_path / name, b"x")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


def test_a_link_is_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "old").write_bytes(b"old")
    (tmp_path / "link").symlink_to("far/old")
    (tmp_path / "dangling").symlink_to("far/new")
    publish_bytes(tmp_path / "link", b"a")
    publish_bytes(tmp_path / "dangling", b"b")
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "far") == ["new", "old"]
    assert (tmp_path / "far" / "old").read_bytes() == b"a"
    assert (tmp_path / "far" / "new").read_bytes() == b"b"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_while_writing(tmp_path: pathlib.Path) -> None:
    publish_bytes(tmp_path / "m", b"old")

    def fill() -> None:
        with LocalPublication() as files:
            file = files.create(tmp_path / "m")
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, file._descriptor)
            os.close(full)
            file.write(b"x" * 1_000_000)

    with pytest.raises(errors.StorageFullError, match="No space left"):
        fill()
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"old"


def test_a_second_name_for_a_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "old"
    source.write_bytes(b"data")
    with LocalPublication() as files:
        assert files.link(source, tmp_path / "new")
        files.create(tmp_path / "index").write(b"index")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new").samefile(source)
    files = LocalPublication()
    assert not files.link(source, tmp_path / "new")  # it is there
    assert files.link(source, tmp_path / "newer")
    files.discard()
    with pytest.raises(errors.NotFoundError):
        files.link(tmp_path / "nothing", tmp_path / "other")
    monkeypatch.setattr(os, "link", lambda *unused: os.stat("/dev/null/nowhere"))
    assert not files.link(source, tmp_path / "other")
    assert names(tmp_path) == ["index", "new", "old"]
    assert source.read_bytes() == b"data"


def test_publications_inside_of_a_set_belong_to_it(tmp_path: pathlib.Path) -> None:
    with one_set(tmp_path / "m") as files:
        with publication(tmp_path / "m.data") as part:
            part.create(tmp_path / "m.data").write(b"data")
            part.create(tmp_path / "m.index", commit=True).write(b"index")
        with publication(tmp_path / "elsewhere/n") as other:
            other.create(tmp_path / "elsewhere/n").write(b"another set")
        files.create(tmp_path / "m.meta").write(b"meta")
        assert (tmp_path / "elsewhere/n").exists()
        assert not (tmp_path / "m.index").exists()
    assert names(tmp_path) == ["elsewhere", "m.data", "m.index", "m.meta"]
    with publication(tmp_path / "k") as own:
        own.create(tmp_path / "k")
    assert (tmp_path / "k").exists()


def test_a_part_that_fails_leaves_the_set_around_without_it(tmp_path: pathlib.Path) -> None:
    def fail() -> None:
        with publication(tmp_path / "b") as part:
            part.create(tmp_path / "b")
            raise ZeroDivisionError

    with one_set(tmp_path / "m") as files:
        files.create(tmp_path / "a").write(b"a")
        with pytest.raises(ZeroDivisionError):
            fail()
    assert names(tmp_path) == ["a"]
