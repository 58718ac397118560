"""What dead writers leave is completed or removed, and nobody else's files are touched."""

from __future__ import annotations

import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from evergraph import errors
from evergraph.storage import leftovers
from evergraph.storage.leftovers import heal, settle
from evergraph.storage.local_publication import LocalPublication
from evergraph.storage.publish import publish_bytes
from evergraph.storage.removal import remove_together

SAVE = """
import os, signal, sys
from evergraph.storage.local_publication import LocalPublication
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
with LocalPublication() as files:
    files.create(folder + "/m.data").write(b"new data")
    files.create(folder + "/m.index", commit=True).write(b"new index")
    files.create(folder + "/m.meta").write(b"new meta")
os._exit(7)
"""


def names(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names(folder)}


@pytest.mark.parametrize("moment", range(30))
def test_killed_at_any_step(tmp_path: pathlib.Path, moment: int) -> None:
    old = {"m.data": b"old data", "m.index": b"old index", "m.meta": b"old meta"}
    new = {"m.data": b"new data", "m.index": b"new index", "m.meta": b"new meta"}
    for name, value in old.items():
        publish_bytes(tmp_path / name, value)
    done = subprocess.run([sys.executable, "-c", SAVE, tmp_path, str(moment)], check=False)
    assert done.returncode in (-signal.SIGKILL, 7)
    for name in names(tmp_path):
        pattern = r"m\.(data|index|meta)(\.evergraph-(tmp|new)-\d+-\w{8}-\w{8}-[012])?"
        assert re.fullmatch(pattern, name)

    settle(str(tmp_path))
    assert contents(tmp_path) in (old, new)
    if done.returncode == 7:
        assert contents(tmp_path) == new


def leftover(
    folder: pathlib.Path, target: str, number: int, process: int, content: bytes, kind: str = "tmp"
) -> pathlib.Path:
    mark = f"{kind}-{process}-{leftovers._host()}-0badcafe-{number}"
    path = folder / f"{target}.evergraph-{mark}"
    path.write_bytes(content)
    return path


@pytest.fixture
def dead() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_sealed_set_is_completed(tmp_path: pathlib.Path, dead: int) -> None:
    publish_bytes(tmp_path / "m.index", b"old index")
    publish_bytes(tmp_path / "m.meta", b"new meta")
    leftover(tmp_path, "m.data", 0, dead, b"new data")
    leftover(tmp_path, "m.index", 1, dead, b"new index", "new")
    assert heal(str(tmp_path / "m.index"))
    assert contents(tmp_path) == {
        "m.data": b"new data",
        "m.index": b"new index",
        "m.meta": b"new meta",
    }
    assert not heal(str(tmp_path / "m.index"))


def test_but_not_over_a_newer_file(tmp_path: pathlib.Path, dead: int) -> None:
    stale = leftover(tmp_path, "m.index", 1, dead, b"stale index", "new")
    os.utime(stale, ns=(0, 10**18))
    (tmp_path / "m.index").write_bytes(b"later index")
    assert settle(str(tmp_path)) == [stale.name]
    assert contents(tmp_path) == {"m.index": b"later index"}


def test_the_next_save_sweeps_the_folder(tmp_path: pathlib.Path, dead: int) -> None:
    leftover(tmp_path, "m-1.data", 0, dead, b"torn")
    leftover(tmp_path, "m-1.index", 1, dead, b"torn")
    publish_bytes(tmp_path / "m-2.data", b"data")
    assert contents(tmp_path) == {"m-2.data": b"data"}


def test_what_is_being_written_stays(tmp_path: pathlib.Path) -> None:
    with LocalPublication() as mine:
        file = mine.create(tmp_path / "m")
        file.write(b"slow")
        file.flush()
        os.utime(file.temporary, ns=(0, 0))  # a writer that waited for a year
        assert settle(str(tmp_path)) == []
    assert contents(tmp_path) == {"m": b"slow"}


def test_an_unlocked_file_of_a_number_in_use_goes_by_its_age(tmp_path: pathlib.Path) -> None:
    """In a container, every trainer is process 1."""
    young = leftover(tmp_path, "a", 0, os.getpid(), b"")
    old = leftover(tmp_path, "b", 1, os.getpid(), b"")
    old.rename(tmp_path / old.name.replace("0badcafe", "0badf00d"))
    os.utime(tmp_path / old.name.replace("0badcafe", "0badf00d"), (time.time() - 60,) * 2)
    assert settle(str(tmp_path)) == [old.name.replace("0badcafe", "0badf00d")]
    assert names(tmp_path) == [young.name]


def test_a_number_that_no_process_can_have(tmp_path: pathlib.Path) -> None:
    """A folder from a stranger: the next save goes on, and the file goes as one that nobody writes."""
    leftover(tmp_path, "a", 0, 10**20, b"")
    publish_bytes(tmp_path / "m", b"data")
    assert contents(tmp_path) == {"m": b"data"}


