"""``tf.gfile``: TensorFlow 1's way to files, under its own names and argument names.

Differences from TensorFlow, all of them on purpose:

- ``r+`` keeps what is in the file and writes where reading stands (TensorFlow empties it).
- `Copy` of a file onto itself leaves it (TensorFlow empties it), and a copy appears whole.
- `Copy` of a folder is a FailedPreconditionError, and leaves nothing (TensorFlow: InvalidArgument, and an empty file).
- `MkDir` where there is a file of this name is one too (TensorFlow says nothing).
- Listings are sorted.
- Any path may be a ``pathlib.Path``.

What is written to a remote store is uploaded by `GFile.flush` and `GFile.close`; see `storage.remote`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any

from evergraph import errors
from evergraph.storage.copying import copy_file
from evergraph.storage.filesystem import FileStatistics, Path, filesystem, is_remote, path_text
from evergraph.storage.os_errors import storage_errors

__all__ = [
    "Copy",
    "DeleteRecursively",
    "Exists",
    "FastGFile",
    "GFile",
    "Glob",
    "IsDirectory",
    "ListDirectory",
    "MakeDirs",
    "MkDir",
    "Open",
    "Remove",
    "Rename",
    "Stat",
    "Walk",
]

_WRITE_MODES = {"w": "wb", "w+": "w+b", "a": "ab", "a+": "ab", "r+": "r+b"}


class GFile:
    """A file as TensorFlow opens one: nothing is opened or made before the first read or write.

    Reading and writing have positions of their own.

    Args:
        name: path of the file.
        mode: ``r``, ``w``, ``a``, ``r+``, ``w+`` or ``a+``, with ``b`` for bytes instead of text.
        encoding: of text.

    Raises:
        InvalidArgumentError: the mode is none of these.
    """

    def __init__(self, name: Path, mode: str = "r", encoding: str = "utf-8") -> None:
        self._name = name
        self._mode = mode
        self._encoding = encoding
        self._is_binary = "b" in mode
        self._plain_mode = mode.replace("b", "")
        self._reader: IO[bytes] | None = None
        self._writer: IO[bytes] | None = None
        if self._plain_mode not in ("r", *_WRITE_MODES):
            raise errors.InvalidValueError(
                None,
                None,
                f"mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+', with 'b' or not: {mode!r}",
            )

    @property
    def name(self) -> Any:
        """The path, as it was given."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode, as it was given."""
        return self._mode

    def size(self) -> int:
        """Size in bytes of what has been written out; NotFoundError if there is no file yet."""
        return Stat(self._name).length

    def read(self, n: int = -1) -> Any:
        """Returns ``n`` bytes, or all that is left, as text or bytes by the mode."""
        return self._value(self._to_read().read(n))

    def readline(self) -> Any:
        """Returns the next line, ending in a bare newline; empty at the end."""
        line = self._to_read().readline()
        if line.endswith(b"\r\n"):
            line = line[:-2] + b"\n"
        return self._value(line)

    def readlines(self) -> list[Any]:
        """Returns all lines that are left."""
        return list(self)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Moves the place of reading.

        Args:
            offset: bytes from where ``whence`` says.
            whence: 0 the beginning, 1 the present place, 2 the end of the file.
            position: the old name of ``offset``.

        Raises:
            OutOfRangeError: the place is behind the end of the file.
        """
        reader = self._to_read()
        if (offset is None) == (position is None):
            raise TypeError("seek() takes offset or position, one of the two.")
        if whence not in (0, 1, 2):
            raise errors.InvalidValueError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        end = self.size()
        place = (0, reader.tell(), end)[whence] + (position if offset is None else offset)  # type: ignore[operator]
        if place < 0:
            raise errors.InvalidValueError(None, None, f"Seeking to a negative position: {place}")
        if place > end:
            reader.seek(end)
            raise errors.OutOfRangeError(
                None, None, f"reached end of file: {self._name!r} has {end} bytes, not {place}."
            )
        reader.seek(place)

    def tell(self) -> int:
        """Where reading stands; for a file that is only written, where writing does."""
        return (self._to_read() if "r" in self._allows() else self._to_write()).tell()

    def seekable(self) -> bool:
        """True: `seek` and `tell` work."""
        return True

    def write(self, file_content: str | bytes) -> None:
        """Appends text (encoded) or bytes. TypeError for anything else."""
        writer = self._to_write()
        if isinstance(file_content, str):
            file_content = file_content.encode(self._encoding)
        elif not isinstance(file_content, (bytes, bytearray)):
            raise errors.InvalidTypeError(
                None, None, f"Expected binary or unicode string, got {file_content!r}"
            )
        with storage_errors(path_text(self._name)):
            writer.write(file_content)

    def flush(self) -> None:
        """Hands what was written to the operating system."""
        if self._writer is not None:
            with storage_errors(path_text(self._name)):
                self._writer.flush()

    def close(self) -> None:
        """Flushes and closes; a later read or write opens the file again."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, None, None
        if reader is not None:
            reader.close()
        if writer is not None:
            with storage_errors(path_text(self._name)):
                writer.close()

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def _allows(self) -> str:
        return {"r": "r", "w": "w", "a": "w"}.get(self._plain_mode, "rw")

    def _to_read(self) -> IO[bytes]:
        if self._reader is None:
            if "r" not in self._allows():
                raise errors.PermissionDeniedError(
                    None, None, f"File isn't open for reading: {self._name!r}, mode {self._mode!r}."
                )
            path = path_text(self._name)
            self._reader = filesystem(path).open(path, "rb")
        return self._reader

    def _to_write(self) -> IO[bytes]:
        if self._writer is None:
            if "w" not in self._allows():
                raise errors.PermissionDeniedError(
                    None, None, f"File isn't open for writing: {self._name!r}, mode {self._mode!r}."
                )
            path = path_text(self._name)
            self._writer = filesystem(path).open(path, _WRITE_MODES[self._plain_mode])
            if self._plain_mode == "r+" and self._reader is not None:
                self._writer.seek(self._reader.tell())
        return self._writer

    def _value(self, data: bytes) -> Any:
        return data if self._is_binary else data.decode(self._encoding)


