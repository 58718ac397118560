"""``gfile`` over remote stores: one that knows folders, one that knows objects only, and one that renames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest

import evergraph
from evergraph import errors
from evergraph.storage import file_io, gfile, gfile_lower
from tests.storage.renaming_store import RenamingStore
from tests.storage.store_server import BUCKET, StoreServer
from tests.storage.stores import SERVERS


@pytest.fixture
def top(remote: str) -> str:
    """A folder of its own in each kind of store."""
    return remote


def put(path: str, content: str | bytes = "x") -> None:
    with gfile.GFile(path, "wb") as file:
        file.write(content)


def get(path: str) -> Any:
    return gfile.GFile(path, "rb").read()


def tree(top: str) -> None:
    for name in ("m/a.txt", "m/n/b.txt", "m/n/.hid", "m/b"):
        put(f"{top}/{name}")


# ------------------------------------------------------------------------------------------- GFile


def test_reading(top: str) -> None:
    put(f"{top}/l", b"line1\nline2\r\n\xc3\xa9nd")
    assert gfile.GFile(f"{top}/l").read() == "line1\nline2\r\nénd"
    assert gfile.GFile(f"{top}/l").readlines() == ["line1\n", "line2\n", "énd"]
    with gfile.GFile(f"{top}/l", "rb") as file:
        assert (file.size(), file.read(2), file.tell()) == (17, b"li", 2)
        file.seek(-3, 2)
        assert (file.read(), file.read()) == (b"\xa9nd", b"")
        with pytest.raises(errors.OutOfRangeError):
            file.seek(100)
    with pytest.raises(errors.NotFoundError, match=r"no; No such file or directory"):
        gfile.GFile(f"{top}/no").read()


def test_every_mode_that_writes(top: str) -> None:
    path = f"{top}/f"
    put(path, "0123")
    with gfile.GFile(path, "a") as file:
        file.write("!!")
    assert get(path) == b"0123!!"
    with gfile.GFile(path, "r+") as file:
        assert file.read(3) == "012"
        file.write("ZZ")
    assert get(path) == b"012ZZ!"
    with gfile.GFile(path, "a+") as file:
        assert file.read(2) == "01"
        file.write("Q")
    assert get(path) == b"012ZZ!Q"
    both = gfile.GFile(path, "w+")
    both.write("abc")
    both.flush()
    assert both.read() == "abc"
    both.write("de")
    both.close()
    assert get(path) == b"abcde"
    with gfile.GFile(f"{top}/new", "a") as file:
        file.write("n")
    assert get(f"{top}/new") == b"n"
    with pytest.raises(errors.NotFoundError):
        gfile.GFile(f"{top}/none", "r+").write("x")


def test_what_is_written_is_there_after_flush(top: str) -> None:
    file = gfile.GFile(f"{top}/events", "w")
    for step in range(3):
        file.write(f"{step}\n")
        file.flush()
        assert get(f"{top}/events") == "".join(f"{n}\n" for n in range(step + 1)).encode()
    file.close()


def test_a_large_file(top: str) -> None:
    content = bytes(range(256)) * (40 << 12)
    put(f"{top}/large", content)
    assert get(f"{top}/large") == content
    with gfile.GFile(f"{top}/large", "ab") as file:
        file.write(b"end")
    assert gfile.Stat(f"{top}/large").length == len(content) + 3


def test_an_empty_file(top: str) -> None:
    put(f"{top}/d/empty", b"")
    assert (get(f"{top}/d/empty"), gfile.Stat(f"{top}/d/empty").length) == (b"", 0)
    gfile.Copy(f"{top}/d/empty", f"{top}/d/other")
    assert gfile.ListDirectory(f"{top}/d") == ["empty", "other"]


# ----------------------------------------------------------------------------------------- folders


def test_exists_stat_and_folders(top: str) -> None:
    tree(top)
    assert [gfile.Exists(f"{top}/{p}") for p in ("m", "m/a.txt", "m/no", "no")] == [
        True,
        True,
        False,
        False,
    ]
    assert [gfile.IsDirectory(f"{top}/{p}") for p in ("m", "m/", "m/a.txt", "no")] == [
        True,
        True,
        False,
        False,
    ]
    found = gfile.Stat(f"{top}/m/a.txt")
    assert (found.length, found.is_directory) == (1, False)
    assert found.mtime_nsec > 1.7e18
    assert gfile.Stat(f"{top}/m").is_directory
    with pytest.raises(errors.NotFoundError, match=r"Nearest names there: 'a\.txt'"):
        gfile.Stat(f"{top}/m/b.txt")


def test_lists_globs_and_walks(top: str) -> None:
    tree(top)
    assert gfile.ListDirectory(f"{top}/m") == ["a.txt", "b", "n"]
    for path in ("no", "m/b"):
        with pytest.raises(errors.NotFoundError, match="Could not find directory"):
            gfile.ListDirectory(f"{top}/{path}")
    assert gfile.Glob(f"{top}/m/*.txt") == [f"{top}/m/a.txt"]
    assert gfile.Glob(f"{top}/*/*/*") == [f"{top}/m/n/.hid", f"{top}/m/n/b.txt"]
    assert gfile.Glob([f"{top}/m/b", f"{top}/zz/*"]) == [f"{top}/m/b"]
    walked = [(f"{top}/m", ["n"], ["a.txt", "b"]), (f"{top}/m/n", [], [".hid", "b.txt"])]
    assert list(gfile.Walk(f"{top}/m")) == walked
    assert list(gfile_lower.walk(f"{top}/m", topdown=False)) == walked[::-1]
    failures: list[Exception] = []
    assert list(gfile_lower.walk(f"{top}/no", onerror=failures.append)) == []
    assert len(failures) == 1


def test_what_somebody_else_writes_is_seen(top: str) -> None:
    put(f"{top}/d/a")
    assert gfile.ListDirectory(f"{top}/d") == ["a"]
    assert not gfile.Exists(f"{top}/d/b")
    kind, _, _ = top.partition("://")
    other = fsspec.filesystem(kind, skip_instance_cache=True)
    other.pipe_file(f"{top}/d/b", b"22")
    assert gfile.ListDirectory(f"{top}/d") == ["a", "b"]
    assert gfile.Stat(f"{top}/d/b").length == 2


def test_what_lies_in_a_bucket_after_the_buckets_have_been_listed(
    bucket: str, server: StoreServer
) -> None:
    put(f"{bucket}/file")
    assert BUCKET in gfile.ListDirectory(f"{server.scheme}://")
    assert gfile.IsDirectory(bucket)
    assert not gfile.Exists(f"{bucket}-not")


def test_making_folders(top: str) -> None:
    gfile.MakeDirs(f"{top}/d/e/f")
    gfile.MakeDirs(f"{top}/d/e/f")
    gfile.MkDir(f"{top}/d/e/f")
    put(f"{top}/d/e/f/file")
    assert gfile.IsDirectory(f"{top}/d/e/f")
    with pytest.raises(errors.FailedPreconditionError, match="a file of this name"):
        gfile.MakeDirs(f"{top}/d/e/f/file")
    if not top.startswith(SERVERS):
        gfile.MakeDirs(f"{top}/empty")
        assert gfile.IsDirectory(f"{top}/empty")
        assert gfile.ListDirectory(f"{top}/empty") == []
        with pytest.raises(errors.NotFoundError, match="no folder"):
            gfile.MkDir(f"{top}/nobody/made/this")


def test_removing(top: str) -> None:
    tree(top)
    gfile.Remove(f"{top}/m/b")
    with pytest.raises(errors.NotFoundError):
        gfile.Remove(f"{top}/m/b")
    with pytest.raises(errors.FailedPreconditionError, match="DeleteRecursively"):
        gfile.Remove(f"{top}/m/n")
    gfile.DeleteRecursively(f"{top}/m/n")
    assert gfile.ListDirectory(f"{top}/m") == ["a.txt"]
    with pytest.raises(errors.NotFoundError):
        gfile.DeleteRecursively(f"{top}/m/n")
    gfile.DeleteRecursively(f"{top}/m/a.txt")
    assert not gfile.Exists(f"{top}/m/a.txt")


def test_a_bucket_is_emptied_not_removed(server: StoreServer) -> None:
    fsspec.filesystem(server.scheme).mkdir("another")
    another = f"{server.scheme}://another"
    put(f"{another}/a/b")
    put(f"{another}/c")
    gfile.DeleteRecursively(another)
    assert gfile.ListDirectory(another) == []


# ------------------------------------------------------------------------------------ copy, rename


def test_copying(top: str) -> None:
    put(f"{top}/a", "A")
    gfile.Copy(f"{top}/a", f"{top}/d/b")
    with pytest.raises(errors.AlreadyExistsError):
        gfile.Copy(f"{top}/a", f"{top}/d/b")
    put(f"{top}/a", "new")
    gfile_lower.copy(f"{top}/a", f"{top}/d/b", overwrite=True)
    gfile.Copy(f"{top}/a", f"{top}/a", overwrite=True)
    assert (get(f"{top}/a"), get(f"{top}/d/b")) == (b"new", b"new")
    for old, new in (("no", "x"), ("d", "x"), ("a", "d")):
        with pytest.raises((errors.NotFoundError, errors.FailedPreconditionError)):
            gfile.Copy(f"{top}/{old}", f"{top}/{new}", overwrite=True)


def test_copying_between_stores(top: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40_000
    local = str(tmp_path / "file")
    put(local, content)
    gfile.Copy(local, f"{top}/there")
    gfile.Copy(f"{top}/there", f"memory://elsewhere/{top[-8:]}")
    gfile.Copy(f"memory://elsewhere/{top[-8:]}", local + "2")
    assert get(local + "2") == content
    with pytest.raises(errors.AlreadyExistsError):
        gfile.Copy(local, f"{top}/there")
    with pytest.raises(errors.AlreadyExistsError):
        gfile.Copy(f"{top}/there", local)
    gfile.Copy(f"{top}/there", local, overwrite=True)
    with pytest.raises(errors.NotFoundError):
        gfile.Copy(f"{top}/no", local, overwrite=True)
    assert get(local) == content
    with pytest.raises(errors.UnimplementedError, match="different stores"):
        gfile.Rename(f"{top}/there", local + "3")


def test_renaming(top: str) -> None:
    tree(top)
    put(f"{top}/l", "new")
    gfile.Rename(f"{top}/l", f"{top}/l2")
    assert not gfile.Exists(f"{top}/l")
    with pytest.raises(errors.AlreadyExistsError):
        gfile.Rename(f"{top}/l2", f"{top}/m/a.txt")
    gfile.Rename(f"{top}/l2", f"{top}/m/a.txt", overwrite=True)
    assert get(f"{top}/m/a.txt") == b"new"
    gfile.Rename(f"{top}/m", f"{top}/k")
    assert not gfile.Exists(f"{top}/m")
    assert gfile.ListDirectory(f"{top}/k") == ["a.txt", "b", "n"]
    assert gfile.ListDirectory(f"{top}/k/n") == [".hid", "b.txt"]
    with pytest.raises(errors.NotFoundError):
        gfile.Rename(f"{top}/m", f"{top}/x")
    with pytest.raises(errors.FailedPreconditionError):
        gfile.Rename(f"{top}/k/b", f"{top}/k/n", overwrite=True)


def test_names_beside_gfile(top: str) -> None:
    file_io.write_string_to_file(f"{top}/t", "é")
    assert file_io.read_file_to_string(f"{top}/t") == "é"
    file_io.atomic_write_string_to_file(f"{top}/t", b"\xc3\xa9!")
    assert file_io.read_file_to_string(f"{top}/t", binary_mode=True) == b"\xc3\xa9!"
    with pytest.raises(errors.AlreadyExistsError):
        file_io.atomic_write_string_to_file(f"{top}/t", "x", overwrite=False)
    assert gfile_lower.join(top, "a", "b") == f"{top}/a/b"
    assert {"", "file", "s3", "gs", "ram"} <= set(gfile_lower.get_registered_schemes())
    assert not file_io.has_atomic_move(top)


# --------------------------------------------------------------------------- a store that renames


@pytest.mark.parametrize("end", [".data-00000-of-00002", ".index"])
def test_a_renaming_that_fails(renaming: str, end: str) -> None:
    prefix = f"{renaming}/m"
    evergraph.save_checkpoint(prefix, {"x": 1})
    RenamingStore.fails_at = end
    try:
        with pytest.raises(errors.OpError):
            evergraph.save_checkpoint(prefix, {"x": 2})
    finally:
        RenamingStore.fails_at = ""
    with evergraph.open_checkpoint(prefix) as checkpoint:
        assert checkpoint["x"] == 1
    assert not gfile.Glob(f"{prefix}*tmp*")
    evergraph.save_checkpoint(prefix, {"x": 3})
    with evergraph.open_checkpoint(prefix) as checkpoint:
        assert checkpoint["x"] == 3
