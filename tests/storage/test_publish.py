"""Publication: all files or none, also when the process dies at the worst moment."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from evergraph import errors
from evergraph.storage import publish
from evergraph.storage.publish import Publication, publish_bytes, settle


def names(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_files_appear_with_their_content(
    tmp_path: pathlib.Path, durability: publish.Durability
) -> None:
    with Publication(durability) as files:
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
        with Publication() as files:
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
    with pytest.raises(errors.NotFoundError), Publication(make_folders=False) as files:
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
        events.append("rename " + os.path.basename(new))
        real_replace(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    for durability, expected in {
        "full": "sync d; sync i; rename d; rename i; sync new; sync " + tmp_path.name,
        "file": "sync d; sync i; rename d; rename i",
        "none": "rename d; rename i",
    }.items():
        events.clear()
        with Publication(durability) as files:  # type: ignore[arg-type]
            files.create(tmp_path / "new" / "d").write(b"d")
            files.create(tmp_path / "new" / "i").write(b"i")
        assert "; ".join(events) == expected


def test_refusals(tmp_path: pathlib.Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), Publication() as files:
        files.create(tmp_path / "folder")
    with pytest.raises(errors.InvalidArgumentError, match="'full', 'file' or 'none'"):
        Publication("fast")  # type: ignore[arg-type]
    with Publication() as files:
        files.create(tmp_path / "a")
        with pytest.raises(errors.InvalidArgumentError, match="one folder"):
            files.create(tmp_path / "folder" / "b")
        with pytest.raises(errors.ResourceExhaustedError, match=r"needs 1,\d.*left. Nothing"):
            files.create(tmp_path / "b", expected_bytes=1 << 60)
    with pytest.raises(errors.InvalidArgumentError, match=r"too long: .* has 2\d\d bytes"):
        publish_bytes(tmp_path / ("n" * 250), b"")
    with pytest.raises(errors.UnimplementedError):
        Publication().create("gs://bucket/file")
    assert names(tmp_path) == ["a", "folder"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_while_writing(tmp_path: pathlib.Path) -> None:
    publish_bytes(tmp_path / "m", b"old")

    def fill() -> None:
        with Publication() as files:
            file = files.create(tmp_path / "m")
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, file._descriptor)
            os.close(full)
            file.write(b"x" * 1_000_000)

    with pytest.raises(errors.StorageFullError, match="No space left"):
        fill()
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"old"


# ------------------------------------------------------------------------------------- dead savers

SAVE = """
import os, signal, sys
from evergraph.storage.publish import Publication
folder, moment = sys.argv[1], int(sys.argv[2])
count = 0
def step(real):
    def counted(*args):
        global count
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return real(*args)
    return counted
for name in ("open", "write", "fsync", "replace", "close"):
    setattr(os, name, step(getattr(os, name)))
with Publication() as files:
    files.create(folder + "/m.data").write(b"new data")
    files.create(folder + "/m.index").write(b"new index")
os._exit(7)
"""


def state(folder: pathlib.Path) -> tuple[bytes, bytes]:
    return (folder / "m.data").read_bytes(), (folder / "m.index").read_bytes()


@pytest.mark.parametrize("moment", range(14))
def test_killed_at_any_step(tmp_path: pathlib.Path, moment: int) -> None:
    old, new = (b"old data", b"old index"), (b"new data", b"new index")
    publish_bytes(tmp_path / "m.data", old[0])
    publish_bytes(tmp_path / "m.index", old[1])
    done = subprocess.run([sys.executable, "-c", SAVE, tmp_path, str(moment)], check=False)
    assert done.returncode in (-signal.SIGKILL, 7)
    for name in names(tmp_path):
        assert re.fullmatch(r"m\.(data|index)(\.evergraph-tmp-\d+-\w{8}-\w{8}-[01])?", name)

    settle(str(tmp_path))
    assert names(tmp_path) == ["m.data", "m.index"]
    assert state(tmp_path) in (old, new)
    if done.returncode == 7:
        assert state(tmp_path) == new


def leftover(folder: pathlib.Path, target: str, number: int, process: int, content: bytes) -> None:
    name = f"{target}.evergraph-tmp-{process}-{publish._host()}-0badcafe-{number}"
    (folder / name).write_bytes(content)


@pytest.fixture
def dead() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_half_renamed_set_is_completed(tmp_path: pathlib.Path, dead: int) -> None:
    publish_bytes(tmp_path / "m.index", b"old index")
    publish_bytes(tmp_path / "m.data", b"new data")
    leftover(tmp_path, "m.index", 1, dead, b"new index")
    assert len(settle(str(tmp_path), {"m.data"})) == 0
    assert len(settle(str(tmp_path), {"m.index"})) == 1
    assert state(tmp_path) == (b"new data", b"new index")


def test_but_not_over_a_newer_file(tmp_path: pathlib.Path, dead: int) -> None:
    leftover(tmp_path, "m.index", 1, dead, b"stale index")
    [name] = names(tmp_path)
    os.utime(tmp_path / name, ns=(0, 10**18))
    publish_bytes(tmp_path / "other", b"")
    (tmp_path / "m.index").write_bytes(b"later index")
    assert settle(str(tmp_path)) == [name]
    assert (tmp_path / "m.index").read_bytes() == b"later index"


def test_next_save_settles_its_own_files_first(tmp_path: pathlib.Path, dead: int) -> None:
    leftover(tmp_path, "m.data", 0, dead, b"torn")
    leftover(tmp_path, "m.index", 1, dead, b"torn")
    leftover(tmp_path, "other", 2, os.getpid(), b"being written")
    publish_bytes(tmp_path / "m.data", b"data")
    assert [name for name in names(tmp_path) if "-1" in name and "m.index" in name] == []
    assert (tmp_path / "m.data").read_bytes() == b"data"
    assert any(name.startswith("other.evergraph-tmp") for name in names(tmp_path))


def test_leftovers_of_living_or_distant_processes_stay(tmp_path: pathlib.Path, dead: int) -> None:
    leftover(tmp_path, "m", 0, os.getpid(), b"")
    (tmp_path / f"m.evergraph-tmp-{dead}-ffffffff-0badcafe-0").touch()
    (tmp_path / "m.evergraph-tmp-notes.txt").touch()
    assert settle(str(tmp_path)) == []
    assert len(names(tmp_path)) == 3