class FastGFile(GFile):
    """The old second name of `GFile`."""


Open = GFile


def Exists(filename: Path) -> bool:
    """Whether there is a file or folder of this name."""
    path = path_text(filename)
    return filesystem(path).exists(path)


def IsDirectory(dirname: Path) -> bool:
    """Whether there is a folder of this name."""
    path = path_text(dirname)
    return filesystem(path).is_folder(path)


def Stat(filename: Path) -> FileStatistics:
    """Size, time and kind. NotFoundError if there is nothing of this name."""
    path = path_text(filename)
    return filesystem(path).stat(path)


def ListDirectory(dirname: Path) -> list[str]:
    """The names in a folder, sorted. NotFoundError if it is no folder."""
    return list(_scan(path_text(dirname)))


def _scan(path: str) -> dict[str, bool]:
    """The names in a folder, and whether each is a folder. NotFoundError if it is no folder."""
    if not filesystem(path).is_folder(path):
        raise errors.FileMissingError(None, None, f"Could not find directory {path}")
    return filesystem(path).scan_folder(path)


def MkDir(dirname: Path) -> None:
    """Makes a folder; one that is there is fine. NotFoundError if the folder above is missing."""
    path = path_text(dirname)
    if path:  # "" is the folder of a bare file name, which is there
        filesystem(path).make_folder(path)


def MakeDirs(dirname: Path) -> None:
    """Makes a folder and those above it; one that is there is fine."""
    path = path_text(dirname)
    if path:
        filesystem(path).make_folder(path, parents=True)


def Remove(filename: Path) -> None:
    """Removes a file. FailedPreconditionError if it is a folder."""
    path = path_text(filename)
    filesystem(path).remove(path)


def DeleteRecursively(dirname: Path) -> None:
    """Removes a folder and all in it (or one file)."""
    path = path_text(dirname)
    filesystem(path).remove_tree(path)


