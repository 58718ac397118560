"""What a writer that died has left in a folder, and how it is completed or removed.

A set of files that is being published (`storage.local_publication`) has two kinds of names beside the targets::

    TARGET.evergraph-tmp-PID-HOST-SET-N    being written, or written and waiting for its name
    TARGET.evergraph-new-PID-HOST-SET-N    the last of a set whose files are all written: the seal

PID and HOST tell whose it is, SET is the same for all files of one set, N is the place in it. The seal is renamed
last. So a set without a seal is one of which nothing was renamed, and it is removed; a set with a seal is whole, and is
completed by the renames that are missing.

A set of files that is being removed has a list beside it, ``TARGET.evergraph-old-PID-HOST-SET-0``, with a name
a line. What it names and is not newer than the list goes, then the list.

Whoever writes a file holds a lock (flock) on it; the lock goes with the process, however it ends. A file that is
locked is somebody's work and stays. Between making a file and locking it, and where a file system knows no
locks, the number of the process decides.

A sharded save also leaves its parts, in a folder ``PREFIX_temp``, where it dies before they are merged.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from evergraph.storage.os_errors import raise_storage_error, storage_errors

_NAME = re.compile(
    r"(.+)\.evergraph-(tmp|new|old)-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)", re.DOTALL
)
_MARK = ".evergraph-"
# Another machine's lock may not be visible here. No save takes that long, so what is older was left.
_ABANDONED_SECONDS = 7 * 24 * 3600.0
# Longer than it takes from making a file to locking it: an unlocked file that is older has no owner, whatever process
# has its number now.
_UNLOCKED_SECONDS = 5.0
_UNMERGED_SECONDS = 24 * 3600.0
_PART = re.compile(r"part-\d{5}-of-\d{5}\.(index|data-)")
_WAIT_SECONDS = 10.0
_LONGEST_LIST = 1 << 20

_given_up: set[str] = set()


class _OfThread(threading.local):
    """What each thread has of its own: the folders (device, inode) in which it has its turn."""

    def __init__(self) -> None:
        self.turns: set[tuple[int, int]] = set()


_of_thread = _OfThread()


@dataclass(frozen=True)
class _Leftover:
    """One temporary file: its name in the folder, and what that says: the name that it was to have, its kind, whose
    it is, its set, its place in the set.
    """

    name: str
    target: str
    kind: str
    process: int
    host: str
    set_id: str
    number: int


def temporary_name(target: str, set_id: str, number: int) -> str:
    """The name under which a file is written that will be ``target``."""
    return f"{target}{_MARK}tmp-{os.getpid()}-{_host()}-{set_id}-{number}"


def removal_name(target: str, set_id: str) -> str:
    """The name of the list of files that are being removed, the first of which is ``target``."""
    return f"{target}{_MARK}old-{os.getpid()}-{_host()}-{set_id}-0"


def seal_name(temporary: str) -> str:
    """The name of the last file of a set once all its files are written."""
    head, _, tail = temporary.rpartition(f"{_MARK}tmp-")
    return f"{head}{_MARK}new-{tail}"


def lock(descriptor: int, shared: bool = False) -> None:
    """Marks an open file as somebody's work, until it is closed or the process ends.

    ``shared``: others may be at work with the same file, under other names. Whoever looks whether the file is locked
    (`settle`) holds the lock for a moment: that is waited for.
    """
    with suppress(OSError):  # no locks here: the process number in the name has to do
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


@contextmanager
def turn(folder: str) -> Iterator[None]:
    """Waits for other writers that are renaming in ``folder``, and keeps others waiting inside of the block.

    A thread that has its turn does not wait for itself: a signal's handler may save, too.
    """
    with storage_errors(folder):
        found = os.stat(folder)
    place = found.st_dev, found.st_ino
    if place in _of_thread.turns:
        yield
        return
    with storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    _of_thread.turns.add(place)
    try:
        # Where there are no locks, writers of one prefix have to know of each other.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        _of_thread.turns.discard(place)
        # Closing is not enough: a forked process may have it open as well.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def give_up(set_id: str) -> None:
    """Tells that this process will not complete a set that it has sealed, or a removal: anybody may."""
    _given_up.add(set_id)


def settle(folder: str) -> list[str]:
    """Completes or removes what writers that are dead left in ``folder``; other writers' files stay.

    Returns:
        The names of the temporary files that are gone now.
    """
    names = _listing(folder)
    gone = _sweep_parts(folder, names)
    for files in _sets(folder, names):
        if not all(_is_abandoned(folder, file) for file in files):
            continue
        is_complete = files[-1].kind == "new"
        for file in files:
            temporary, final = os.path.join(folder, file.name), os.path.join(folder, file.target)
            if file.kind == "old":
                _remove_listed(folder, temporary)
            elif is_complete and not _is_newer(final, temporary):
                with storage_errors(final), suppress(FileNotFoundError):
                    os.replace(temporary, final)
            else:
                _remove_if_there(temporary)
            gone.append(file.name)
    return gone


def _sweep_parts(folder: str, names: Sequence[str]) -> list[str]:
    """Removes, of the names in a folder, those of sharded saves' parts (``PREFIX_temp/part-00000-of-00002...``) that
    were never merged.

    They have no owner's name, and another trainer's may be young: a day is longer than any save.
    """
    gone = []
    for name in names:
        place = os.path.join(folder, name)
        if not name.endswith("_temp") or os.path.islink(place) or not os.path.isdir(place):
            continue
        parts = [os.path.join(place, part) for part in _listing(place)]
        with suppress(OSError):
            newest = max(os.stat(path).st_mtime for path in [place, *parts])
            are_parts = all(_PART.match(os.path.basename(path)) for path in parts)
            if are_parts and time.time() - newest > _UNMERGED_SECONDS:
                for path in parts:
                    os.remove(path)
                os.rmdir(place)
                gone.append(name)
    return gone


def heal(path: str) -> bool:
    """Waits for, or completes, the set that the file ``path`` belongs to if its renames have begun.

    Until they are all done, the files of that set do not fit each other.

    Returns:
        Whether there was such a set, and is no longer. One that stays as it is for ten seconds is nobody's save.
    """
    folder, name = os.path.split(path)
    give_up = time.monotonic() + _WAIT_SECONDS
    found = False
    while _is_half_published(folder or ".", name):
        found = True
        settle(folder or ".")
        if time.monotonic() > give_up:
            return False
        time.sleep(0.001)
    return found


def _is_half_published(folder: str, name: str) -> bool:
    return any(
        files[-1].kind == "new" and any(file.target == name for file in files)
        for files in _sets(folder, _listing(folder))
    )


def _sets(folder: str, names: Sequence[str]) -> list[list[_Leftover]]:
    """The sets among the names in a folder, their files in order, the seal last."""
    sets: dict[str, list[_Leftover]] = {}
    for name in names:
        parts = _NAME.fullmatch(name) if _MARK in name else None
        # Links and pipes of such names are not ours.
        if parts and _plain_file(os.path.join(folder, name)):
            target, kind, process, host, set_id, number = parts.groups()
            file = _Leftover(name, target, kind, int(process), host, set_id, int(number))
            sets.setdefault(f"{process}-{host}-{set_id}", []).append(file)
    return [
        sorted(files, key=lambda file: (file.kind == "new", file.number)) for files in sets.values()
    ]


def _plain_file(path: str) -> os.stat_result | None:
    """What is known of a file; None where there is none, or something else."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _listing(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_abandoned(folder: str, file: _Leftover) -> bool:
    """Whether nobody is writing this temporary file any more."""
    if file.set_id in _given_up:
        return True
    try:
        descriptor = os.open(os.path.join(folder, file.name), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False  # Gone meanwhile, or not ours to look at.
    try:
        age = time.time() - os.fstat(descriptor).st_mtime
        if file.host != _host():
            return age > _ABANDONED_SECONDS
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return age > _UNLOCKED_SECONDS or not _is_alive(file.process)
    except BlockingIOError:
        return False
    except OSError:
        return not _is_alive(file.process)
    finally:
        os.close(descriptor)


def _remove_listed(folder: str, path: str) -> None:
    """Removes the files that a list names, and the list."""
    with storage_errors(path):
        with open(path, "rb") as file:
            written = os.fstat(file.fileno()).st_mtime_ns
            names = file.read(_LONGEST_LIST).splitlines()
        listed = [os.path.join(folder, os.fsdecode(each)) for each in names if b"/" not in each]
        there = {name: found for name in listed if (found := _plain_file(name))}
        # Where they have been saved again, a file that the new ones share with older ones has its old time: but it has
        # got a name since.
        saved_again = any(found.st_mtime_ns > written for found in there.values())
        for name, found in there.items():
            changed = max(found.st_mtime_ns, found.st_ctime_ns if saved_again else 0)
            if changed <= written:
                _remove_if_there(name)
    _remove_if_there(path)


def _is_newer(target: str, temporary: str) -> bool:
    """Whether somebody has written ``target`` since ``temporary`` was left behind."""
    try:
        return os.stat(target).st_mtime_ns > os.stat(temporary).st_mtime_ns
    except FileNotFoundError:
        return False
    except OSError as error:
        raise_storage_error(error, target)


def _remove_if_there(path: str) -> None:
    with storage_errors(path), suppress(FileNotFoundError):
        os.remove(path)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # a file name may hold any number
        return False
    except PermissionError:
        return True
    return True


def _host() -> str:
    """A short mark of this machine: a process number means nothing on another one."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
