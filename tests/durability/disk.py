"""A disk that forgets and fails: what is left of a folder when the power goes at any call of a save.

`Disk` stands between a program and one folder. The program's calls of `os` go through to the real folder; the
disk remembers which bytes and which names have been synced, and can refuse, cut short or stop at any single call.

What survives a power failure is what was synced, and any part of the rest: `Disk.survivors` gives every state that
the folder may be in. A file's bytes survive by ``fsync`` of the file, a name (made, renamed, removed) by ``fsync``
of its folder; names that were not synced survive in any combination (of many: the first so many, all but one, one
alone), with or without the bytes behind them. No real file system is as forgetful, and none promises more.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_MOST_COMBINED = 6


class PowerFailureError(BaseException):
    """The machine is off: nothing that the program does from now on reaches the disk."""


@dataclass(eq=False)
class _Node:
    """A file or folder behind its names."""

    is_folder: bool = False
    #: The bytes as of the last sync; None before the first.
    synced: bytes | None = None


@dataclass
class _Change:
    """A change of names that has not been synced: what it does to them, and in which folders."""

    folders: set[str]
    apply: Callable[[dict[str, _Node]], None]


@dataclass
class Fault:
    """What happens at one call: an errno, ``"short"`` for half of a write, or ``"off"`` for a power failure."""

    call: int
    kind: int | str
    happened: bool = field(default=False, init=False)


class Disk:
    """Watches ``folder`` while it is installed (``with disk.installed(): ...``).

    Attributes:
      calls: what has been called, in order, such as ``"fsync m.index"``.
    """

    def __init__(self, folder: Path, fault: Fault | None = None) -> None:
        self.folder = os.path.realpath(folder)
        self.calls: list[str] = []
        self._fault = fault
        self._is_off = False
        self._names: dict[str, _Node] = {}
        self._opened: dict[int, _Node] = {}
        self._unsynced: list[_Change] = []
        for place, folders, files in os.walk(self.folder):
            self._names[place] = _Node(is_folder=True)
            for name in files:
                path = os.path.join(place, name)
                self._names[path] = _Node(synced=Path(path).read_bytes())
            del folders
        self._synced_names = dict(self._names)

    @property
    def fault_happened(self) -> bool:
        """Whether the call that was to fail has come."""
        return self._fault is not None and self._fault.happened

    # What is left

    def survivors(self) -> Iterator[dict[str, bytes | None]]:
        """Every content that the folder may have after a power failure now: path -> bytes, None for a folder."""
        for survives in _combinations(len(self._unsynced)):
            names = dict(self._synced_names)
            for change in itertools.compress(self._unsynced, survives):
                change.apply(names)
            for with_bytes in (False, True):
                yield {
                    path: self._bytes(path, node, with_bytes)
                    for path, node in names.items()
                    if _has_folders(path, names, self.folder)
                }

    def _bytes(self, path: str, node: _Node, with_bytes: bool) -> bytes | None:
        if node.is_folder:
            return None
        if with_bytes:
            for current, other in self._names.items():
                if other is node and os.path.isfile(current):
                    return Path(current).read_bytes()
        return node.synced or b""

    def write_survivor(self, state: dict[str, bytes | None], target: Path) -> None:
        """Makes ``target`` the folder that ``state`` describes."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in sorted(state):
            place = target / os.path.relpath(path, self.folder)
            contents = state[path]
            if contents is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(contents)
                # In the order in which they came: what has its name is older than what waits for one.
                if ".evergraph-" not in path:
                    os.utime(place, (0, 0))

    # The calls

    def installed(self) -> Any:
        """A context manager: while it is entered, ``os`` goes through this disk."""
        patch = pytest.MonkeyPatch()
        real = {name: getattr(os, name) for name in _WATCHED}
        for name in _WATCHED:
            patch.setattr(os, name, getattr(self, "_" + name)(real[name]))
        return _Undo(patch)

    def _step(self, what: str, path: Any) -> str | None:
        """Counts a call; raises what is to happen at it. ``"short"`` where a write is to be cut."""
        if self._is_off:
            raise PowerFailureError
        number = len(self.calls)
        self.calls.append(f"{what} {os.path.relpath(path, self.folder)}")
        fault = self._fault
        if fault is None or number != fault.call:
            return None
        fault.happened = True
        if fault.kind == "off":
            self._is_off = True
            raise PowerFailureError
        if isinstance(fault.kind, int):
            raise OSError(fault.kind, os.strerror(fault.kind), os.fspath(path))
        return fault.kind

    def _path(self, path: Any) -> str | None:
        """The path of something in the folder; None for what is elsewhere."""
        if isinstance(path, int):
            return None
        text = os.path.realpath(os.path.dirname(os.fsdecode(path)) or ".")
        found = os.path.join(text, os.path.basename(os.fsdecode(path)))
        found = found.rstrip("/")
        return found if (found + "/").startswith(self.folder + "/") else None

    def _change(self, apply: Callable[[dict[str, _Node]], None], *paths: str) -> None:
        apply(self._names)
        self._unsynced.append(_Change({os.path.dirname(path) for path in paths}, apply))

    def _open(self, real: Any) -> Any:
        def call(path: Any, flags: int, *rest: Any, **named: Any) -> int:
            place = self._path(path)
            if place is None:
                return real(path, flags, *rest, **named)
            makes = bool(flags & os.O_CREAT) and not os.path.lexists(place)
            if makes:
                self._step("create", place)
            elif self._is_off:
                raise PowerFailureError
            descriptor: int = real(path, flags, *rest, **named)
            if makes:
                node = _Node()
                self._change(lambda names: names.__setitem__(place, node), place)
            self._opened[descriptor] = self._names[place]
            return descriptor

        return call

    def _close(self, real: Any) -> Any:
        def call(descriptor: int) -> None:
            self._opened.pop(descriptor, None)
            real(descriptor)

        return call

    def _write(self, real: Any) -> Any:
        def call(descriptor: int, data: Any) -> int:
            node = self._opened.get(descriptor)
            if node is None:
                return real(descriptor, data)
            cut = self._step("write", self._name_of(node))
            if cut == "short":
                data = memoryview(data)[: max(1, len(data) // 2)]
            return real(descriptor, data)

        return call

    def _fsync(self, real: Any) -> Any:
        def call(descriptor: int) -> None:
            node = self._opened.get(descriptor)
            if node is None:
                real(descriptor)
                return
            path = self._name_of(node)
            self._step("fsync", path)
            if not node.is_folder:
                node.synced = Path(path).read_bytes()
                return
            for change in [change for change in self._unsynced if path in change.folders]:
                change.apply(self._synced_names)
                self._unsynced.remove(change)

        return call

    def _replace(self, real: Any) -> Any:
        def call(old: Any, new: Any, **named: Any) -> None:
            source, target = self._path(old), self._path(new)
            if source is None or target is None:
                real(old, new, **named)
                return
            self._step("rename", target)
            real(old, new, **named)
            node = self._names[source]

            def apply(names: dict[str, _Node]) -> None:
                names.pop(source, None)
                names[target] = node
                for path in [path for path in names if path.startswith(source + "/")]:
                    names[target + path.removeprefix(source)] = names.pop(path)

            self._change(apply, source, target)

        return call

    _rename = _replace

    def _link(self, real: Any) -> Any:
        def call(old: Any, new: Any, **named: Any) -> None:
            source, target = self._path(old), self._path(new)
            if source is None or target is None:
                real(old, new, **named)
                return
            self._step("link", target)
            real(old, new, **named)
            node = self._names[source]
            self._change(lambda names: names.__setitem__(target, node), target)

        return call

    def _remove(self, real: Any) -> Any:
        def call(path: Any, **named: Any) -> None:
            place = self._path(path)
            if place is None:
                real(path, **named)
                return
            self._step("remove", place)
            real(path, **named)
            self._change(lambda names: names.pop(place, None) and None, place)

        return call

    _unlink = _remove
    _rmdir = _remove

    def _mkdir(self, real: Any) -> Any:
        def call(path: Any, *rest: Any, **named: Any) -> None:
            place = self._path(path)
            if place is None:
                real(path, *rest, **named)
                return
            self._step("mkdir", place)
            real(path, *rest, **named)
            node = _Node(is_folder=True)
            self._change(lambda names: names.__setitem__(place, node), place)

        return call

    def _name_of(self, node: _Node) -> str:
        return next((path for path, other in self._names.items() if other is node), self.folder)


_WATCHED = "open close write fsync replace rename link remove unlink rmdir mkdir".split()


def _combinations(count: int) -> Iterable[tuple[bool, ...]]:
    """Which of so many changes survive."""
    if count <= _MOST_COMBINED:
        return itertools.product((False, True), repeat=count)
    found = []
    for at in range(count + 1):
        found.append(tuple(i < at for i in range(count)))
        found.append(tuple(i == at for i in range(count)))
        found.append(tuple(i != at for i in range(count)))
    return found


def _has_folders(path: str, names: dict[str, _Node], top: str) -> bool:
    """Whether all folders above ``path`` have survived."""
    while path != top:
        path = os.path.dirname(path)
        if path not in names:
            return False
    return True


class _Undo:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __enter__(self) -> None:
        return None

    def __exit__(self, *unused: object) -> None:
        self._patch.undo()


#: What a disk answers when it fails, and what such a failure is called.
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EINTR": errno.EINTR}