def Copy(oldpath: Path, newpath: Path, overwrite: bool = False) -> None:
    """Copies one file. AlreadyExistsError if ``newpath`` is there and ``overwrite`` is false."""
    old, new = path_text(oldpath), path_text(newpath)
    if _scheme(old) == _scheme(new):
        filesystem(new).copy(old, new, overwrite)
        return
    if not overwrite and filesystem(new).exists(new):
        raise errors.FileAlreadyExistsError(
            None, None, f"file already exists: {new}. Pass overwrite=True to replace it."
        )
    copy_file(old, new)


def Rename(oldname: Path, newname: Path, overwrite: bool = False) -> None:
    """Moves a file or folder. AlreadyExistsError as in `Copy`."""
    old, new = path_text(oldname), path_text(newname)
    if _scheme(old) != _scheme(new):
        raise errors.UnimplementedError(
            None,
            None,
            f"Renaming {old} to {new} not implemented: they are in different stores. Copy it, and "
            "remove the old one.",
        )
    filesystem(new).rename(old, new, overwrite)


def _scheme(path: str) -> str:
    """The store that a path names; all local paths are in one."""
    return path.partition("://")[0].lower() if is_remote(path) else ""


def Walk(top: Path, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields ``(folder, its folders, its files)`` for ``top`` and every folder below it.

    A folder that cannot be listed is left out.

    Args:
        top: where to begin.
        in_order: a folder before those in it; False: after them.
    """
    path = path_text(top)
    try:
        found = _scan(path)
    except errors.OpError:
        return
    folders = [name for name, is_folder in found.items() if is_folder]
    here = (path, folders, [name for name, is_folder in found.items() if not is_folder])
    if in_order:
        yield here
    for folder in folders:
        yield from Walk(os.path.join(path, folder), in_order)
    if not in_order:
        yield here


def Glob(filename: Path | Iterable[Path]) -> list[str]:
    """The paths that match a pattern, sorted; of several patterns, one after the other.

    ``*`` and ``?`` match anything but ``/`` (hidden files too), ``[a-z]`` one of a set, ``[^a-z]``
    one not of it, ``\\`` takes the next character as it is. A pattern in the present folder yields
    paths that begin with ``./``, as TensorFlow's does.
    """
    if not isinstance(filename, (str, bytes, os.PathLike)):
        return [path for pattern in filename for path in Glob(pattern)]
    pattern = path_text(filename)
    if not _MAGIC.search(pattern):
        return [pattern] if Exists(pattern) else []
    parts = pattern.split("/")
    first = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
    found = ["/".join(parts[:first]) if first else "."]
    if not found[0] or found[0].endswith(":/"):
        found[0] += "/"  # the root of the disk (/*), or of a store (memory://*)
    for part in parts[first:]:
        if not part:
            continue
        matches = _compile(part).fullmatch
        found = [
            os.path.join(folder, name)
            for folder in found
            if IsDirectory(folder)
            for name in ListDirectory(folder)
            if matches(name)
        ]
    return sorted(found)


_MAGIC = re.compile(r"[*?\[\\]")
_PIECE = re.compile(r"\\(.)|(\*)|(\?)|\[(\^?)((?:\\.|[^\]\\])+)\]|(.)", re.DOTALL)


_SPECIAL_IN_SET = re.compile(r"\\(.)|([\[&~|])", re.DOTALL)


def _compile(part: str) -> re.Pattern[str]:
    """One folder's part of a glob pattern as a regular expression."""
    source = []
    for piece in _PIECE.finditer(part):
        escaped, star, mark, negated, members, plain = piece.groups()
        if star:
            source.append(".*")
        elif mark:
            source.append(".")
        elif members:
            members = _SPECIAL_IN_SET.sub(lambda found: re.escape(found[1] or found[2]), members)
            source.append(f"[{negated}{members}]")
        else:
            source.append(re.escape(escaped or plain))
    try:
        return re.compile("".join(source), re.DOTALL)
    except re.error as error:
        raise errors.InvalidValueError(
            None, None, f"{part!r} is no pattern for file names: {error}."
        ) from error