def test_files_of_another_machine_stay_for_a_week(tmp_path: pathlib.Path, dead: int) -> None:
    for name in ("new", "old"):
        (tmp_path / f"{name}.evergraph-tmp-{dead}-ffffffff-0000000{len(name)}-0").touch()
    (tmp_path / "m.evergraph-tmp-notes.txt").touch()
    assert settle(str(tmp_path)) == []
    distant = tmp_path / f"old.evergraph-tmp-{dead}-ffffffff-00000003-0"
    os.utime(distant, (time.time() - 8 * 24 * 3600,) * 2)
    (tmp_path / f"new.evergraph-tmp-{dead}-ffffffff-00000003-0").unlink()
    assert settle(str(tmp_path)) == [distant.name]


def test_a_reader_waits_for_a_writer_between_its_renames(tmp_path: pathlib.Path) -> None:
    sealed = leftover(tmp_path, "m.index", 1, os.getpid(), b"new", "new")

    def finish() -> None:
        time.sleep(0.05)
        os.replace(sealed, tmp_path / "m.index")

    writer = threading.Thread(target=finish)
    writer.start()
    assert heal(str(tmp_path / "m.index"))
    writer.join()
    assert contents(tmp_path) == {"m.index": b"new"}


def test_a_set_that_its_own_process_gave_up_is_anybodys(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def refuse(old: str, new: str) -> None:
        if new.endswith("m.index"):
            raise OSError(5, "Input/output error")
        real(old, new)

    def save() -> None:
        with LocalPublication() as files:
            files.create(tmp_path / "m.data").write(b"data")
            files.create(tmp_path / "m.index", commit=True).write(b"index")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(errors.UnknownError, match="Input/output"):
            save()
    settle(str(tmp_path))
    assert contents(tmp_path) == {"m.data": b"data", "m.index": b"index"}


def test_parts_that_were_never_merged_go_after_a_day(tmp_path: pathlib.Path) -> None:
    for name in ("m-1_temp", "m-2_temp", "my_temp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part-00000-of-00002.index").touch()
        (tmp_path / name / "part-00000-of-00002.data-00000-of-00001").touch()
    (tmp_path / "my_temp" / "notes.txt").touch()
    long_ago = (time.time() - 25 * 3600,) * 2
    for name in ("m-1_temp", "my_temp"):
        for path in [*(tmp_path / name).iterdir(), tmp_path / name]:
            os.utime(path, long_ago)
    assert settle(str(tmp_path)) == ["m-1_temp"]
    assert names(tmp_path) == ["m-2_temp", "my_temp"]


def test_a_removal_that_died_is_completed(tmp_path: pathlib.Path, dead: int) -> None:
    for name in ("m.data", "m.meta", "n.index", "m.index"):
        (tmp_path / name).write_bytes(b"old")
        os.utime(tmp_path / name, (0, 0))
    leftover(tmp_path, "m.index", 0, dead, b"m.index\nm.data\nm.meta\n../n.index\n\n.", "old")
    (tmp_path / "m.index").write_bytes(b"saved again")
    os.utime(tmp_path / "m.index", (time.time() + 9,) * 2)
    assert len(settle(str(tmp_path))) == 1
    assert contents(tmp_path) == {"m.index": b"saved again", "n.index": b"old"}


def test_files_are_removed_together(tmp_path: pathlib.Path) -> None:
    for name in ("m.data", "m.index", "n"):
        (tmp_path / name).touch()
    remove_together([str(tmp_path / name) for name in ("m.index", "m.data", "m.meta")])
    assert names(tmp_path) == ["n"]
    remove_together([str(tmp_path / "m.index")])
    assert names(tmp_path) == ["n"]


def test_what_shares_data_with_older_ones_and_was_saved_again_stays(
    tmp_path: pathlib.Path, dead: int
) -> None:
    (tmp_path / "base.data").write_bytes(b"shared")
    os.utime(tmp_path / "base.data", (0, 0))
    (tmp_path / "m.old").write_bytes(b"old")
    time.sleep(0.02)
    leftover(tmp_path, "m.index", 0, dead, b"m.index\nm.data\nm.old", "old")
    time.sleep(0.02)
    os.link(tmp_path / "base.data", tmp_path / "m.data")
    (tmp_path / "m.index").write_bytes(b"saved again")
    assert len(settle(str(tmp_path))) == 1
    assert names(tmp_path) == ["base.data", "m.data", "m.index"]


def test_a_signal_handler_that_saves_does_not_wait_for_its_own_thread(
    tmp_path: pathlib.Path,
) -> None:
    with leftovers.turn(str(tmp_path)):
        with leftovers.turn(str(tmp_path)):
            publish_bytes(tmp_path / "a", b"a")
        held = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):  # the inner one has not ended the outer one
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)


def test_a_fork_does_not_keep_the_turn(tmp_path: pathlib.Path) -> None:
    with leftovers.turn(str(tmp_path)):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    try:
        held = os.open(tmp_path, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(held)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_somebody_who_looks_does_not_keep_a_writer_from_its_lock(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.touch()
    looking, writing = os.open(path, os.O_RDONLY), os.open(path, os.O_WRONLY)
    fcntl.flock(looking, fcntl.LOCK_EX)
    writer = threading.Thread(target=leftovers.lock, args=(writing,))
    writer.start()
    writer.join(0.1)
    assert writer.is_alive()
    fcntl.flock(looking, fcntl.LOCK_UN)
    writer.join(10)
    assert not writer.is_alive()
    with pytest.raises(BlockingIOError):
        fcntl.flock(looking, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(looking)
    os.close(writing)
